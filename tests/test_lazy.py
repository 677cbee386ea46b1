"""Lazy training: the tangent space, its exact error, generic dimensions, and real training."""

from itertools import count

import array_api_compat.numpy
import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

from td import targets
from td.lazy import (
    DEFECTIVE,
    lazy_error,
    tangent_basis,
    tangent_features,
    tangent_kernel,
    threshold,
)
from td.moments import lazy_bound, sym_dim
from td.tensor import SymmetricTensor, monomials, to_dense

SIZES = [(d, l, m) for l in range(2, 6) for d, m in [(2, 1), (3, 2), (4, 3), (5, 4), (3, 9)]]
SIZES += [(4, 4, 9)]  # defective: one dimension short
over_sizes = pytest.mark.parametrize("d, l, m", SIZES)
shown = reference.notebook("01_lazy_training")  # the functions that it shows
rank_modulo_prime, train = shown.rank_modulo_prime, shown.train
generic_dim, expected_error = shown.generic_dim, shown.expected_error
train.__globals__["xp"] = array_api_compat.numpy
ORDERS = pytest.mark.parametrize("l", range(2, 6))


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


@over_sizes
def test_features_are_derivatives(d, l, m):
    """l times the features is the Jacobian of the coordinates of each u_i^{⊗l}."""
    U = normal(d, m)
    jacobian = reference.derivative(lambda X: monomials(X, l).sum(axis=1), U)
    expected = jacobian.reshape(-1, d * m) / l
    assert_allclose(tangent_features(U, l), expected, atol=1e-8 * np.abs(expected).max())


@ORDERS
def test_features_are_symmetrised_products(l):
    """Column a m + i holds the coordinates of the dense Sym(u_i^{⊗(l-1)} ⊗ e_a)."""
    d, m = 3, 2
    U, eye = normal(d, m), np.eye(d)
    for a in range(d):
        for i in range(m):
            power = reference.dense([1.0], U[:, [i]], l - 1)
            product = reference.symmetrised(np.multiply.outer(power, eye[a]))
            column = tangent_features(U, l)[:, a * m + i]
            assert_allclose(column, reference.coordinates(product), atol=1e-13)


@over_sizes
def test_kernel_is_the_gram_matrix_of_the_jacobian(d, l, m):
    """The kernel, built from UᵀU alone, is JᵀJ for the Jacobian J of T in the factors."""
    model = reference.tensor(d, m, l, batch=(2,))
    J = l * np.tile(model.weights, d)[:, None, :] * tangent_features(model.factors, l)
    expected = J.mT @ J
    assert_allclose(tangent_kernel(model), expected, atol=1e-12 * np.abs(expected).max())


@over_sizes
def test_basis_is_orthonormal_and_spans_the_features(d, l, m):
    """The basis reproduces the features, and its rank is the generic dimension."""
    U = normal(d, m)
    Q, F = tangent_basis(U, l), tangent_features(U, l)
    assert Q.shape == (sym_dim(d, l), min(d * m, sym_dim(d, l)))
    assert_allclose(Q @ (Q.T @ F), F, atol=1e-12 * np.abs(F).max())
    norms = np.linalg.norm(Q, axis=0)
    assert_allclose(Q.T @ Q, np.diag(norms > 0.5), atol=1e-10)
    assert (norms > 0.5).sum() == generic_dim(d, l, m)


@over_sizes
def test_expected_error_is_the_trace_with_the_moment_matrix(d, l, m):
    """The exact error equals tr(P M) for the explicit projector P and moment matrix M."""
    U = normal(d, m)
    F, M = tangent_features(U, l), reference.moment_matrix(d, l)
    P = np.eye(len(M)) - F @ np.linalg.pinv(F, rcond=1e-10)
    assert_allclose(expected_error(U, l), np.trace(P @ M), atol=1e-10)


@pytest.mark.parametrize("d, l, m", [(6, 3, 4), (4, 4, 5), (4, 4, 9)])
def test_expected_error_is_the_mean_over_targets(d, l, m):
    """It lies within four standard errors of the mean over 4,000 uniform targets."""
    U, u = normal(d, m), normal(d, 4000, seed=1)
    squares = lazy_error(U, monomials(u / np.linalg.norm(u, axis=0), l), l) ** 2
    standard_error = squares.std() / np.sqrt(squares.size)
    assert abs(squares.mean() - expected_error(U, l)) < 4 * standard_error < 0.03


@pytest.mark.parametrize("d, l, m", [(4, 2, 2), (4, 3, 3), (5, 3, 4), (4, 4, 5), (3, 5, 5)])
def test_expected_error_obeys_the_lazy_bound(d, l, m):
    """No initialisation beats Theorem A: random, repeated, collinear or coplanar factors."""
    U = normal(4, d, m)
    U[1] = U[1][:, :1]
    U[2] = U[2][:, :1] * normal(m)
    U[3, 2:] = 0.0
    error, bound = expected_error(U, l), lazy_bound(d, l, m, sharp=True)
    assert np.all(error >= float(bound) - 1e-12) and bound >= lazy_bound(d, l, m) > 0
    assert_allclose(error[1:3], expected_error(U[1, :, :1], l), atol=1e-12)
    assert_allclose(error, [expected_error(X, l) for X in U], atol=1e-12)  # one by one


@pytest.mark.parametrize("d, l, m", [(4, 3, 3), (4, 5, 8)])
def test_lengths_of_the_starts_do_not_matter(d, l, m):
    """V is spanned by the same features, whatever their lengths; a zero start spans nothing."""
    U, target = normal(d, m), monomials(normal(d, 2, seed=1), l)
    V = U * 10.0 ** np.random.default_rng(2).uniform(-1.5, 1.5, m)
    assert_allclose(expected_error(V, l), expected_error(U, l), rtol=1e-9)
    assert_allclose(lazy_error(V, target, l), lazy_error(U, target, l), rtol=1e-7)
    V = np.concatenate([U, np.zeros((d, 1))], axis=1)
    assert_allclose(expected_error(V, l), expected_error(U, l), rtol=1e-9)


def test_lazy_error_vanishes_exactly_on_the_tangent_space():
    """A combination of features is reached, a power of another vector is not."""
    U, batch = normal(2, 4, 3), normal(2, 12, 5, seed=1)
    inside = tangent_features(U, 3) @ batch
    assert np.max(lazy_error(U, inside, 3)) < 1e-12 * np.max(np.abs(inside))
    assert np.min(lazy_error(U, monomials(normal(4, 5), 3), 3)) > 1e-3


GENERIC = [
    *((d, l, m + k) for (l, d), m in DEFECTIVE.items() for k in (-1, 0, 1)),
    *((d, 2, m) for d in (1, 3, 5) for m in (1, 2, 3, 4, 5, 6)),
    *((d, l, m) for d, l in [(2, 3), (3, 3), (4, 3), (6, 3), (2, 4), (3, 5)] for m in (1, 2, 3, 5)),
]


@pytest.mark.parametrize("d, l, m", GENERIC)
def test_generic_dimension_is_the_rank_modulo_a_prime(d, l, m):
    """Theorem B's table agrees with exact ranks, at the four defective cases and around them."""
    assert rank_modulo_prime(d, l, m, seed=[d, l, m]) == generic_dim(d, l, m)


def test_the_defective_cases():
    """By exact ranks alone: among these sizes, up to one past D/d, exactly four are short."""
    short = {}
    for l, d in [(3, d) for d in range(2, 7)] + [(4, d) for d in range(2, 7)] + [(5, 3), (5, 4)]:
        D = sym_dim(d, l)
        for m in range(2, D // d + 3):
            rank = rank_modulo_prime(d, l, m, seed=[l, d, m])
            if rank < min(d * m, D):
                short[l, d] = m
                assert min(d * m, D) - rank == 1
    assert short == {(3, 5): 7, (4, 3): 5, (4, 4): 9, (4, 5): 14} == DEFECTIVE


@pytest.mark.parametrize("d, l", [(d, l) for l in range(2, 6) for d in range(1, 7)])
def test_threshold_is_the_first_width_that_fills_the_space(d, l):
    """The lazy threshold is where the generic dimension reaches D."""
    first = next(m for m in count(1) if generic_dim(d, l, m) == sym_dim(d, l))
    assert threshold(d, l) == first


ALPHA = np.array([1e2, 1e3, 1e4])


def paired(V, l):
    """A model whose tensor is 0: every direction twice, with weights +1 and -1."""
    return SymmetricTensor(np.repeat([1.0, -1.0], V.shape[1]), np.hstack([V, V]), l)


@pytest.mark.parametrize("l", [2, 3, 4])
def test_training_becomes_linear(l):
    """From a paired start the error begins at ‖T*‖, and linearises as alpha grows."""
    model = paired(targets.random(4, 3, l, seed=0).factors, l)
    T, step, steps = targets.random(4, 2, l, seed=l), 1e-3, 200
    error, movement, _ = train(model, T, alpha=ALPHA, step=step, times=(0, 50, steps))
    assert error.shape == movement.shape == (3, 3)
    J = l * np.tile(model.weights, 4) * tangent_features(model.factors, l)
    residual = -T.coordinates().coords  # of the linear model, the same for every alpha
    for _ in range(steps):
        residual = residual - step * J @ (J.T @ residual)
    assert_allclose(error[:, 0], T.norm, rtol=1e-9)
    assert np.all(error[:, 2] < 0.999 * error[:, 0])  # by more than the tolerance below
    assert_allclose(error[1:, 2], np.linalg.norm(residual), rtol=1e-3)
    assert_allclose(movement[1, 1:], 10 * movement[2, 1:], rtol=1e-2)
    assert np.all(movement[:, 0] == 0)


def test_training_follows_the_gradient():
    """One step moves the factors by the gradient of ½‖alpha T(U) - T*‖² / alpha²."""
    U, w, T, alpha, step = normal(3, 4), normal(4), reference.tensor(3, 2, 3), 3.0, 1e-3
    model = SymmetricTensor(w, U, 3)
    scaled = lambda X: reference.loss(alpha * w, X, to_dense(T)) / alpha**2  # noqa: E731
    error, movement, V = train(model, T, alpha=np.array(alpha), step=step, times=(0, 1))
    assert_allclose(U - V, step * reference.derivative(scaled, U), atol=1e-8)
    expected = [np.sqrt(2) * alpha * np.sqrt(scaled(X)) for X in (U, V)]
    assert_allclose(error, expected, rtol=1e-12)
    moved = np.linalg.norm(V - U) / np.linalg.norm(U)
    assert_allclose(movement, [0, moved], rtol=1e-12)


def test_divergence_is_an_error():
    """Too long a step raises: it names what to change, or where numbers overflow says so."""
    model, T = paired(normal(4, 3), 3), targets.random(4, 2, 3, seed=1)
    for times, error in (((0, 1), AssertionError), ((0, 10), ValueError)):
        with np.errstate(all="ignore"), pytest.raises(error, match=r"decrease step|finite"):
            train(model, T, alpha=np.array(10.0), step=1e3, times=times)
