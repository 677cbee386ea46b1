"""Stored counts are what the code gives: a sample is recomputed, another one in every run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

import td
from td import targets
from td.descent import Recipe, descend

TABLES = Path(td.__file__).parent / "tables"
RULES = {"own part": Recipe(), "norm": Recipe(redraw="norm", stall=0.0)}
KINDS = {"mixed": ("correlated", "mixed")}  # the others are their own names, weights 1
RUNS, STRATA = 40, [(rule, l) for rule in RULES for l in (3, 4)]


def successes(row, seed, runs=RUNS):
    """How many of new runs reach 1 % in a cell of notebook 08's experiment 9."""
    kind, signs = KINDS.get(row.family, (row.family, "positive"))
    r, l, m = int(row.r), int(row.l), int(row.r + row.extra)
    T = targets.spanned(kind, 100, r, l, seed=seed, signs=signs, batch=(runs,))
    options = {"recipe": RULES[row.rule], "dim": 100, "compiled": True}
    return np.sum(descend(T, m, seed=seed, runs=runs, **options).error <= 0.01)


def agrees(row, successes, runs, won, seed):
    """Fisher's test at 1e-6, so that a false alarm is not to be expected in a lifetime of runs."""
    counts = [[successes, runs - successes], [won, RUNS - won]]
    assert fisher_exact(counts).pvalue > 1e-6, f"{row.to_dict()}: {won} of {RUNS}, seed {seed}"


@pytest.mark.parametrize("rule, l", STRATA)
@pytest.mark.slow
def test_a_random_cell_of_needed(rule, l):
    """One cell of each rule and order."""
    table = pd.read_csv(TABLES / "needed.csv")
    rng = np.random.default_rng()  # no seed: that is the point
    cells = table[(table.rule == rule) & (table.l == l)]
    row = cells.iloc[rng.integers(len(cells))]
    seed = int(rng.integers(2**31))
    won = successes(row, seed)
    agrees(row, row["sum"], row["size"], won, seed)


@pytest.mark.slow
def test_a_random_cell_of_apart():
    """The same for the widths and times of notebook 08's section 5, at ranks up to 8."""
    table = pd.read_csv(TABLES / "apart.csv")
    rng = np.random.default_rng()
    row = table[table.r <= 8].iloc[rng.integers(sum(table.r <= 8))]
    seed, m = int(rng.integers(2**31)), round(row.r * row.factor)
    signs = {"correlated": "positive", "mixed": "mixed"}[row.family]
    options = {"signs": signs, "cosine": row.cosine, "batch": (RUNS,)}
    T = targets.spanned("correlated", 100, int(row.r), 3, seed=seed, **options)
    recipe = replace(RULES[row.rule], epochs=40)
    options = {"runs": RUNS, "recipe": recipe, "dim": 100, "compiled": True}
    end = descend(T, m, seed=seed, **options)
    for epochs in (20, 40):
        won = np.sum((end.error <= 0.01) & (end.steps <= 300 * epochs))
        agrees(row, row[str(epochs)], row.runs, won, seed)
