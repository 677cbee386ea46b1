"""The user's entry: any symmetric tensor in, weights and unit factors out, error as reported."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

import td
from td import targets
from td.decompose import span
from td.descent import BASE, REACHED, SPENT
from td.symmetric import SymmetricTensor, to_dense

orders = pytest.mark.parametrize("l", [2, 3, 4, 5])


RAW = {"polish": False, "attempts": 1}


def check_model(result, A, most):
    """At most so many unit vectors, which reproduce A within the error that was reported."""
    assert 1 <= result.rank <= most
    assert result.factors.shape == (A.shape[0], result.rank) == (A.shape[0], *result.weights.shape)
    assert_allclose(np.linalg.norm(result.factors, axis=0), 1, rtol=1e-6)
    error = np.linalg.norm(reference.dense(result.weights, result.factors, A.ndim) - A)
    assert abs(error / np.linalg.norm(A) - result.error) <= 10 * result.resolution
    assert (
        result.formula == "coordinates"
        and result.resolution <= 1e3 * np.finfo(result.weights.dtype).eps
    )


@orders
@pytest.mark.parametrize("form", ["dense", "factored"])
def test_success(l, form):
    """Dense or factored, a tensor of mixed signs is found to 1 % by the run's own account."""
    T = targets.random(6, 2, l, seed=l, signs="mixed")
    result = td.decompose(to_dense(T) if form == "dense" else T, 12, seed=0)
    assert result.reason == REACHED and result.error <= 1e-2 * (1 + 1e-9)
    check_model(result, to_dense(T), 2)
    assert result.history["error"].shape == (result.steps + 1,)
    assert ("alignment" in result.history) == (form == "factored")


@pytest.mark.parametrize("form", ["dense", "factored"])
def test_factors_lie_in_the_components_span(form):
    """What a tensor of three dimensions in R^20 is made of stays in those three."""
    T = targets.subspace(20, 5, 3, span=3, seed=1)
    result = td.decompose(to_dense(T) if form == "dense" else T, 15, seed=0)
    basis = np.linalg.qr(T.factors)[0][:, :3]
    assert_allclose(basis @ (basis.T @ result.factors), result.factors, atol=1e-10)


@pytest.mark.parametrize("l", [2, 3, 4])
@pytest.mark.parametrize("most", [2, 3, 20])
def test_span(l, most):
    """A frame of just the components' span: sketched if it is small, else from all of the tensor.

    A component of a weight of 1e-9 is no rounding error.
    """
    U = np.random.default_rng(l).standard_normal((20, 3))
    T = SymmetricTensor(np.array([1.0, -0.1, 1e-9]), U, l)
    frame = span(T.coordinates(), most)
    assert_allclose(frame.T @ frame, np.eye(3), atol=1e-14)
    assert_allclose(T.weights * (U - frame @ (frame.T @ U)), 0, atol=1e-13)


def test_span_of_more_dimensions_than_expected():
    """A sketch that is too small is seen to be so."""
    T = targets.orthogonal(20, 15, 3, seed=0)
    frame = span(T.coordinates(), 2)
    assert_allclose(frame @ frame.T, T.factors @ T.factors.T, atol=1e-13)


def test_recovery():
    """With m = r the orthogonal components themselves come out, up to their order."""
    T = targets.orthogonal(6, 2, 3, seed=3)
    result = td.decompose(T, 4, seed=1, tol=1e-4)
    overlap = T.factors.T @ (result.factors * np.sign(result.weights))
    assert np.all(overlap.max(axis=1) > 0.999)


@orders
def test_integers_and_lists(l):
    """Nested lists and integer arrays are taken as float64."""
    A = reference.dense([2, -1], np.array([[1, 0], [1, 2], [0, 1]]), l)
    first, again = td.decompose(A.tolist(), 8, seed=0), td.decompose(A.astype(int), 8, seed=0)
    assert first.weights.dtype == np.float64 and np.array_equal(first.factors, again.factors)
    check_model(first, A, 8)


@pytest.mark.parametrize("form", ["dense", "factored"])
def test_float32(form):
    """Single precision in, single precision out."""
    T = targets.to(targets.orthogonal(5, 2, 3, seed=1), np, dtype=np.float32)
    result = td.decompose(to_dense(T) if form == "dense" else T, 8, seed=0)
    assert result.factors.dtype == result.weights.dtype == np.float32
    assert result.reason == REACHED
    check_model(result, to_dense(T), 2)


@pytest.mark.parametrize("scale", [1e6, 1e-6, -1e6])
@pytest.mark.parametrize("form", ["dense", "factored"])
def test_scale(scale, form):
    """Scaling the tensor scales the weights, and changes neither path nor error."""
    T = targets.random(5, 2, 4, seed=1)
    results = [
        td.decompose(to_dense(X) if form == "dense" else X, 8, seed=0)
        for X in (T, T.scaled(abs(scale)))
    ]
    assert results[0].steps == results[1].steps
    assert_allclose(results[1].error, results[0].error, rtol=1e-6, atol=results[0].resolution)
    assert_allclose(results[1].weights, abs(scale) * results[0].weights, rtol=1e-6)
    check_model(td.decompose(T.scaled(scale), 8, seed=0), scale * to_dense(T), 2)


def test_weights_carry_the_sign():
    """At even order -T needs negative weights, and T positive ones, for its large components."""
    T = targets.orthogonal(5, 2, 4, seed=1)
    for sign in (1.0, -1.0):
        weights = td.decompose(T.scaled(sign), 8, seed=0, tol=1e-3).weights
        assert np.all(sign * weights[np.abs(weights) > 0.1] > 0)


def test_seeds():
    """The seed decides the run."""
    A = to_dense(targets.random(5, 2, 3, seed=1))
    first, again, other = (td.decompose(A, 8, seed=seed, **RAW) for seed in (1, 1, 2))
    assert np.array_equal(first.factors, again.factors)
    assert not np.allclose(first.factors, other.factors)


def test_recipe():
    """The recipe's settings hold, except that ``tol`` is the argument's."""
    T = targets.orthogonal(5, 2, 3, seed=1)
    short = td.decompose(T, 8, seed=0, recipe=replace(BASE, epochs=1, steps=3), **RAW)
    assert (short.reason, short.steps) == (SPENT, 3) and type(short.reason) is str
    loose = td.decompose(T, 8, seed=0, tol=0.5, recipe=replace(BASE, tol=1e-3), **RAW)
    assert loose.error > 1e-2


def test_the_input_is_left_alone():
    """Neither a dense nor a factored tensor is changed."""
    T = targets.random(5, 2, 3, seed=1)
    A, w, U = to_dense(T), T.weights.copy(), T.factors.copy()
    copy = A.copy()
    td.decompose(A, 6, seed=0), td.decompose(T, 6, seed=0)
    assert np.array_equal(A, copy)
    assert np.array_equal(T.weights, w) and np.array_equal(T.factors, U)
