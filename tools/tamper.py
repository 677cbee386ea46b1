"""Alter printed digits in a copy of each notebook, and see the comparison fail where they stand.

In every cell that prints a number one digit is altered. On recomputing, exactly these cells must
fail. Arguments, if any, select notebooks by the beginning of their names.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
NBVAL = "-m pytest -q -rA -p no:cacheprovider --nbval --nbval-current-env --nbval-cell-timeout=300"


def printed(cell):
    """Return (container, key) of each text that the comparison sees: streams and plain text."""
    for output in cell.get("outputs", []):
        holder, key = (
            (output.get("data", {}), "text/plain") if "data" in output else (output, "text")
        )
        if re.search(r"[0-9]", holder.get(key, "")):
            yield holder, key


def alter(cell, rng):
    """Change one digit that the cell prints; return whether there was one."""
    texts = list(printed(cell))
    if not texts:
        return False
    holder, key = rng.choice(texts)
    text = holder[key]
    at = rng.choice([match.start() for match in re.finditer(r"[0-9]", text)])
    holder[key] = f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}"
    return True


def tamper(path):
    """Alter the notebook at ``path``; return the numbers, among code cells, of those altered."""
    notebook, rng = nbformat.read(path, as_version=4), random.Random(path.stem)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    altered = [k for k, cell in enumerate(code) if alter(cell, rng)]
    nbformat.write(notebook, path)
    return altered


def copied(folder):
    """Copy the notebooks to ``folder``, beside links to all else, and return where they are."""
    for entry in ROOT.iterdir():
        if entry.name != "notebooks":
            os.symlink(entry, folder / entry.name)
    return Path(shutil.copytree(ROOT / "notebooks", folder / "notebooks"))


def recomputed(path):
    """Recompute a notebook; return which cells fail, which pass, and what pytest said."""
    command = [sys.executable, *NBVAL.split(), path.name]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    failed = re.findall(r"^FAILED .*::Cell (\d+)", done.stdout, re.MULTILINE)
    passed = re.findall(r"^PASSED .*::Cell (\d+)", done.stdout, re.MULTILINE)
    return sorted(map(int, failed)), sorted(map(int, passed)), done.stdout + done.stderr


def check(name):
    """Say whether exactly the altered cells of one notebook fail; return whether it is so."""
    with tempfile.TemporaryDirectory() as folder:
        path = copied(Path(folder)) / f"{name}.ipynb"
        altered = tamper(path)
        failed, passed, said = recomputed(path)
    caught = bool(altered) and failed == altered and bool(passed)
    print(f"{name}: {len(altered)} cells altered, {len(failed)} failed, {len(passed)} passed")
    if not caught:
        print(said, f"altered: {altered}, failed: {failed}", sep="\n")
    return caught


def main(names):
    """Check the chosen notebooks one by one; return the exit status."""
    found = sorted(path.stem for path in ROOT.glob("notebooks/[0-9]*.ipynb"))
    chosen = [name for name in found if name.startswith(tuple(names) or "")]
    if not chosen:
        sys.exit(f"no notebook begins with {' or '.join(names)}")
    return 0 if all([check(name) for name in chosen]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
