"""Loss and gradients from Gram matrices, against dense arrays and finite differences."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from td import lazy
from td.objective import (
    bracket,
    homogeneous_gradient,
    homogeneous_weights,
    orthogonal_kernel,
    plain_gradient,
)
from td.symmetric import SymmetricTensor, to_dense

over_sizes = pytest.mark.parametrize(
    "d, m, l", [(3, m, l) for l in range(2, 7) for m in (1, 4)] + [(1, 2, 3)]
)
forms = pytest.mark.parametrize("form", ["factored", "coordinates"])
SIZES = dict(d=st.integers(1, 4), r=st.integers(1, 4), m=st.integers(1, 5), l=st.integers(2, 5))


def problem(d, m, l, form="factored", r=2, seed=0):
    """Weights, signs, unit-scale factors, a target and its dense array."""
    model, T = reference.tensor(d, m, l, seed=seed), reference.tensor(d, r, l, seed=seed + 1)
    w, a = model.weights, np.where(model.weights > 0, 1.0, -1.0)
    return w, a, model.factors, T if form == "factored" else T.coordinates(), to_dense(T)


def close(actual, expected, rtol):
    """Agreement relative to the largest entry."""
    assert_allclose(actual, expected, rtol=0, atol=rtol * (1 + np.max(np.abs(expected))))


@over_sizes
@forms
def test_bracket(d, m, l, form):
    """The residual's field, its loss and the Gram matrix are the dense ones."""
    w, _, U, T, A = problem(d, m, l, form)
    residual, E = bracket(w, U, T), reference.dense(w, U, l) - A
    field = reference.contract(E, U)
    close(residual.field, field, 1e-12)
    close(residual.loss, reference.loss(w, U, A), 1e-12)
    close(residual.gram, U.T @ U, 1e-14)


@over_sizes
@forms
def test_plain_gradient(d, m, l, form):
    """Both parts of the plain gradient are derivatives of the dense loss."""
    w, _, U, T, A = problem(d, m, l, form)
    in_w, in_U = plain_gradient(w, U, T)
    close(in_w, reference.derivative(lambda x: reference.loss(x, U, A), w), 1e-7)
    close(in_U, reference.derivative(lambda X: reference.loss(w, X, A), U), 1e-7)


@over_sizes
@pytest.mark.parametrize("c", ["constant", "differentiated"])
def test_homogeneous_gradient(d, m, l, c):
    """The gradient is that of the dense loss with c_i frozen, or moving with u_i."""
    _, a, U, T, A = problem(d, m, l)
    w = a / np.linalg.norm(U, axis=0) ** (l - 2)
    frozen = lambda X: reference.loss(w, X, A)  # noqa: E731
    moving = lambda X: reference.loss(a / np.linalg.norm(X, axis=0) ** (l - 2), X, A)  # noqa: E731
    f = frozen if c == "constant" else moving
    assert_allclose(homogeneous_weights(a, U, l), w, rtol=1e-13)
    close(homogeneous_gradient(a, U, T, c=c), reference.derivative(f, U), 1e-6)


@pytest.mark.parametrize("l", [3, 4])
def test_the_two_homogeneous_gradients_differ_along_the_factor(l):
    """Differentiating c_i scales the radial part by 2/l and leaves the rest alone."""
    _, a, U, T, _ = problem(3, 4, l)
    radial = [
        np.sum(U * homogeneous_gradient(a, U, T, c=c), axis=0)
        for c in ("differentiated", "constant")
    ]
    assert_allclose(radial[0], 2 / l * radial[1], rtol=1e-10)


@pytest.mark.parametrize("l", range(2, 7))
def test_orthogonal_kernel(l):
    """Off the target's span the gradient is U_⊥ B, and B is positive semidefinite."""
    w, _, U, T, _ = problem(5, 4, l)
    inside = SymmetricTensor(T.weights, T.factors * np.array([1, 1, 0, 0, 0])[:, None], l)
    B = orthogonal_kernel(w, U, l)
    close(plain_gradient(w, U, inside)[1][2:], U[2:] @ B, 1e-12)
    assert np.linalg.eigvalsh(B)[0] > -1e-12 * np.linalg.norm(B)


@pytest.mark.parametrize("l", range(2, 7))
def test_batch(l):
    """A batch of models meets one target, or one target each, as if one by one."""
    models, each = reference.tensor(3, 4, l, batch=(2, 5)), reference.tensor(3, 2, l, batch=(5,))
    w, U, one = models.weights, models.factors, reference.tensor(3, 2, l)
    alone = [bracket(w[0, k], U[0, k], reference.member(each, k)) for k in (1, 4)]
    for name in ("field", "loss", "gram"):
        found = getattr(bracket(w, U, each), name)[0, [1, 4]]
        close(found, np.stack([getattr(E, name) for E in alone]), 1e-12)
    close(bracket(w, U, one).loss[1, 2], bracket(w[1, 2], U[1, 2], one).loss, 1e-12)


WEIGHTED = {
    "homogeneous_weights": lambda w, U, T: homogeneous_weights(w, U, T.order),
    "homogeneous_gradient": homogeneous_gradient,
    "plain_gradient": lambda w, U, T: plain_gradient(w, U, T)[1],
    "orthogonal_kernel": lambda w, U, T: orthogonal_kernel(w, U, T.order),
    "tangent_kernel": lambda w, U, T: lazy.tangent_kernel(U, w, T.order),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_and_factors_share_a_batch(name):
    """Weights meet a batch of factors, factors a batch of weights; batches of 2 and 3 clash."""
    rng, T, f = np.random.default_rng(0), reference.tensor(3, 2, 3), WEIGHTED[name]
    w, U = rng.standard_normal((2, 4)), rng.standard_normal((2, 3, 4))
    close(f(w[0], U, T), np.stack([f(w[0], U[k], T) for k in (0, 1)]), 1e-12)
    close(f(w, U[0], T), np.stack([f(w[k], U[0], T) for k in (0, 1)]), 1e-12)
    for bad in (rng.standard_normal((3, 4)), rng.standard_normal((2, 3, 4))):
        with pytest.raises(ValueError, match="batch axes must broadcast"):
            f(bad, U, T)


def test_a_zero_factor_has_no_homogeneous_weight():
    """The 2-homogeneous model divides by the norm, whatever the order, even 2."""
    for l in (2, 3):
        with pytest.raises(ValueError, match="U must have no zero column"):
            homogeneous_weights(np.ones(2), np.eye(2) * [1, 0], l)


def test_loss_is_never_negative():
    """At T = T*, where the three terms cancel, rounding does not make the loss negative."""
    models = reference.tensor(4, 3, 3, batch=(500,))
    loss = bracket(models.weights, models.factors, models).loss
    assert np.all(loss >= 0) and np.all(loss < 1e-14 * models.norm**2) and np.any(loss == 0)


@given(**SIZES, seed=st.integers(0, 10**6))
def test_loss_and_gradient_are_the_dense_ones(d, r, m, l, seed):
    """For random sizes the loss and the directional derivative are those of the dense arrays."""
    w, _, U, T, A = problem(d, m, l, r=r, seed=seed)
    V, v = np.random.default_rng(seed).standard_normal((d, m)), np.ones(m)
    E = reference.dense(w, U, l) - A
    in_w, in_U = plain_gradient(w, U, T)
    field = reference.contract(E, U)
    scale = 1e-11 * (1 + np.sum(np.abs(w)) * np.max(np.abs(U)) ** l + np.linalg.norm(A)) ** 2
    assert abs(bracket(w, U, T).loss - reference.loss(w, U, A)) <= scale
    assert abs(in_w @ v - np.sum(U * field)) <= scale * (1 + np.max(np.abs(U)) ** l)
    slope = l * np.sum(w * np.sum(field * V, axis=0))
    assert abs(np.sum(in_U * V) - slope) <= scale * (1 + np.sum(np.abs(w)))


@given(**SIZES, seed=st.integers(0, 10**6), t=st.floats(0.5, 2))
def test_homogeneity(d, r, m, l, seed, t):
    """Scaling every factor by t scales the model by t², and both gradients follow."""
    _, a, U, T, _ = problem(d, m, l, r=r, seed=seed)
    close(homogeneous_weights(a, t * U, l) * t ** (l - 2), homogeneous_weights(a, U, l), 1e-12)
    for c in ("constant", "differentiated"):
        gradients = homogeneous_gradient(a, t * U, T, c=c), homogeneous_gradient(a, U, T, c=c)
        scaled = homogeneous_gradient(a, U, T.scaled(1 / t**2), c=c)
        close(gradients[0] / t**3, scaled, 1e-9)


def test_overflow_is_no_perfect_fit():
    """A loss that overflows to NaN stays NaN: it must not be taken for rounding below zero."""
    T = reference.tensor(4, 2, 3)
    with np.errstate(all="ignore"):
        loss = bracket(np.ones(3), 1e120 * np.ones((4, 3)), T).loss
    assert not loss < np.inf
    assert np.isnan(bracket(np.array([1.0, np.nan]), np.ones((4, 2)), T).loss)
