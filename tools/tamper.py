"""Alter digits and a figure in a copy of each notebook, and see the comparison fail there.

In one figure a small square is wiped out, and in every other cell that prints a number one digit is
altered. On recomputing, exactly these cells must fail. Arguments, if any, select notebooks by the
beginning of their names.
"""

import itertools
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from base64 import b64encode
from io import BytesIO
from pathlib import Path

import nbformat
from PIL import Image, ImageChops

from tools import agree, figures
from tools.ledger import NOTEBOOKS, ROOT
from tools.paper import sources

NBVAL = "-m pytest -q -rA -p no:cacheprovider --nbval --nbval-current-env --nbval-cell-timeout=300"


def printed(cell):
    """Yield (holder, key) of each text that the comparison sees: streams and plain text."""
    for output in cell.get("outputs", []):
        place = (output.data, "text/plain") if "data" in output else (output, "text")
        if re.search(r"[0-9]", place[0].get(place[1], "")):
            yield place


def changed(text):
    """Yield the texts that differ from this one by one digit, raised by 1 or by 5."""
    for found in re.finditer(r"[0-9]", text):
        for step in (1, 5):
            digit = str((int(found[0]) + step) % 10)
            yield text[: found.start()] + digit + text[found.end() :]


def alter(cell, rng):
    """Change one digit that the cell prints, beyond its ±; return whether there was one."""
    texts = list(printed(cell))
    for holder, key in rng.sample(texts, min(1, len(texts))):
        ways = list(changed(holder[key]))
        rng.shuffle(ways)
        holder[key] = next(text for text in ways if not agree.agree(text, holder[key]))
    return bool(texts)


def wipe(cell, rng):
    """Wipe a square with some ink in it out of the cell's first figure."""
    data, side = next(out.data for out in cell.outputs if figures.images([out])), figures.SQUARE
    image = figures.read(data["image/png"])
    paper = Image.new("RGB", image.size, image.getpixel((0, 0)))
    ink = ImageChops.difference(image, paper).convert("L").reduce(side)
    places = itertools.product(range(image.width // side), range(image.height // side))
    x, y = rng.choice([place for place in places if ink.getpixel(place) >= 2 * figures.SAME])
    image.paste(paper.crop((0, 0, side, side)), (side * x, side * y))
    image.save(wiped := BytesIO(), "PNG")
    data["image/png"] = b64encode(wiped.getvalue()).decode()


def tamper(path):
    """Alter the notebook at ``path``; return the numbers, among code cells, of those altered."""
    notebook, rng = nbformat.read(path, as_version=4), random.Random(path.stem)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = [k for k, cell in enumerate(code) if figures.images(cell.outputs)]
    chosen = [rng.choice(shown)] if shown else []
    for k in chosen:
        wipe(code[k], rng)
    altered = [k for k, cell in enumerate(code) if k in chosen or alter(cell, rng)]
    nbformat.write(notebook, path)
    return altered


def recomputed(path):
    """Recompute a notebook; return which cells fail, which pass, and what pytest said."""
    command = [sys.executable, *NBVAL.split(), path.name]
    env = os.environ | {"PYTHONPATH": str(ROOT)}  # conftest.py asks tools.figures
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, env=env)
    verdicts = re.findall(r"^(FAILED|PASSED) .*::Cell (\d+)", done.stdout, re.MULTILINE)
    failed, passed = ({int(k) for v, k in verdicts if v == x} for x in ("FAILED", "PASSED"))
    return sorted(failed), sorted(passed), done.stdout + done.stderr


def check(path):
    """Say whether exactly the altered cells of a notebook's copy fail; return whether it is so."""
    with tempfile.TemporaryDirectory() as folder:
        for entry in ROOT.iterdir():
            if entry != NOTEBOOKS:
                Path(folder, entry.name).symlink_to(entry)
        beside = shutil.copytree(NOTEBOOKS, Path(folder, "notebooks"))
        copy = Path(shutil.copy(path, beside))
        altered = tamper(copy)
        failed, passed, said = recomputed(copy)
    caught = bool(altered) and failed == altered and bool(passed)
    print(f"{path.stem}: {len(altered)} altered, {len(failed)} failed, {len(passed)} passed")
    if not caught:
        print(said, f"altered: {altered}, failed: {failed}", sep="\n")
    return caught


if __name__ == "__main__":
    chosen = sources(sys.argv[1:]) or sys.exit("no notebook has such a name")
    sys.exit(not all([check(path.with_suffix(".ipynb")) for path in chosen]))
