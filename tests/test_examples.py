"""What the page "Run it here" offers: the README's examples, and cells with what they need."""

from types import SimpleNamespace

import pytest
from matplotlib import pyplot

from tools import live

CELLS = [  # as a notebook has them: what defines, what shows, what needs a run
    ("markdown", "# Title\n## One"),
    ("code", "from math import sqrt\n\ndef half(x):\n    return x / sqrt(4)"),
    ("code", "value = half(3)"),
    ("code", "print(half(2))"),
    ("code", "print(value)"),
    ("markdown", "## Two"),
    ("code", "BUDGET = budget(1, 2, 3)"),
    ("code", "print([half(k) for k in range(3)])"),
]


def test_examples_are_the_cells_that_definitions_are_enough_for():
    """`value` needs a run, and `budget` is nowhere: neither cell is offered, nor what needs it."""
    cells = [SimpleNamespace(cell_type=kind, source=text) for kind, text in CELLS]
    found = list(live.self_contained(cells))
    assert [title for title, _ in found] == ["One", "Two"]
    assert [code.splitlines()[-1] for _, code in found] == [CELLS[3][1], CELLS[7][1]]
    assert all(code.startswith("from math") and "value" not in code for _, code in found)


def test_the_readme_comes_first():
    assert [group for group, *_ in live.examples()][:3] == ["README", "README", "00_overview"]


@pytest.mark.weekly
@pytest.mark.filterwarnings("ignore")
def test_every_example_runs_by_itself(monkeypatch, tmp_path):
    """All that "Run it here" offers, here: each in a namespace of its own."""
    monkeypatch.setenv("TD_BUDGET", "quick")
    monkeypatch.chdir(tmp_path)
    pyplot.switch_backend("agg")
    offered = live.examples()
    assert len(offered) > 50
    for _, _, code in offered:
        exec(code, {})
        pyplot.close("all")
