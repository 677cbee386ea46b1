"""Execute the notebooks whose inputs changed, two at a time, and store what they print.

The .py is the source; the .ipynb beside it is rewritten only when every cell ran. Arguments, if
any, select notebooks by the beginning of their names.
"""

import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
STAMP = ROOT / ".venv" / "paper.json"
SHARED = ["td/**/*.py", "td/tables/*.csv", "tests/benchmarks/*.txt", "requirements.lock"]
FILTERS = {"cell_metadata_filter": "tags,-all", "notebook_metadata_filter": "-all"}
METADATA = {
    "jupytext": {**FILTERS, "main_language": "python"},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def sources(names=()):
    """Return the notebooks' sources, in order; only those that begin with one of ``names``."""
    found = sorted(ROOT.glob("notebooks/[0-9][0-9]_*.py"))
    return [path for path in found if path.name.startswith(tuple(names) or "")]


def stamp(source):
    """Return the digests of all that a notebook's outputs depend on, and of what is stored."""
    shared = sorted(file for pattern in SHARED for file in ROOT.glob(pattern))
    inputs = [(str(path.relative_to(ROOT)), path.read_bytes()) for path in [source, *shared]]
    stored = [path.read_bytes() for path in source.parent.glob(f"{source.stem}.ipynb")]
    parts = (os.environ.get("TD_BUDGET", "ci"), inputs), stored
    return [hashlib.sha256(repr(part).encode()).hexdigest() for part in parts]


def perform(source, *, timeout=600, env=None, folder=None):
    """Execute one notebook, in its own folder or another; return it, and what failed."""
    notebook, cells = jupytext.read(source), [0]
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder or source.parent)}},
        on_cell_start=lambda cell, cell_index: cells.append(cell_index),
    )
    try:
        client.execute(env={**os.environ, **(env or {})})
    except Exception as error:  # a cell that raised, one that timed out, a kernel that died
        return notebook, f"{source.name}, cell {cells[-1]}: {error}"
    return notebook, None


def store(source, notebook):
    """Write a notebook, leaving nothing in it that a second execution would change."""
    notebook.metadata = METADATA
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index:02d}"
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    nbformat.write(notebook, source.with_suffix(".ipynb"))


def execute(source):
    """Execute one notebook and store it unless it fails; return its new stamp, or None."""
    before, _ = stamp(source)
    notebook, failure = perform(source)
    print(failure or f"executed {source.stem}", flush=True)
    if failure:
        return None
    store(source, notebook)
    return [before, stamp(source)[1]]


def main(names):
    """Bring the notebooks up to date; return the exit status."""
    stamps = json.loads(STAMP.read_text(encoding="utf-8")) if STAMP.exists() else {}
    stale = [s for s in sources(names) if stamps.get(s.stem) != stamp(s)]
    with ThreadPoolExecutor(2) as pool:
        jobs = {pool.submit(execute, source): source.stem for source in stale}
        for job in as_completed(jobs):
            stamps[jobs[job]] = job.result()
            STAMP.write_text(json.dumps(stamps, indent=1), encoding="utf-8")
    print("read the result in notebooks/*.ipynb" if stale else "notebooks/*.ipynb: up to date")
    return 0 if all(job.result() for job in jobs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
