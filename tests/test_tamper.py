"""A changed digit fails wherever it stands: the tool that shows it, on one notebook."""

import random
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_output

from tools import tamper


def prints(cell):
    """All that a cell prints, as one text."""
    return "\n".join(holder[key] for holder, key in tamper.printed(cell))


@pytest.mark.parametrize("name", [p.stem for p in sorted(tamper.ROOT.glob("notebooks/0*.ipynb"))])
def test_one_digit_of_each_printing_cell_is_altered(tmp_path, name):
    before = nbformat.read(tamper.ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    nbformat.write(before, tmp_path / f"{name}.ipynb")
    altered = tamper.tamper(tmp_path / f"{name}.ipynb")
    after = nbformat.read(tmp_path / f"{name}.ipynb", as_version=4)
    code = [[c for c in nb.cells if c.cell_type == "code"] for nb in (before, after)]
    for k, (x, y) in enumerate(zip(*code, strict=True)):
        found = [(a, b) for a, b in zip(prints(x), prints(y), strict=True) if a != b]
        assert len(found) == (k in altered) == bool(re.search(r"\d", prints(x)))
        assert all(a.isdigit() and b.isdigit() for a, b in found)
    assert len(altered) > 3


def test_a_cell_that_prints_no_number_stays():
    quiet = new_code_cell(outputs=[new_output("stream", text="done")])
    picture = new_code_cell(outputs=[new_output("display_data", {"image/png": "12"})])
    assert not tamper.alter(quiet, random.Random(0)) and not tamper.alter(picture, random.Random(0))


def test_exactly_the_altered_cells_fail():
    assert tamper.check("04_subspace")


@pytest.mark.parametrize("failed", [[], [1], [1, 2, 3]])
def test_one_that_is_missed_or_too_many_is_reported(monkeypatch, failed):
    monkeypatch.setattr(tamper, "tamper", lambda path: [1, 2])
    monkeypatch.setattr(tamper, "recomputed", lambda path: (failed, [0], ""))
    assert tamper.main(["04"]) == 1
    monkeypatch.setattr(tamper, "recomputed", lambda path: ([1, 2], [0, 3], ""))
    assert tamper.main(["04"]) == 0


def test_a_name_without_a_notebook_is_refused():
    with pytest.raises(SystemExit, match="no notebook"):
        tamper.main(["99"])
