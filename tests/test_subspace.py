"""Theorem E (notebook 04): what gradient descent does to the part of U off the target's span."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from td import lazy, targets
from td.descent import Recipe, observe, step, step_sizes, trajectory
from td.objective import gradient, homogeneous, orthogonal_kernel
from td.tensor import SymmetricTensor

SIZES = dict(r=st.integers(1, 3), m=st.integers(1, 6), l=st.integers(2, 5), d=st.integers(4, 9))
DRAW = dict(**SIZES, seed=st.integers(0, 10**6))
SHARED = Recipe(small=0)


def off(T, U):
    """The part of the columns of U orthogonal to the span of T's factors."""
    Q = np.linalg.qr(T.factors).Q
    return U - Q @ (Q.T @ U)


def problem(d, r, m, l, seed):
    """A target of norm 1 with mixed signs, and components of unequal norms with random signs."""
    T, rng = targets.random(d, r, l, seed=seed, signs="mixed"), np.random.default_rng((7, seed))
    U = rng.standard_normal((d, m)) * 10 ** rng.uniform(-2, 0.5, m)
    return T.scaled(1 / T.norm), U, rng.choice([-1.0, 1.0], m)


def stepped(T, U, a, recipe):
    """One step of td.descent: the steps η_i and the factors after it."""
    now = observe(U[None], a[None], T, recipe)
    return step_sizes(now, T.order, recipe)[0] / T.order, step(now, T.order, recipe)[0]


def kernel(a, U, l, recipe=SHARED):
    """B of the recipe's model."""
    plain = recipe.model == "plain"
    return orthogonal_kernel(SymmetricTensor(a, U, l) if plain else homogeneous(a, U, l))


def no_more(after, before, rtol=1e-9):
    """Elementwise after <= before, up to rounding relative to the largest."""
    assert np.all(after <= before + rtol * np.max(before))


@given(**DRAW)
def test_off_the_span_the_gradient_is_x_times_b(d, r, m, l, seed):
    """P grad = X_⊥ B when the weights are held constant, for a factored or coordinate target."""
    T, U, a = problem(d, r, m, l, seed)
    B = kernel(a, U, l)
    for target in (T, T.coordinates()):
        scale = np.max(np.abs(B)) * np.max(np.abs(U)) + np.max(np.abs(U))
        found = off(T, gradient(homogeneous(a, U, l), target))
        assert_allclose(found, off(T, U) @ B, rtol=0, atol=1e-10 * scale)
    plain = SymmetricTensor(np.random.default_rng(seed).standard_normal(m), U, l)
    found, expected = off(T, gradient(plain, T)), off(T, U) @ orthogonal_kernel(plain)
    assert_allclose(found, expected, rtol=0, atol=1e-10 * (1 + np.max(np.abs(U)) ** (2 * l)))


@given(**DRAW)
def test_b_is_positive_semidefinite_and_bounded(d, r, m, l, seed):
    """Lemma 2: B has no negative eigenvalue, and none above the weighted row sums."""
    _, U, a = problem(d, r, m, l, seed)
    values, n = np.linalg.eigvalsh(kernel(a, U, l)), np.linalg.norm(U, axis=0)
    bound = l * np.max(np.abs((U / n).T @ (U / n)) ** (l - 1) @ (n * n))
    assert values[0] >= -1e-12 * bound and values[-1] <= bound * (1 + 1e-12)


@pytest.mark.parametrize("l", range(2, 7))
def test_b_is_the_tangent_kernel_orthogonal_to_all_components(l):
    """In a batch, B is the block of the tangent kernel in a direction that no component has."""
    rng = np.random.default_rng(l)
    U, w = rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 3))
    U[:, -1] = 0
    model = SymmetricTensor(w, U, l)
    K = np.reshape(lazy.tangent_kernel(model), (2, 5, 3, 5, 3))
    assert_allclose(orthogonal_kernel(model), K[:, -1, :, -1, :], atol=1e-12 * np.max(np.abs(K)))


@given(
    **DRAW,
    lam=st.sampled_from([0.0, 0.01, 1.0]),
    damp=st.sampled_from([0.5, 1.0, 2.0]),
    model=st.sampled_from(["homogeneous", "plain"]),
)
def test_shared_step_contracts(d, r, m, l, seed, lam, damp, model):
    """One shared step is X(I - η(B + 2λI)) with η‖B + 2λI‖ <= damp / l: nothing of X_⊥ grows."""
    T, U, a = problem(d, r, m, l, seed)
    recipe = Recipe(small=0, lam=lam, damp=damp, model=model)
    eta, U_next = stepped(T, U, a, recipe)
    B, X, X_next = kernel(a, U, l, recipe) + 2 * lam * np.eye(m), off(T, U), off(T, U_next)
    assert np.ptp(eta) == 0 and eta[0] * np.linalg.norm(B, 2) <= damp / l * (1 + 1e-12) <= 2
    assert_allclose(X_next, X - eta[0] * X @ B, rtol=0, atol=1e-10 * np.max(np.abs(U)))
    no_more(np.linalg.norm(X_next, axis=1), np.linalg.norm(X, axis=1))
    no_more(*(np.linalg.svd(Y, compute_uv=False) for Y in (X_next, X)))
    assert np.linalg.eigvalsh(X @ X.T - X_next @ X_next.T)[0] >= -1e-9 * np.sum(X * X)


@given(**DRAW, cut=st.floats(0.02, 2))
def test_two_steps_contract_the_weighted_norm(d, r, m, l, seed, cut):
    """With D = diag(η): X(I - BD), ‖D^½BD^½‖ <= 2/l, and the norm weighted by 1/η never grows."""
    T, U, a = problem(d, r, m, l, seed)
    eta, U_next = stepped(T, U, a, Recipe(small=cut))
    B, X, X_next = kernel(a, U, l), off(T, U), off(T, U_next)
    root, kappa = np.sqrt(eta), np.max(eta) / np.min(eta)
    assert np.linalg.norm(root[:, None] * B * root, 2) <= 2 / l * (1 + 1e-12)
    assert_allclose(X_next, X - X @ B * eta, rtol=0, atol=1e-9 * np.max(np.abs(U)))
    no_more(*(np.linalg.svd(Y / root, compute_uv=False) for Y in (X_next, X)))
    assert np.sum(X_next**2) <= kappa * np.sum(X**2) * (1 + 1e-9)


@pytest.mark.parametrize(("d", "l"), [(12, 3), (200, 3), (12, 4)])
def test_along_a_run_with_redraws(d, l):
    """At each step of a shared-step run the theorem holds, and the bound counts redraws."""
    recipe, m = Recipe(small=0, tol=1e-7, steps=50, epochs=3), 8
    T = targets.orthogonal(d, 3, l, seed=1)
    stages = trajectory(T, m, seed=0, recipe=recipe)
    seen = [(off(T, stage.now.factors[0]), int(stage.redraws[0])) for stage in stages]
    assert len(seen) == 151 and seen[-1][1] > 0
    for (X, before), (X_next, after) in pairwise(seen):
        assert np.sum(X_next**2) <= (m + after) * recipe.delta0**2
        if before == after:
            no_more(np.linalg.norm(X_next, axis=1), np.linalg.norm(X, axis=1))
            no_more(*(np.linalg.svd(Y, compute_uv=False) for Y in (X_next, X)))


@pytest.mark.parametrize("l", [3, 4, 5])
def test_true_gradient_breaks_it(l):
    """With c differentiated, ‖x‖‖u‖^{(l-2)/2} is conserved while T is small: x grows."""
    T = targets.orthogonal(2, 1, l, seed=0)
    e1 = T.factors[:, :1]
    U, a = (
        1e-4 * (np.cos(0.3) * e1 + np.sin(0.3) * np.array([[-1.0], [1.0]]) * e1[::-1]),
        -T.weights,
    )
    start, first = np.linalg.norm(off(T, U)), np.linalg.norm(U)
    for _ in range(400):
        U = U - 0.005 * gradient(homogeneous(a, U, l), T, c="differentiated")
    growth, shrink = np.linalg.norm(off(T, U)) / start, np.linalg.norm(U) / first
    assert growth > 1.2
    assert_allclose(growth * shrink ** ((l - 2) / 2), 1, rtol=0.02)
    held = U - 0.005 * gradient(homogeneous(a, U, l), T)
    assert np.linalg.norm(off(T, held)) <= np.linalg.norm(off(T, U))


@given(product=st.floats(0.1, 4), l=st.integers(2, 6))
def test_step_at_a_fit(product, l):
    """At an exact orthonormal fit B = lI, and a step multiplies X_⊥ by 1 - η‖B‖."""
    T = targets.orthogonal(8, 3, l, seed=0)
    U = T.factors + 1e-6 * off(T, np.random.default_rng(5).standard_normal((8, 3)))
    U_next = U - product / l * gradient(homogeneous(np.ones(3), U, l), T)
    assert_allclose(off(T, U_next), (1 - product) * off(T, U), rtol=0, atol=1e-13)


@given(kappa=st.floats(1, 1e3), l=st.integers(2, 6))
def test_unequal_steps_nearly_cost_their_ratio(kappa, l):
    """Two parallel components, lη_i‖u_i‖² = 1: ‖X_⊥‖² grows by κ - 1 + 1/κ, N_D stays."""
    T = targets.orthogonal(2, 1, l, seed=0)
    n = np.array([1.0, np.sqrt(kappa)])
    U, eta = np.array([[0.6], [0.8]]) * n, 1 / (l * n * n)
    U_next = U - eta * gradient(homogeneous(np.ones(2), U, l), T)
    X, X_next = off(T, U), off(T, U_next)
    assert_allclose(np.sum(X_next**2) / np.sum(X**2), kappa - 1 + 1 / kappa, rtol=1e-9)
    assert_allclose(np.sum(X_next**2 / eta), np.sum(X**2 / eta), rtol=1e-9)


def test_the_notebooks_check_can_fail():
    """One step that keeps Theorem E is not called a violation, and each way to break it is."""
    violated, recipe = reference.notebook("04_subspace").violated, Recipe(small=0)
    T, U, a = problem(6, 2, 3, 3, seed=1)
    U *= recipe.delta0 / np.linalg.norm(U, axis=0)
    frame = dict(B=kernel(a, U, 3), eta=np.full(3, 0.1), redraws=0)
    now = SimpleNamespace(X=off(T, U), **frame)
    then = SimpleNamespace(X=now.X - 0.1 * now.X @ now.B, **frame)
    assert not violated(now, then, 3, recipe)
    broken = [dict(X=1.01 * then.X), dict(X=9 * now.X, redraws=2), dict(X=now.X[::-1])]
    assert all(violated(now, SimpleNamespace(**vars(then) | x), 3, recipe) for x in broken)
    unequal = SimpleNamespace(**vars(now) | dict(eta=np.array([0.1, 0.1, 0.2])))
    assert violated(unequal, then, 3, recipe)
