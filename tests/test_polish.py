"""Merging, the lower bound on the rank, and least squares to rounding error."""

import sys
from itertools import pairwise

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

import td
from td import polish, targets
from td.polish import fewest, least_rank, merge, misfit, normal_matrix
from td.sweep import rate
from td.symmetric import SymmetricTensor, monomials

orders = pytest.mark.parametrize("l", [2, 3, 4, 5])


@orders
def test_normal_matrix(l):
    """JᵀJ, with J by central differences."""
    V, signs = np.random.default_rng(l).standard_normal((3, 4)), np.array([1.0, -1.0, 1.0, -1.0])
    J = reference.derivative(lambda V: monomials(V, l) @ signs, V).reshape(-1, 12)
    assert_allclose(normal_matrix(V, signs, l), J.T @ J, rtol=1e-6, atol=1e-6)


@orders
def test_merging_sums_weights(l):
    """Parallel and antiparallel components become one, without a change of the tensor."""
    U = np.random.default_rng(0).standard_normal((4, 3))
    U /= np.linalg.norm(U, axis=0)
    w, V = np.array([1.0, 0.5, -0.3, 0.2, 0.4]), np.column_stack([U, -U[:, 0], U[:, 1]])
    found = merge(w, V, l, 3)
    assert found[1].shape == (4, 3)
    expected = reference.dense(w, V, l)
    assert_allclose(reference.dense(*found, l), expected, atol=1e-12)
    assert_allclose(np.sort(found[0]), np.sort([1 + 0.2 * (-1) ** l, 0.9, -0.3]), atol=1e-12)


def test_merging_drops_the_negligible():
    """A small component far from all others goes, and the larger ones stay as they are."""
    w, U = np.array([0.01, -2.0, 1.0]), np.array([[0.6, 0.0, 1.0], [0.0, 1.0, 0.0], [0.8, 0, 0]])
    found = merge(w, U, 3, 2)
    assert_allclose(reference.dense(*found, 3), reference.dense(w[1:], U[:, 1:], 3))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_merging_takes_the_weighted_mean(sign):
    """Two components of weights 3 and 1, a tenth apart, parallel or not; equal ones merge too."""
    x, y = np.array([1.0, 0.0, 0.0]), np.array([1.0, 0.1, 0.0]) / np.sqrt(1.01)
    for big in (3.0, 1.0):
        w, U = merge(np.array([big, 1.0]), np.stack([x, sign * y], axis=1), 4, 1)
        mean = (big * x + y) / np.linalg.norm(big * x + y)
        assert_allclose(w, [big + 1])
        assert_allclose(np.abs(U[:, 0] @ mean), 1, rtol=1e-12)


@orders
def test_least_rank(l):
    """Orthogonal components of norms 4, 2, 1: each is needed from its own norm down."""
    C = SymmetricTensor(np.array([4.0, -2.0, 1.0]), np.eye(5)[:, :3], l).coordinates()
    bounds = [least_rank(C, allowed) for allowed in (0.99, 1.01, 2.2, 2.3, 4.5, 9.0)]
    assert bounds == [3, 2, 2, 1, 1, 1]


@orders
def test_damped_step(l):
    """It solves the damped normal equations and foretells what the linear model gains."""
    rng, signs, floor = np.random.default_rng(l), np.array([1.0, (-1.0) ** l]), 1e-3
    C, V = targets.random(3, 2, l, seed=l).coordinates(), rng.standard_normal((3, 2))
    M, E = polish.residual(C, signs, V)
    J = reference.derivative(lambda V: polish.residual(C, signs, V)[1], V).reshape(-1, 6)
    step, gain = polish.damped_step(M, E, V, signs, l, floor)
    damping = floor * np.diag(J.T @ J).max() * np.eye(6)
    h = np.linalg.solve(J.T @ J + damping, -J.T @ E.ravel())
    assert_allclose(step.ravel(), h, rtol=1e-5, atol=1e-7)
    assert_allclose(gain, np.sum(E**2) - np.sum((E.ravel() + J @ h) ** 2), rtol=1e-5)


@pytest.mark.parametrize("l", [3, 4])
def test_polishing_reaches_rounding_error(l):
    """From components that are 5 % off."""
    T = targets.random(5, 4, l, seed=1, signs="mixed")
    U = T.factors + 0.05 * np.random.default_rng(0).standard_normal((5, 4))
    w, V = polish.polish(T.coordinates(), T.weights, U / np.linalg.norm(U, axis=0))
    assert misfit(T.coordinates(), w, V) < 1e-14
    assert_allclose(np.abs(np.sum(V * T.factors, axis=0)), 1, rtol=1e-12)
    assert l % 2 == 0 or np.all(w > 0)


@pytest.mark.parametrize("l", [3, 4])
def test_polishing_converges_quadratically(l, monkeypatch):
    """To a zero of the misfit, from 5 % off, and it stops there."""
    misfits, step = [], polish.damped_step
    monkeypatch.setattr(
        polish,
        "damped_step",
        lambda M, E, *rest: (misfits.append(np.linalg.norm(E)), step(M, E, *rest))[1],
    )
    T = targets.random(5, 4, l, seed=1, signs="mixed")
    T = T.scaled(1 / T.norm)
    U = T.factors + 0.05 * np.random.default_rng(0).standard_normal((5, 4))
    w, V = polish.polish(T.coordinates(), T.weights, U / np.linalg.norm(U, axis=0))
    misfits.append(misfit(T.coordinates(), w, V))
    middle = [(x, y) for x, y in pairwise(misfits) if 1e-6 < x < 1e-2]
    assert middle and all(y < 100 * x**2 for x, y in middle)
    assert misfits[-1] < 1e-14 and len(misfits) <= 9


def test_polishing_never_makes_it_worse():
    """Whatever the start, even where nothing fits."""
    rng = np.random.default_rng(0)
    for k in range(20):
        C = targets.random(3, 6, 3, seed=k).coordinates()
        w, U = rng.standard_normal(2), rng.standard_normal((3, 2))
        U /= np.linalg.norm(U, axis=0)
        assert misfit(C, *polish.polish(C, w, U)) <= misfit(C, w, U)


def test_fewest_gives_the_best_if_none_will_do():
    """A target of rank 3 by two components: each fits one of it, and the third is left over."""
    C = targets.orthogonal(3, 3, 3, seed=0).coordinates()
    w, U = fewest(C, np.ones(2), np.eye(3)[:, :2], 0.1)
    assert len(w) == 2
    assert_allclose(misfit(C, w, U), 1, rtol=1e-9)


def test_fewest_gives_the_best_of_several(monkeypatch):
    """It need not be the one of most components."""
    C = targets.orthogonal(3, 3, 3, seed=0).coordinates()
    monkeypatch.setattr(polish, "least_rank", lambda *_: 1)
    monkeypatch.setattr(polish, "polish", lambda T, w, U: (w * (len(w) == 2), U))
    w, _ = fewest(C, np.ones(3), targets.orthogonal(3, 3, 3, seed=0).factors, 0.1)
    assert w.tolist() == [1, 1]


FAMILIES = {
    "orthogonal": lambda d, r, l, **o: targets.orthogonal(d, r, l, **o),
    "random": lambda d, r, l, **o: targets.random(d, r, l, **o),
    "correlated": lambda d, r, l, **o: targets.correlated(d, r, l, cosine=0.5, **o),
    "mixed": lambda d, r, l, **o: targets.random(d, r, l, signs="mixed", **o),
}


@pytest.mark.slow
@pytest.mark.parametrize("l", [3, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_exact_recovery(family, l):
    """d = 30, r = 4, m = 4r, 75 targets: error under 1e-10 and rank 4, at least 95 % (Wilson)."""
    T = FAMILIES[family](30, 4, l, seed=7, batch=(75,))
    exact = []
    for k in range(75):
        one = reference.member(T, k)
        fit = td.decompose(one, 16, seed=k, tol=1e-6)
        cosines = abs(one.factors.T @ fit.factors).max(axis=1)
        exact.append(fit.error < 1e-10 and fit.rank == 4 and np.all(cosines > 1 - 1e-9))
    assert rate(exact).low >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("l", [3, 4])
def test_overcomplete(l):
    """Eight components of both signs in R^6, m = 32, 30 targets: how often 1e-6, and the eight."""
    T = targets.random(6, 8, l, seed=11, signs="mixed", batch=(30,))
    fits = [td.decompose(reference.member(T, k), 32, seed=k, tol=1e-6) for k in range(30)]
    assert rate([fit.error <= 1e-6 for fit in fits]).low > 0.8
    assert rate([fit.error <= 1e-10 and fit.rank == 8 for fit in fits]).low > 0.6


@pytest.mark.parametrize("noise", [1e-1, 1e-2, 1e-3])
def test_noise(noise):
    """With symmetric noise of a known size the rank is found, and the error is the noise's."""
    T = targets.random(10, 3, 3, seed=2)
    clean = T.coordinates()
    N = np.random.default_rng(0).standard_normal(len(clean.coords))
    N *= noise * float(clean.norm) / np.linalg.norm(N)
    noisy = type(clean)(clean.coords + N, 10, 3)
    fit = td.decompose(noisy, 12, seed=0, tol=1.05 * noise)
    assert fit.rank == 3 and 0.85 * noise < fit.error <= 1.02 * noise
    # 30 of the 220 coordinates of the noise are fitted: that much of it remains in the estimate
    true = misfit(clean, fit.weights, fit.factors) / clean.norm
    assert true < 0.6 * noise


def test_float32_is_polished_in_double():
    """A target in single precision is fitted to its own resolution."""
    T = targets.to(targets.random(6, 3, 3, seed=1), np, dtype=np.float32)
    fit = td.decompose(T, 12, seed=0, tol=1e-3)
    assert fit.factors.dtype == np.float32 and fit.rank == 3
    assert fit.error < fit.resolution < 1e-5


@pytest.mark.parametrize("l", [3, 4])
@pytest.mark.parametrize("form", ["factored", "coordinates", "gram"])
def test_resolution_bounds_the_error_of_exact_models(l, form, monkeypatch):
    """What rounding leaves of an exact fit stays below what the account calls noise."""
    if form == "gram":
        monkeypatch.setattr(sys.modules["td.decompose"], "MOST_WORK", 0)
    for seed in range(10):
        T = targets.random(6, 3, l, seed=seed)
        fit = td.decompose(T.coordinates() if form == "coordinates" else T, 12, seed=0, tol=1e-6)
        assert fit.error <= fit.resolution
        assert fit.formula == ("gram" if form == "gram" else "coordinates")
        assert fit.resolution < (1e-5 if form == "gram" else 1e-13)


def test_too_wide_to_polish():
    """Where polishing would need too large arrays, the run comes back as it is."""
    T = targets.orthogonal(40, 40, 2, seed=0)
    fit = td.decompose(T, 160, seed=0, tol=0.5)
    assert fit.rank == 160


def test_attempts():
    """They end with the first that succeeds; when none does, all are made and the best is kept."""
    T = targets.orthogonal(5, 3, 3, seed=1)
    assert td.decompose(T, 8, seed=0, attempts=5).attempts == 1
    few = td.decompose(T, 2, seed=0, attempts=2)
    assert few.attempts == 2 and few.error > 0.5 and few.reason != "reached the target error"
