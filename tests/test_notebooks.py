"""What every notebook keeps to."""

import re

import jupytext
import nbformat
import pytest

from tools import pages
from tools.ledger import ROOT

SOURCES = sorted(ROOT.glob("notebooks/[0-9]*.py"))
EXEMPTION = re.compile(r"NBVAL|PYTEST_VALIDATE|raises-exception|%%capture", re.IGNORECASE)
every_notebook = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def read(source):
    """Return the stored notebook beside a source."""
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def code(source):
    """Return the stored code cells that aren't empty."""
    return [c for c in read(source).cells if c.cell_type == "code" and c.source.strip()]


def outputs(source):
    """Return all stored outputs."""
    return [output for cell in code(source) for output in cell.outputs]


def test_sources_and_notebooks_come_in_pairs():
    assert SOURCES
    assert [p.stem for p in SOURCES] == [p.stem for p in sorted(ROOT.glob("notebooks/*.ipynb"))]


@every_notebook
def test_pair_is_one_text(source):
    stored = jupytext.read(source.with_suffix(".ipynb"))
    text = source.read_text(encoding="utf-8")
    assert jupytext.writes(stored, fmt="py:percent") == text, "make paper"


@every_notebook
def test_every_cell_ran_in_order(source):
    counts = [cell.execution_count for cell in code(source)]
    assert counts == list(range(1, len(counts) + 1))


@every_notebook
def test_outputs_are_real(source):
    nbformat.validate(read(source))
    assert not [o for o in outputs(source) if o.output_type == "error" or o.get("name") == "stderr"]
    assert [o for o in outputs(source) if "image/png" in o.get("data", {})], "no figure"


@every_notebook
def test_no_output_is_exempt_from_comparison(source):
    tags = [tag for cell in read(source).cells for tag in cell.metadata.get("tags", [])]
    text = "\n".join([source.read_text(encoding="utf-8"), *(c.source for c in code(source)), *tags])
    assert not EXEMPTION.search(text)


@every_notebook
def test_code_cells_are_short(source):
    assert max(len(cell.source.splitlines()) for cell in code(source)) <= 25


@every_notebook
def test_visible_code_is_narrow(source):
    """A folded line may have ruff's 100 characters; what is read without a click has 80."""
    cells = [c for c in code(source) if "hide-input" not in c.metadata.get("tags", [])]
    lines = [line for cell in cells for line in cell.source.splitlines()]
    assert lines and not [line for line in lines if len(line) > 80]


@every_notebook
def test_first_cells_lead_to_colab(source):
    cells = read(source).cells
    title, first = cells[0].source.splitlines(), code(source)[0].source
    assert title[0].startswith("# ") and title[1] == pages.badge(source.stem)
    assert pages.INSTALL in first
