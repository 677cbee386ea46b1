"""Alternating least squares (notebook 12): Theorem N, own parts, redraws, and what is stored."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import reference
from numpy.testing import assert_allclose
from scipy.stats import ks_2samp

import td

TABLES = Path(td.__file__).parent / "tables"
als = reference.notebook("12_open_problem")  # the functions that it shows


def case(n, r, k, seed=0, runs=1):
    """Matrices of a target of norm 1 and of a start, (3, runs, n, r) and (3, runs, n, k)."""
    rng = np.random.default_rng([seed, n, r, k])
    return als.normed(als.gaussian(rng, r, runs, n)), rng.standard_normal((3, runs, n, k))


def dense(X, w=1.0):
    """The array of a model with one matrix for each axis, and weights."""
    return np.einsum("ai,bi,ci->abc", X[0], X[1], w * X[2])


def naive(T, X, a):
    """X with matrix a from least squares on all entries of T at once, by its design matrix."""
    n, k = X[a].shape
    basis = []
    for i, j in np.ndindex(n, k):
        one = np.zeros((n, k))
        one[i, j] = 1
        basis.append(dense([one if b == a else x for b, x in enumerate(X)]).ravel())
    found = np.linalg.lstsq(np.array(basis).T, T.ravel())[0]
    return [found.reshape(n, k) if b == a else x for b, x in enumerate(X)]


@pytest.mark.parametrize(("n", "r", "k"), [(4, 3, 5), (5, 2, 2), (3, 3, 9)])
def test_a_sweep_is_three_least_squares_problems(n, r, k):
    A, X = case(n, r, k)
    T, slow = dense(A[:, 0]), list(X[:, 0])
    for _ in range(3):
        X, w, _, error = als.swept(A, X)
        for a in range(3):
            slow = naive(T, slow, a)
        assert_allclose(dense(X[:, 0], w), dense(slow), atol=1e-7)
        assert_allclose(error, np.linalg.norm(dense(slow) - T), atol=1e-6)


def test_theorem_n_pathwise():
    """After one sweep all is in the spans, and the core's run is the run, step by step."""
    A, X = case(12, 4, 6)
    X = als.swept(A, X)[0]
    R, Y = als.core(A, X)
    Q = np.linalg.qr(A)[0]
    assert_allclose(Q @ Y, X, atol=1e-12)
    for _ in range(10):
        X, w, _, error = als.swept(A, X)
        Y, v, _, other = als.swept(R, Y)
        assert_allclose(Q @ Y, X, atol=1e-10)
        assert_allclose(error**2, other**2, atol=1e-12)
        assert_allclose(w, v, rtol=1e-8)


def test_theorem_n_in_law():
    """The Gram matrix of a normal start from r + k rows has the law of one from n rows."""
    rng, (r, k, n, runs) = np.random.default_rng(0), (3, 4, 20, 1500)
    few, all_rows = als.normal_start(rng, r, k, n, runs), rng.standard_normal((3, runs, n, k))
    for look in (
        lambda G: G[..., 0, 0],
        lambda G: G[..., 3, 3],
        lambda G: G[..., 0, 3],
        np.linalg.det,
    ):
        one, two = (look(X.mT @ X).ravel() for X in (few, all_rows))
        assert ks_2samp(one, two).pvalue > 1e-3
    assert few.shape == (3, runs, r + k, k)


def test_theorem_n_in_the_limit():
    """At n = 10^12 the first two problems are steps of a power method."""
    rng, (r, k) = np.random.default_rng(0), (4, 6)
    A = np.tile(np.eye(r + k, r), (3, 1, 1, 1)) / r ** (1 / 6)
    start = als.normal_start(rng, r, k, 10**12, 1)
    one = als.swept(A, start)[0]
    step = als.unit(A[0] @ ((A[1].mT @ start[1]) * (A[2].mT @ start[2])))
    assert_allclose(one[0], step, atol=1e-4)
    step = als.unit(A[1] @ ((A[0].mT @ one[0]) * (A[2].mT @ start[2])))
    assert_allclose(one[1], step, atol=1e-4)


@pytest.mark.parametrize(("n", "r", "k"), [(12, 4, 6), (16, 6, 8)])
def test_tensorly_makes_the_same_sweeps(n, r, k):
    """The model after 20 sweeps from the same start, 20 seeds."""
    pytest.importorskip("tensorly")
    assert max(als.parafac_distance(n, r, k, 20, seed) for seed in range(20)) < 1e-8


@pytest.mark.slow
def test_tensorly_at_twice_the_rank():
    """The stored mean error at n = 8, r = 8, k = 16, from the library's own random start."""
    pytest.importorskip("tensorly")
    peer = pd.read_csv(TABLES / "als_tensorly.csv").set_index(["what", "n", "r", "k"]).value
    mean = np.mean([als.parafac_error(8, 8, 16, seed) for seed in range(20)])
    assert_allclose(mean, peer["mean error", 8, 8, 16], rtol=0.2)


def test_own_parts_are_what_a_removal_costs():
    """Proposition 1: the refit of the last matrix without one component, from the definition."""
    A, X = case(5, 4, 6)
    for _ in range(4):
        X, w, H, error = als.swept(A, X)
    T, own = dense(A[:, 0]), als.own_parts(w, H)[0]
    for i in range(6):
        rest = list(np.delete(X[:, 0], i, axis=-1))
        left = np.linalg.norm(dense(naive(T, rest, 2)) - T)
        assert_allclose(left**2 - error[0] ** 2, own[i] ** 2, rtol=1e-5, atol=1e-8)


def test_the_redraw_takes_doubles_and_the_stalled():
    """A double goes at once; where none is free and the error stands still, the cheapest goes."""
    rng = np.random.default_rng(0)
    A, X = als.normed(als.at_cosine(rng, 4, 1, 0.0)), rng.standard_normal((3, 1, 8, 4))
    X[..., 3] = X[..., 0] + 1e-6 * X[..., 3]
    for _ in range(10):
        X, w, H, error = als.swept(A, X)

    def changed(before, tol):
        gone = als.replaced(w, H, error, before, tol)
        assert np.array_equal((als.renewed(X, gone, rng) != X).all(axis=(0, 2)), gone)
        return gone[0]

    own = als.own_parts(w, H)[0]
    assert changed(np.array([np.inf]), own.min() / 2).sum() == 0
    assert np.flatnonzero(changed(error, own.min() / 2)).tolist() == [own.argmin()]
    assert changed(np.array([np.inf]), own.min() * 1.5)[own.argmin()]


def test_with_redraws_the_rank_is_enough():
    """Stored: 40 of 200 or less by plain ALS, 199 or more with redraws."""
    rng = np.random.default_rng(1)
    A, X = als.normed(als.at_cosine(rng, 8, 60, 0.0)), rng.standard_normal((3, 60, 16, 8))
    plain, redraw = (
        np.mean(als.als(A, X, sweeps=300, tol=0.01, rule=rule, rng=rng) <= 300)
        for rule in ("plain", "redraw")
    )
    assert plain < 0.5 and redraw > 0.9


def test_restarts_begin_anew():
    """One that would never reach 1 % does so after sweep 100, if at all."""
    rng = np.random.default_rng(2)
    A, X = als.normed(als.at_cosine(rng, 4, 40, 0.0)), rng.standard_normal((3, 40, 8, 4))
    taken = als.als(A, X, sweeps=400, tol=0.01, rule="restart", rng=rng)
    plain = als.als(A, X, sweeps=400, tol=0.01)
    late = np.isinf(plain) & np.isfinite(taken)
    assert late.any() and taken[late].min() > 100
    assert_allclose(taken[plain <= 100], plain[plain <= 100])


@pytest.mark.slow
def test_pruning_leaves_the_swamp():
    """At k = 2r most pruned runs reach 1e-6, and few others; all end with fewer components."""
    A, X = case(24, 12, 24, runs=8)
    ends = [als.pruned(A[:, [i]], X[:, [i]], sweeps=300, tol=1e-6) for i in range(8)]
    plain = als.als(A, X, sweeps=300, tol=1e-6) <= 300
    assert sum(t <= 300 for t, _ in ends) > 4 > plain.sum()
    assert all(12 <= k < 24 for _, k in ends)


def test_parallel_als_fits_at_once_from_the_square_on():
    """One linear problem: never below r² columns, always from there."""
    for k, fits in ((15, 0), (16, 1)):
        A, X = case(8, 4, k, runs=20)
        for _ in range(2):
            X, error = als.abreast(A, X)
        assert np.mean(error < 1e-4) == fits


def test_families():
    """Norm 1; the cosine asked for; groups of columns that nearly agree."""
    rng = np.random.default_rng(0)
    A = als.normed(als.at_cosine(rng, 5, 3, 0.5))
    assert_allclose([np.linalg.norm(dense(A[:, i])) for i in range(3)], 1)
    assert_allclose((U := als.unit(A)).mT @ U, np.tile(0.5 + 0.5 * np.eye(5), (3, 3, 1, 1)))
    U = als.unit(als.smoothed(rng, 6, 50, 2, 0.3))
    within, between = (np.mean((U.mT @ U)[..., 0, i]) for i in (1, 2))
    assert 0.88 < within < 0.95 and abs(between) < 0.1
    assert np.all(np.ptp(als.symmetric(rng, 3, 2), axis=0) == 0)
    U = als.unit(als.smoothed(rng, 6, 5, 0, 1.0, power=2))
    assert np.min(U.mT @ U) > 0.99


def test_the_targets_found_are_what_the_search_allows():
    for kappa, one in pd.read_csv(TABLES / "als_hard.csv").groupby("kappa"):
        U = one.iloc[:, 1:].to_numpy().reshape(3, 4, 4)
        assert_allclose(np.linalg.norm(U, axis=-2), 1, atol=1e-5)
        assert np.linalg.cond(U).max() < 1.05 * kappa


@pytest.mark.parametrize("name", ["als_width", "als_rules", "als_on_hard"])
def test_stored_counts_are_counts(name):
    """Each cell once, successes from 0 to 200, more of them in more sweeps."""
    table = pd.read_csv(TABLES / f"{name}.csv")
    counts = table[["wins"] if name == "als_width" else ["100", "1000"]]
    assert not table.drop(columns=counts.columns).duplicated().any()
    assert counts.to_numpy().min() >= 0 and counts.to_numpy().max() <= 200
    assert np.all(np.diff(counts, axis=1) >= 0)
