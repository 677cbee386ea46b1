"""Every claim of the ledger is backed by what it names."""

import ast
import importlib
import re

import nbformat
import pytest

from tools import ledger

PROVENANCE = {"paper", "proved here", "known", "measured"}
PAPER = {"P1", "P2", "P3", "P4", "P5"}
IDS = [*sorted(PAPER), *"ABCDEFGHIJKLMNS", *map(str, range(1, 18))]
FIELDS = {"id", "statement", "provenance", "status", "derived", "code", "tests", "printed"}
CLAIMS = ledger.claims()
every_claim = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])


def cells(name):
    """Return the cells of a stored notebook."""
    return nbformat.read(ledger.NOTEBOOKS / f"{name}.ipynb", as_version=4).cells


def headings(name):
    """Return the headings in a stored notebook's markdown."""
    text = "\n".join(cell.source for cell in cells(name) if cell.cell_type == "markdown")
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def printed(name):
    """Return all that a stored notebook prints, spaces in a row counted as one."""
    outputs = [out for cell in cells(name) for out in cell.get("outputs", [])]
    return " ".join(" ".join(out.get("text", "") for out in outputs).split())


def exists(dotted):
    """Tell whether ``td.module.name`` is there."""
    module, _, name = dotted.rpartition(".")
    try:
        return module.startswith("td") and hasattr(importlib.import_module(module), name)
    except ImportError:
        return False


def defined(test):
    """Tell whether ``tests/file.py::name`` is a test that pytest would collect."""
    file, _, name = test.partition("::")
    path = ledger.ROOT / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return name in functions and name.startswith("test_") and path.name.startswith("test_")


def faults(claim):
    """Return all that is wrong with one entry."""
    places, lines = claim.get("derived", []), claim.get("printed", [])
    there = [
        place for place in places if (ledger.NOTEBOOKS / f"{place['notebook']}.ipynb").exists()
    ]
    output = " ".join(printed(name) for name in {place["notebook"] for place in there})
    found = [f"unknown field {key}" for key in claim.keys() - FIELDS]
    found += [f"no notebook {place['notebook']}" for place in places if place not in there]
    found += [f"no heading {p}" for p in there if p["heading"] not in headings(p["notebook"])]
    found += [f"no function {name}" for name in claim.get("code", []) if not exists(name)]
    found += [f"no test {test}" for test in claim.get("tests", []) if not defined(test)]
    found += [f"not printed: {line}" for line in lines if " ".join(line.split()) not in output]
    return found + misdeclared(claim)


def misdeclared(claim):
    """Return what is wrong with an entry's marks."""
    found = []
    if claim["provenance"] not in PROVENANCE:
        found.append("unknown provenance")
    if (claim["provenance"] == "paper") != (claim["id"] in PAPER):
        found.append("[paper] is for P1 to P5")
    status, colon, what = claim["status"].partition(": ")
    if status not in ("checked", "open", "in part") or (status == "in part") != bool(
        colon and what
    ):
        found.append("unknown status")
    if status != "open" and not (claim.get("derived") and claim.get("printed")):
        found.append("checked, but by nothing")
    if status != "open" and not (claim.get("tests") and claim.get("code")):
        found.append("checked, but by no test of no function")
    return found


def test_every_claim_has_one_entry():
    assert [claim["id"] for claim in CLAIMS] == IDS


@every_claim
def test_claim_stands(claim):
    assert not faults(claim)


SOUND = next(claim for claim in CLAIMS if claim["id"] == "A")
BROKEN = {
    "notebook": {"derived": [{"notebook": "99_nowhere", "heading": "x"}]},
    "heading": {"derived": [{"notebook": "01_lazy_training", "heading": "9. Nothing"}]},
    "function": {"code": ["td.moments.no_such_bound"]},
    "module": {"code": ["td.no_such_module.bound"]},
    "test": {"tests": ["tests/test_moments.py::test_no_such_thing"]},
    "test file": {"tests": ["tests/test_nowhere.py::test_lazy_bound"]},
    "printed": {"printed": ["the bound is 3/5"]},
    "provenance": {"provenance": "folklore"},
    "paper": {"provenance": "paper"},
    "status": {"status": "done"},
    "in part, but what?": {"status": "in part"},
    "in part, by nothing": {"status": "in part: some", "printed": []},
    "no check": {"derived": [], "printed": []},
    "no test": {"tests": []},
    "field": {"test": []},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_broken_entry_is_found(change):
    assert not faults(SOUND)
    assert faults({**SOUND, **change})
