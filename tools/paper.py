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
METADATA = {
    "jupytext": {
        "cell_metadata_filter": "tags,-all",
        "main_language": "python",
        "notebook_metadata_filter": "-all",
    },
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def digest(*files):
    """Return the SHA-256 of the files' names and contents and of the budget."""
    total = hashlib.sha256(os.environ.get("TD_BUDGET", "ci").encode())
    for file in files:
        content = file.read_bytes() if file.exists() else b""
        total.update(f"\0{file.relative_to(ROOT)}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def inputs(source):
    """Return the digest of all that a notebook's outputs depend on."""
    return digest(source, *sorted(file for pattern in SHARED for file in ROOT.glob(pattern)))


def output(source):
    """Return the digest of the stored notebook, which an edit by hand makes stale."""
    return digest(source.with_suffix(".ipynb"))


def tidy(notebook):
    """Leave nothing in the notebook that a second execution would change."""
    notebook.metadata = METADATA
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index:02d}"
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
    return notebook


def perform(source, *, timeout=600, env=None):
    """Execute one notebook; return it with its outputs, and what failed."""
    notebook, cells = jupytext.read(source), []
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(source.parent)}},
        on_cell_start=lambda cell, cell_index: cells.append(cell_index),
    )
    try:
        client.execute(env={**os.environ, **(env or {})})
    except Exception as error:  # a cell that raised, one that timed out, a kernel that died
        return notebook, f"{source.name}, cell {cells[-1] if cells else 0}: {error}"
    return notebook, None


def execute(source):
    """Execute one notebook and write it; return the digest of its inputs, and what failed."""
    before = inputs(source)
    notebook, failure = perform(source)
    if not failure:
        nbformat.write(tidy(notebook), source.with_suffix(".ipynb"))
    return before, failure


def run(sources, stamps):
    """Execute ``sources``, note in ``stamps`` those that succeed, and return what failed."""
    failures = []
    with ThreadPoolExecutor(2) as pool:
        jobs = {pool.submit(execute, source): source for source in sources}
        for job in as_completed(jobs):
            source, (before, failure) = jobs[job], job.result()
            print(failure or f"executed {source.stem}", flush=True)
            if failure:
                failures.append(source)
            else:
                stamps[source.stem] = [before, output(source)]
                STAMP.write_text(json.dumps(stamps, indent=1), encoding="utf-8")
    return failures


def main(names):
    """Bring the notebooks up to date; return the exit status."""
    stamps = json.loads(STAMP.read_text(encoding="utf-8")) if STAMP.exists() else {}
    sources = sorted(ROOT.glob("notebooks/[0-9][0-9]_*.py"))
    chosen = [s for s in sources if s.name.startswith(tuple(names) or "")]
    stale = [s for s in chosen if stamps.get(s.stem) != [inputs(s), output(s)]]
    if failures := run(stale, stamps):
        print("failed:", *(source.stem for source in failures))
        return 1
    print("read the result in notebooks/*.ipynb" if stale else "notebooks/*.ipynb: up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
