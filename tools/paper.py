"""Execute the notebooks whose inputs changed, two at a time, and store what they print.

The .py is the source. The .ipynb beside it is rewritten only when every cell ran, and keeps each
image that the new one does not visibly differ from; so do the files in figures/, which a notebook
leaves in the folder that the variable TD_FIGURES names. At another TD_BUDGET than ci results go to
notebooks-BUDGET/ instead. Arguments, if any, select notebooks by the beginning of their names.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import nbformat
from nbclient import NotebookClient

from tools import agree, figures

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
STAMP = ROOT / ".venv" / "paper.json"
SHARED = ["td/**/*.py", "td/tables/*.csv", "tests/benchmarks/*.txt", "requirements.lock"]
FILTERS = {"cell_metadata_filter": "tags,-all", "notebook_metadata_filter": "-all"}
METADATA = {
    "jupytext": {**FILTERS, "main_language": "python"},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
EDITED = """{0} was edited and {1} was not, so nothing is executed. To keep the edit:
  {2} -m jupytext --to py:percent --output {1} {0}
To drop it:
  rm {0}"""


def sources(names=()):
    """Return the notebooks' sources, in order; only those that begin with one of ``names``."""
    found = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.py"))
    return [path for path in found if path.name.startswith(tuple(names) or "")]


def executed(source):
    """Return where a notebook goes: beside its source at the usual budget, else elsewhere."""
    size = os.environ.get("TD_BUDGET") or "ci"
    return (NOTEBOOKS if size == "ci" else ROOT / f"notebooks-{size}") / f"{source.stem}.ipynb"


def digest(parts):
    """Return a digest of names and bytes."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def stamp(source):
    """Return the digests of all that a notebook's outputs depend on, and of what is stored."""
    shared = sorted(file for pattern in SHARED for file in ROOT.glob(pattern))
    inputs = [(str(path.relative_to(ROOT)), path.read_bytes()) for path in [source, *shared]]
    path = executed(source)
    return [digest(inputs), digest(path.read_bytes() if path.exists() else None)]


def edited(source, known):
    """Whether the notebook holds an edit that its source, the last run and git do not have."""
    path = executed(source)
    if not path.exists() or stamp(source)[1] == known[1]:
        return False
    cells = ([(c.cell_type, c.source) for c in jupytext.read(p).cells] for p in (path, source))
    git = ["git", "show", f"HEAD:./{path.name}"]
    return next(cells) != next(cells) and not (
        shutil.which("git")
        and subprocess.run(git, cwd=path.parent, capture_output=True).stdout == path.read_bytes()
    )


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


def settle(new, old):
    """Give a cell's new outputs the old ones' images and texts where these tell no difference."""
    agree.settled(new, old)
    for one, other in zip(new, old, strict=False):
        pair = figures.images([one]) + figures.images([other])
        if len(pair) == 2 and figures.difference(*pair) < figures.SAME:
            one.data["image/png"] = pair[1]


def store(source, notebook):
    """Write a notebook, leaving nothing in it that a second execution would change."""
    path, notebook.metadata = executed(source), METADATA
    before = nbformat.read(path, as_version=4).cells if path.exists() else []
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index:02d}"
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
            settle(
                cell.outputs,
                next((c.get("outputs", []) for c in before if c.source == cell.source), []),
            )
    nbformat.write(notebook, path)


def keep(drawn, folder):
    """Copy the images that a notebook drew as files, where these do not look like those there."""
    for new in drawn.iterdir():
        old = folder / new.name
        pair = [file.read_bytes() for file in (new, old) if file.exists()]
        if len(pair) == 1 or figures.difference(*pair) >= figures.SAME:
            shutil.copyfile(new, old)


def execute(source):
    """Execute one notebook and store it unless it fails; return its new stamp."""
    before, path = stamp(source), executed(source)
    (path.parent / "figures").mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as drawn:
        notebook, failure = perform(source, folder=path.parent, env={"TD_FIGURES": drawn})
        print(failure or f"executed {source.stem}", flush=True)
        if failure:
            return [None, before[1]]
        store(source, notebook)
        keep(Path(drawn), path.parent / "figures")
    return [before[0], stamp(source)[1]]


def kept():
    """Return the stamps of earlier runs; a file that was cut short holds none."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads(STAMP.read_text(encoding="utf-8"))
    return {}


def main(names):
    """Bring the notebooks up to date; return the exit status."""
    if unknown := [name for name in names if not sources([name])]:
        sys.exit(f"no notebook begins with {' or '.join(unknown)}")
    stamps, key = kept(), lambda s: str(executed(s).relative_to(ROOT))
    stale = [s for s in sources(names) if stamps.get(key(s)) != stamp(s)]
    if lost := [s for s in stale if edited(s, stamps.get(key(s), [None, None]))]:
        python = os.path.relpath(sys.executable, ROOT)
        paths = [(key(s), s.relative_to(ROOT), python) for s in lost]
        sys.exit("\n".join(EDITED.format(*path) for path in paths))
    with ThreadPoolExecutor(2) as pool:
        jobs = {pool.submit(execute, source): key(source) for source in stale}
        for job in as_completed(jobs):
            stamps[jobs[job]] = job.result()
            STAMP.parent.mkdir(exist_ok=True)
            STAMP.write_text(json.dumps(stamps, indent=1), encoding="utf-8")
    where = executed(NOTEBOOKS / "*").relative_to(ROOT)
    print(f"read the result in {where}" if stale else f"{where}: up to date")
    return 0 if all(job.result()[0] for job in jobs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
