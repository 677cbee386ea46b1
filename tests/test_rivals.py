"""The other methods: right where their theory says so, and wrong where it does not."""

from functools import partial, reduce

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

from td import targets
from td.tensor import SymmetricTensor, distance, to_dense

rivals = reference.notebook("09_alternatives")  # the functions that it shows

FAMILIES = {
    "orthogonal": targets.orthogonal,
    "random": targets.random,
    "correlated": targets.correlated,
}
families = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
SIGNS = pytest.mark.parametrize("signs", ["positive", "mixed"])


def error(fit, T):
    return float(distance(fit, T) / T.norm)


def dense(weights, factors):
    """The array of a fit with one matrix for each axis."""
    columns = zip(weights, *(U.T for U in factors), strict=True)
    return sum(w * reduce(np.multiply.outer, u) for w, *u in columns)


@pytest.mark.parametrize(("l", "r", "rank"), [(3, 3, None), (4, 3, None), (3, 3, 2)])
def test_in_span(l, r, rank):
    """The core times the frame is T if the frame spans it, and otherwise as near as it can be."""
    T = to_dense(targets.random(6, r, l, seed=1))
    core, frame = rivals.in_span(T, rank)
    k = rank or r
    assert core.shape == (k,) * l and frame.shape == (6, k)
    assert_allclose(frame.T @ frame, np.eye(k), atol=1e-14)
    back = reduce(lambda B, _: np.tensordot(B, frame.T, axes=(0, 0)), range(l), core)
    left = np.linalg.norm(T) ** 2 - np.linalg.norm(back) ** 2  # an orthogonal projection
    assert_allclose(np.linalg.norm(back - T) ** 2, left, atol=1e-12)
    assert (left < 1e-12) == (rank is None)


@families
@SIGNS
@pytest.mark.parametrize(("l", "d", "r"), [(3, 6, 4), (3, 5, 4), (4, 6, 4), (5, 5, 4)])
def test_jennrich(family, signs, l, d, r):
    """Simultaneous diagonalisation decomposes independent components to rounding error."""
    T = family(d, r, l, seed=[l, d], signs=signs)
    fit = rivals.jennrich(to_dense(T), r, seed=0)
    assert error(fit, T) < 1e-9 and rivals.recovers(T, [fit.factors])


def test_jennrich_needs_no_more_terms_than_dimensions():
    """With r > d the components are dependent: d of them do not fit, and r are refused."""
    T = targets.random(4, 6, 3, seed=1)
    assert error(rivals.jennrich(to_dense(T), 4, seed=0), T) > 0.01
    with pytest.raises(ValueError, match="r must be at most d = 4"):
        rivals.jennrich(to_dense(T), 5, seed=0)


@SIGNS
@pytest.mark.parametrize("l", [3, 4])
def test_deflation(l, signs):
    """The power method decomposes orthogonal components, and not correlated ones."""
    T = targets.orthogonal(6, 4, l, seed=1, signs=signs)
    fit = rivals.deflation(to_dense(T), 4, seed=0, steps=60)
    assert error(fit, T) < 1e-9 and rivals.recovers(T, [fit.factors])
    T = targets.correlated(6, 4, l, seed=1, signs=signs)
    assert error(rivals.deflation(to_dense(T), 4, seed=0), T) > 0.05


@families
@SIGNS
def test_subspace_power(family, signs):
    """The subspace power method decomposes even orders to rounding error."""
    T = family(6, 4, 4, seed=1, signs=signs)
    fit = rivals.subspace_power(to_dense(T), 4, seed=0)
    assert error(fit, T) < 1e-9 and rivals.recovers(T, [fit.factors])


@pytest.mark.parametrize(("l", "d", "r"), [(4, 4, 6), (6, 3, 5)])
def test_subspace_power_overcomplete(l, d, r):
    """... with more components than dimensions too, and at order 6."""
    T = targets.random(d, r, l, seed=[l, d])
    fit = rivals.subspace_power(to_dense(T), r, seed=0)
    assert error(fit, T) < 1e-8 and rivals.recovers(T, [fit.factors])


def test_subspace_power_deflates_by_one_rank():
    """What is subtracted first leaves a matrix of rank r - 1."""
    T = targets.random(5, 4, 4, seed=1)
    fit = rivals.subspace_power(to_dense(T), 4, seed=0)
    first = SymmetricTensor(fit.weights[:1], fit.factors[:, :1], 4)
    rest = (to_dense(T) - to_dense(first)).reshape(25, 25)
    values = np.sort(abs(np.linalg.eigvalsh(rest)))[::-1]
    assert values[2] > 1e-3 and values[3] < 1e-10


def test_the_lifted_climb_never_goes_down():
    """Each step of the shifted power method raises |Vᵀ x^{⊗n}|², which ends at 1 or below."""
    T = targets.random(4, 6, 4, seed=1)
    _, V = rivals.leading(to_dense(T).reshape(16, 16), 6)
    heights = []
    for steps in range(12):
        x = np.random.default_rng(5).standard_normal(4)
        _, y = rivals.climbed(V, 2, x / np.linalg.norm(x), steps)
        heights.append(y @ y)
    assert np.all(np.diff(heights) > -1e-14) and heights[0] < 0.9 < heights[-1] < 1 + 1e-12


@pytest.mark.parametrize("l", [3, 4])
@pytest.mark.parametrize(("m", "weight"), [(3, 0.0), (12, 0.0), (12, 1.0)])
def test_lbfgs(l, m, weight):
    """From some seed the descent in all terms at once reaches the error asked for, and says so."""
    T = targets.random(5, 3, l, seed=1).scaled(7.0)
    run = partial(rivals.lbfgs, to_dense(T), m, tol=1e-3, weight=weight)
    fits = [run(seed=seed) for seed in range(5)]
    assert min(error(fit, T) for fit in fits) <= 1.001e-3
    assert all(fit.factors.shape == (5, m) for fit in fits)


@pytest.mark.parametrize("l", [3, 4])
def test_als(l):
    """ALS at rank r finds the components with weights and matrices that rebuild the tensor."""
    T = targets.random(6, 3, l, seed=1)
    weights, factors = rivals.als(to_dense(T), 3, seed=0, tol=1e-6)
    assert len(factors) == l and rivals.recovers(T, factors)
    assert_allclose(dense(weights, factors), to_dense(T), atol=1e-5)
    assert_allclose(np.linalg.norm(factors, axis=1), 1, rtol=1e-12)


def test_als_is_linear_where_the_rest_spans():
    """With m = d² terms the first matrix alone fits any tensor: no component is found."""
    T = targets.random(3, 3, 3, seed=1)
    weights, factors = rivals.als(to_dense(T), 9, seed=0, tol=1e-6, sweeps=1)
    assert_allclose(dense(weights, factors), to_dense(T), atol=1e-8)
    assert not rivals.recovers(T, factors)


@pytest.mark.parametrize("m", [3, 7])
def test_the_first_problem_of_als(m):
    """It leaves 1 - m/d² of the square on average, and below d² terms never nothing."""
    flat = to_dense(targets.random(3, 3, 3, seed=1)).reshape(3, 9).T
    left, rng = [], np.random.default_rng(7)
    for _ in range(2000):
        K = rivals.khatri_rao(*rng.standard_normal((2, 3, m)))
        left.append(np.sum((flat - K @ np.linalg.lstsq(K, flat)[0]) ** 2) / np.sum(flat**2))
    assert_allclose(np.mean(left), 1 - m / 9, atol=5 * np.std(left) / 2000**0.5)
    assert min(left) > 0


def test_recovers():
    """A term has to match a component on all axes, in either sign."""
    T = targets.orthogonal(4, 2, 3, seed=1)
    U, other = T.factors, targets.orthogonal(4, 2, 3, seed=2).factors
    assert rivals.recovers(T, [U[:, ::-1], -U[:, ::-1], U[:, ::-1]])
    assert not rivals.recovers(T, [U, U, U[:, ::-1]])
    assert not rivals.recovers(T, [U[:, :1]]) and not rivals.recovers(T, [other])
    tilted = np.cos(0.1) * U + np.sin(0.1) * U[:, ::-1]  # cosine 0.995
    assert rivals.recovers(T, [tilted])
    assert not rivals.recovers(T, [tilted], cosine=0.996)
