"""Changes that make claims false: each claim of the ledger has one, killed by its own tests."""

import random

import pytest

from tools import claims, ledger

LINES = claims.changes()
LEDGER = {claim["id"]: claim for claim in ledger.claims()}


def test_every_claim_can_be_made_false():
    assert {line["claim"] for line in LINES} == LEDGER.keys()


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line['claim']}: {line['new']}")
def test_a_line_of_the_table_can_be_tried(line):
    """What is changed stands there once, and the test is one that the ledger names."""
    text = (ledger.ROOT / line["file"]).read_text(encoding="utf-8")
    assert text.count(line["old"]) == 1 and line["new"] != line["old"]
    assert line["test"] in LEDGER[line["claim"]]["tests"]


@pytest.mark.slow
def test_a_random_claim_made_false_is_noticed(tmp_path):
    """Another line in every run; `make claims` tries all of them."""
    assert claims.killed(claims.copied(tmp_path), random.choice(LINES))


@pytest.mark.slow
def test_a_change_that_no_test_notices_is_told(tmp_path, capsys):
    """A comment makes no claim false."""
    line = {"claim": "A", "file": "td/moments.py", "old": '"""', "new": '"""'}
    line["test"] = "tests/test_moments.py::test_lazy_bound_example"
    assert not claims.killed(claims.copied(tmp_path), line)
    assert "NOT KILLED by tests/test_moments.py" in capsys.readouterr().out
