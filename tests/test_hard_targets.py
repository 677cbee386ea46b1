"""Targets that are hard at m = r (notebook 11): how they are made, and what the runs do on them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import td
from td import targets
from td.descent import REACHED, Recipe, descend
from td.tensor import SymmetricTensor, unit

TABLES = Path(td.__file__).parent / "tables"
HARD = pd.read_csv(TABLES / "hard.csv").set_index(["l", "signs", "kappa"])
LONG = Recipe(epochs=15, steps=1200)  # 18,000 steps


def hard(l, signs, kappa):
    """The stored target: weights ±1 and unit components in R^r."""
    w = np.where(np.array(list(signs)) == "+", 1.0, -1.0)
    rows = HARD.loc[(l, signs, kappa)].to_numpy()
    return SymmetricTensor(w, rows[:, : len(w)].T, l)


def share(T, m, *, runs=24, **options):
    """The share of runs that reach 1 %."""
    return np.mean(descend(T, m, seed=0, runs=runs, compiled=True, **options).reason == REACHED)


@pytest.mark.parametrize("key", HARD.index.unique(), ids=str)
def test_the_targets_found_are_what_the_search_allows(key):
    T = hard(*key)
    assert T.factors.shape == 2 * (len(key[1]),)
    assert_allclose(np.linalg.norm(T.factors, axis=0), 1, atol=1e-5)
    assert np.linalg.cond(T.factors) < 1.05 * key[2]


@pytest.mark.parametrize("l, signs", [(3, "++++"), (4, "++++"), (4, "++--"), (3, "++++++")])
def test_a_good_condition_number_is_enough(l, signs):
    """The hardest target found with condition number 3 is fitted by m = r in 6,000 steps."""
    assert share(hard(l, signs, 3), len(signs)) > 0.9


@pytest.mark.parametrize("signs", ["++++", "++--"])
@pytest.mark.slow
def test_long_epochs_solve_what_short_ones_do_not(signs):
    T = hard(4, signs, 10)
    assert share(T, 4, recipe=Recipe(epochs=60)) < 0.4 < 0.8 < share(T, 4, recipe=LONG)


@pytest.mark.parametrize("l, d, r", [(3, 8, 12), (4, 5, 11)])
@pytest.mark.slow
def test_width_helps_where_components_outnumber_dimensions(l, d, r):
    """Stored, in 18,000 steps: 30 and 23 of 60 at m = r, 60 and 57 at 2 r."""
    T, recipe = targets.random(d, r, l, seed=1, batch=(40,)), Recipe(epochs=60)
    few, many = (share(T, m, runs=40, recipe=recipe) for m in (r, 2 * r))
    assert few < 0.75 and many > 0.8 and few < many - 0.2


@pytest.mark.parametrize("l", [3, 4])
def test_the_trap_needs_its_rank_and_no_more(l):
    """Its real rank is l (Proposition 1, notebook 03); fewer never do, l do for nearly all runs."""
    T = targets.trap(4, l)
    assert share(T, l - 1) == 0
    assert share(T, l) > 0.75


@pytest.mark.parametrize("cosine", [0.9, 0.99])
@pytest.mark.parametrize("signs", ["positive", "mixed"])
def test_nearly_parallel_components(cosine, signs):
    """In coordinates of their span: any two at this cosine; the norm is what that implies."""
    l, r = 3, 4
    T = targets.spanned("correlated", 100, r, l, seed=0, signs=signs, cosine=cosine, batch=(5,))
    gram = T.factors.mT @ T.factors
    assert_allclose(gram, cosine + (1 - cosine) * np.broadcast_to(np.eye(r), gram.shape))
    square = r + (np.sum(T.weights, axis=-1) ** 2 - r) * cosine**l
    assert_allclose(T.norm, np.sqrt(square), rtol=1e-9)
    assert_allclose(unit(T.factors), T.factors)


@pytest.mark.parametrize(
    "name", ["overcomplete", "recipes", "trap", "parallel", "parallel_wide", "hard_rates"]
)
def test_stored_counts_are_counts(name):
    """Each cell once; successes never fall with the steps, nor exceed the runs."""
    table = pd.read_csv(TABLES / f"{name}.csv")
    counts = table[["6000", "18000", "54000", "runs"]].to_numpy()
    assert not table.drop(columns=["6000", "18000", "54000", "runs"]).duplicated().any()
    assert np.all(np.diff(counts, axis=1) >= 0) and counts.min() >= 0
