"""Loss and gradients from Gram matrices, against dense arrays and finite differences."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from td.lazy import tangent_kernel
from td.objective import (
    bracket,
    gradient,
    homogeneous,
    orthogonal_kernel,
)
from td.tensor import SymmetricTensor, to_dense

over_sizes = pytest.mark.parametrize(
    "d, m, l", [(3, m, l) for l in range(2, 7) for m in (1, 4)] + [(1, 2, 3)]
)
forms = pytest.mark.parametrize("form", ["factored", "coordinates"])
SIZES = dict(d=st.integers(1, 4), r=st.integers(1, 4), m=st.integers(1, 5), l=st.integers(2, 5))


def problem(d, m, l, form="factored", r=2, seed=0):
    """A model, a target and its dense array."""
    model, T = reference.tensor(d, m, l, seed=seed), reference.tensor(d, r, l, seed=seed + 1)
    return model, T if form == "factored" else T.coordinates(), to_dense(T)


def signs(model):
    return np.where(model.weights > 0, 1.0, -1.0)


def close(actual, expected, rtol):
    """Agreement relative to the largest entry."""
    assert_allclose(actual, expected, rtol=0, atol=rtol * (1 + np.max(np.abs(expected))))


@over_sizes
@forms
def test_bracket(d, m, l, form):
    """The residual's field and its loss are the dense ones."""
    model, T, A = problem(d, m, l, form)
    residual, w, U = bracket(model, T), model.weights, model.factors
    close(residual.field, reference.contract(reference.dense(w, U, l) - A, U), 1e-12)
    close(residual.loss, reference.loss(w, U, A), 1e-12)


@over_sizes
@forms
def test_gradient(d, m, l, form):
    """It is the derivative of the dense loss, and so is u_i·E(u_i^{l-1}, ·) in the weights."""
    model, T, A = problem(d, m, l, form)
    w, U, in_w = (
        model.weights,
        model.factors,
        np.sum(model.factors * bracket(model, T).field, axis=0),
    )
    close(in_w, reference.derivative(lambda x: reference.loss(x, U, A), w), 1e-7)
    close(gradient(model, T), reference.derivative(lambda X: reference.loss(w, X, A), U), 1e-7)


@over_sizes
@pytest.mark.parametrize("c", ["constant", "differentiated"])
def test_gradient_of_the_homogeneous_model(d, m, l, c):
    """The gradient is that of the dense loss with c_i frozen, or moving with u_i."""
    model, T, A = problem(d, m, l)
    U, a = model.factors, signs(model)
    w = a / np.linalg.norm(U, axis=0) ** (l - 2)
    frozen = lambda X: reference.loss(w, X, A)  # noqa: E731
    moving = lambda X: reference.loss(a / np.linalg.norm(X, axis=0) ** (l - 2), X, A)  # noqa: E731
    f = frozen if c == "constant" else moving
    model = homogeneous(a, U, l)
    assert_allclose(model.weights, w, rtol=1e-13)
    close(gradient(model, T, c=c), reference.derivative(f, U), 1e-6)


@pytest.mark.parametrize("l", [3, 4])
def test_the_two_homogeneous_gradients_differ_along_the_factor(l):
    """Differentiating c_i scales the radial part by 2/l and leaves the rest alone."""
    model, T, _ = problem(3, 4, l)
    model = homogeneous(signs(model), model.factors, l)
    radial = [
        np.sum(model.factors * gradient(model, T, c=c), axis=0)
        for c in ("differentiated", "constant")
    ]
    assert_allclose(radial[0], 2 / l * radial[1], rtol=1e-10)


@pytest.mark.parametrize("l", range(2, 7))
def test_orthogonal_kernel(l):
    """Off the target's span the gradient is U_⊥ B, and B is positive semidefinite."""
    model, T, _ = problem(5, 4, l)
    inside, B = T.image(np.diag([1.0, 1, 0, 0, 0])), orthogonal_kernel(model)
    close(gradient(model, inside)[2:], model.factors[2:] @ B, 1e-12)
    assert np.linalg.eigvalsh(B)[0] > -1e-12 * np.linalg.norm(B)


@pytest.mark.parametrize("l", range(2, 7))
def test_batch(l):
    """A batch of models meets one target, or one target each, as if one by one."""
    models, each = reference.tensor(3, 4, l, batch=(2, 5)), reference.tensor(3, 2, l, batch=(5,))
    one, member = reference.tensor(3, 2, l), reference.member
    alone = [bracket(member(models, 0, k), member(each, k)) for k in (1, 4)]
    for name in ("field", "loss"):
        found = getattr(bracket(models, each), name)[0, [1, 4]]
        close(found, np.stack([getattr(E, name) for E in alone]), 1e-12)
    close(bracket(models, one).loss[1, 2], bracket(member(models, 1, 2), one).loss, 1e-12)


WEIGHTED = {
    "homogeneous": lambda w, U, T: homogeneous(w, U, T.order).weights,
    "gradient": lambda w, U, T: gradient(SymmetricTensor(w, U, T.order), T),
    "differentiated": lambda w, U, T: gradient(
        SymmetricTensor(w, U, T.order), T, c="differentiated"
    ),
    "orthogonal_kernel": lambda w, U, T: orthogonal_kernel(SymmetricTensor(w, U, T.order)),
    "tangent_kernel": lambda w, U, T: tangent_kernel(SymmetricTensor(w, U, T.order)),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_and_factors_share_a_batch(name):
    """Weights meet a batch of factors, and factors a batch of weights."""
    rng, T, f = np.random.default_rng(0), reference.tensor(3, 2, 3), WEIGHTED[name]
    w, U = rng.standard_normal((2, 4)), rng.standard_normal((2, 3, 4))
    close(f(w[0], U, T), np.stack([f(w[0], U[k], T) for k in (0, 1)]), 1e-12)
    close(f(w, U[0], T), np.stack([f(w[k], U[0], T) for k in (0, 1)]), 1e-12)


def test_a_zero_factor_has_no_homogeneous_weight():
    """The 2-homogeneous model divides by the norm, whatever the order, even 2."""
    for l in (2, 3):
        with pytest.raises(ValueError, match="U must have no zero column"):
            homogeneous(np.ones(2), np.eye(2) * [1, 0], l)


def test_loss_is_never_negative():
    """At T = T*, where the three terms cancel, rounding does not make the loss negative."""
    models = reference.tensor(4, 3, 3, batch=(500,))
    loss = bracket(models, models).loss
    assert np.all(loss >= 0) and np.all(loss < 1e-14 * models.norm**2) and np.any(loss == 0)


@given(**SIZES, seed=st.integers(0, 10**6))
def test_loss_and_gradient_are_the_dense_ones(d, r, m, l, seed):
    """For random sizes the loss and the directional derivative are those of the dense arrays."""
    model, T, A = problem(d, m, l, r=r, seed=seed)
    w, U, in_U = model.weights, model.factors, gradient(model, T)
    in_w = np.sum(U * bracket(model, T).field, axis=0)
    V, v = np.random.default_rng(seed).standard_normal((d, m)), np.ones(m)
    E = reference.dense(w, U, l) - A
    field = reference.contract(E, U)
    scale = 1e-11 * (1 + np.sum(np.abs(w)) * np.max(np.abs(U)) ** l + np.linalg.norm(A)) ** 2
    assert abs(bracket(model, T).loss - reference.loss(w, U, A)) <= scale
    assert abs(in_w @ v - np.sum(U * field)) <= scale * (1 + np.max(np.abs(U)) ** l)
    slope = l * np.sum(w * np.sum(field * V, axis=0))
    assert abs(np.sum(in_U * V) - slope) <= scale * (1 + np.sum(np.abs(w)))


@given(**SIZES, seed=st.integers(0, 10**6), t=st.floats(0.5, 2))
def test_homogeneity(d, r, m, l, seed, t):
    """Scaling every factor by t scales the model by t², and both gradients follow."""
    model, T, _ = problem(d, m, l, r=r, seed=seed)
    one, larger = (homogeneous(signs(model), x * model.factors, l) for x in (1, t))
    close(larger.weights * t ** (l - 2), one.weights, 1e-12)
    for c in ("constant", "differentiated"):
        found = gradient(larger, T, c=c)
        close(found / t**3, gradient(one, T.scaled(1 / t**2), c=c), 1e-9)


def test_overflow_is_no_perfect_fit():
    """A loss that overflows to NaN stays NaN: it must not be taken for rounding below zero."""
    model = SymmetricTensor(np.array([1.0, -1.0]), np.full((4, 2), 1e120), 3)
    with np.errstate(all="ignore"):
        assert np.isnan(bracket(model, reference.tensor(4, 2, 3)).loss)
