"""A changed digit or figure fails wherever it stands, and only there: on made-up notebooks.

`make tamper` shows the same on the real ones (weekly, see the workflow).
"""

import random
import re
import shutil
from base64 import b64decode, b64encode
from io import BytesIO

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import figures, tamper

PRINT = "import sys\nprint(1.25)\nprint('not compared', file=sys.stderr)"


def made(folder, *cells):
    """Store a notebook of cells, each a source and the outputs stored for it; return its path."""
    code = [
        new_code_cell(source, execution_count=k, outputs=outputs)
        for k, (source, *outputs) in enumerate(cells, 1)
    ]
    nbformat.write(new_notebook(cells=code), folder / "tiny.ipynb")
    shutil.copy(tamper.NOTEBOOKS / "conftest.py", folder)
    return folder / "tiny.ipynb"


def printed(text):
    """Return the output of a cell that prints ``text``."""
    return new_output("stream", text=text)


def valued(text):
    """Return the output of a cell that ends with a value shown as ``text``."""
    return new_output("execute_result", {"text/plain": text}, execution_count=1)


@pytest.mark.slow
def test_a_changed_digit_fails(tmp_path):
    """Printed or shown; so does an output that isn't stored, and stderr does not."""
    rate = "print('38 of 40 = 0.95 ± 0.12')"
    right = [(PRINT, printed("1.25\n")), ("7", valued("7"))]
    right += [(rate, printed("37 of 40 = 0.93 ± 0.12\n"))]
    wrong = [(PRINT, printed("1.26\n")), (PRINT,), ("7", valued("8"))]
    wrong += [(rate, printed("32 of 40 = 0.80 ± 0.15\n"))]
    failed, passed, said = tamper.recomputed(made(tmp_path, *right, *wrong))
    assert (failed, passed) == ([3, 4, 5, 6], [0, 1, 2]), said


@pytest.mark.slow
def test_exactly_the_altered_cells_fail(tmp_path, capsys):
    cells = [("x = 5",), ("print(x, x)", printed("5 5\n")), ("print('no')", printed("no\n"))]
    assert tamper.check(made(tmp_path, *cells))
    assert "1 altered, 1 failed, 2 passed" in capsys.readouterr().out


def prints(cell):
    """All that a cell prints, as one text."""
    return "\n".join(holder[key] for holder, key in tamper.printed(cell))


def drawn(size, ink):
    """Return the code of a cell that shows a picture, as PNG, and the output it has."""
    code = f"""from base64 import b64encode
from io import BytesIO
from IPython.display import display
from PIL import Image
image = Image.new("RGB", {size}, "white")
image.paste("black", (24, 24, 24 + {ink}, 40))
image.save(png := BytesIO(), "PNG")"""
    exec(code.replace("from IPython.display import display\n", ""), names := {})
    data = {"image/png": b64encode(names["png"].getvalue()).decode()}
    show = 'display({"image/png": b64encode(png.getvalue()).decode()}, raw=True)'
    return f"{code}\n{show}", new_output("display_data", data)


@pytest.mark.slow
@pytest.mark.skipif(not figures.COMPARABLE, reason="another matplotlib than the lock's")
def test_a_changed_figure_fails(tmp_path):
    """Of another size, with other ink, one pixel only, missing or one too many."""
    code, right = drawn((64, 64), 16)
    _, small = drawn((1, 1), 16)
    _, other = drawn((64, 64), 12)
    noisy = tamper.Image.open(BytesIO(b64decode(right.data["image/png"])))
    noisy.putpixel((3, 3), (0, 0, 0))
    noisy.save(png := BytesIO(), "PNG")
    pixel = new_output("display_data", {"image/png": b64encode(png.getvalue()).decode()})
    path = made(
        tmp_path, *[(code, out) for out in (right, pixel, small, other)], (code,), ("1", right)
    )
    failed, passed, said = tamper.recomputed(path)
    assert (failed, passed) == ([2, 3, 4, 5], [0, 1]), said


@pytest.mark.parametrize(
    "path", sorted(tamper.NOTEBOOKS.glob("[0-9]*.ipynb")), ids=lambda x: x.stem
)
def test_one_digit_of_each_printing_cell_is_altered(tmp_path, path):
    before, copy = nbformat.read(path, as_version=4), shutil.copy(path, tmp_path)
    altered, after = tamper.tamper(tmp_path / path.name), nbformat.read(copy, as_version=4)
    code, pictures = [[c for c in nb.cells if c.cell_type == "code"] for nb in (before, after)], 0
    for k, (x, y) in enumerate(zip(*code, strict=True)):
        found = [(a, b) for a, b in zip(prints(x), prints(y), strict=True) if a != b]
        wiped = figures.images(x.outputs) != figures.images(y.outputs)
        assert len(found) + wiped == (k in altered) == (wiped or bool(re.search(r"\d", prints(x))))
        assert all(a.isdigit() and b.isdigit() for a, b in found)
        pictures += wiped
    assert len(altered) > 3 and pictures == 1


def test_a_cell_that_prints_no_number_stays():
    quiet = new_code_cell(outputs=[printed("done")])
    picture = new_code_cell(outputs=[new_output("display_data", {"image/png": "12"})])
    assert not tamper.alter(quiet, random.Random(0)) and not tamper.alter(picture, random.Random(0))


@pytest.mark.parametrize("failed", [[], [1], [1, 2, 3]])
def test_one_that_is_missed_or_too_many_is_reported(tmp_path, monkeypatch, failed):
    path = made(tmp_path, ("1", valued("1")))
    monkeypatch.setattr(tamper, "tamper", lambda path: [1, 2])
    monkeypatch.setattr(tamper, "recomputed", lambda path: (failed, [0], ""))
    assert not tamper.check(path)
    monkeypatch.setattr(tamper, "recomputed", lambda path: ([1, 2], [0, 3], ""))
    assert tamper.check(path)
