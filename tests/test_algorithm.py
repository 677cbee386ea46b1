"""Notebook 02's propositions over random sizes, each with dense arrays on one side where it can."""

import jupytext
import numpy as np
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from td import objective, targets
from td.backend import generator
from td.descent import Recipe, descend, fresh, observe, step, step_sizes, trajectory
from td.objective import homogeneous, orthogonal_kernel
from td.tensor import SymmetricTensor, power, to_dense
from tools.ledger import NOTEBOOKS

SIZES = dict(d=st.integers(2, 4), r=st.integers(1, 3), m=st.integers(1, 4), l=st.integers(3, 5))
few = settings(max_examples=40)
LAMBDAS = st.floats(1e-3, 1.0)


def problem(d, r, m, l, seed):
    """Signs, factors of norms around 1, and a target with its dense array."""
    rng, T = np.random.default_rng(seed), reference.tensor(d, r, l, seed=seed)
    return rng.choice([-1.0, 1.0], size=m), rng.standard_normal((d, m)), T, to_dense(T)


def polar(a, U, A):
    """Norms² s, unit columns V, the residual's field E(ū^{l-1}, ·) and q = E(ū^l), densely."""
    s = np.sum(U * U, axis=0)
    V = U / np.sqrt(s)
    field = reference.contract(reference.dense(a * s, V, A.ndim) - A, V)
    return s, V, field, np.sum(V * field, axis=0)


def gradient(a, U, T, c="constant"):
    """The gradient of the 2-homogeneous model's loss, c_i held constant or differentiated too."""
    return objective.gradient(homogeneous(a, U, T.order), T, c=c)


def loss(a, U, A):
    """½‖T - T*‖² of the 2-homogeneous model, densely."""
    s = np.sum(U * U, axis=0)
    return reference.loss(a * s, U / np.sqrt(s), A)


def close(actual, expected, rtol):
    """Agreement relative to the largest entry."""
    assert_allclose(actual, expected, rtol=0, atol=rtol * (1 + np.max(np.abs(expected))))


def twenty_lines(d, r, m, seed):
    """A run's states, step by step, by the cell of notebook 02 that needs numpy alone."""
    cells = jupytext.read(NOTEBOOKS / "02_algorithm.py").cells
    (cell,) = [x.source for x in cells if x.source.startswith("import numpy as np\n")]
    assert sum(1 for line in cell.splitlines() if line) <= 20
    sizes, space = "30, 8, 8, np.random.default_rng(0)", {}
    assert sizes in cell
    exec(cell.replace(sizes, f"{d}, {r}, {m}, np.random.default_rng({seed})"), space)
    return [space["path"][0], *(U for t, U in enumerate(space["path"]) if t % 301)]


@pytest.mark.parametrize("d, r, m, seed", [(30, 8, 8, 0), (12, 4, 6, 1), (30, 5, 5, 6)])
def test_the_twenty_lines_are_the_algorithm(d, r, m, seed):
    """Alone, the cell takes every step of td.descent by the recipe that the notebook names."""
    T = SymmetricTensor(np.full(r, r**-0.5), np.eye(d, r), 3)
    recipe = Recipe(signs="positive", stall=0, tol=1e-6, epochs=4)
    run = list(trajectory(T, m, seed=np.random.default_rng(seed), recipe=recipe))
    assert len(run) > 301 and run[-1].redraws[0] > 0
    path = twenty_lines(d, r, m, seed)
    gaps = [abs(stage.now.factors[0] - U).max() for stage, U in zip(run, path, strict=False)]
    assert len(gaps) == len(run) and max(gaps) < 1e-8


@few
@given(**SIZES, seed=st.integers(0, 10**6))
def test_polar_form(d, r, m, l, seed):
    """Proposition 1: norms² move at -2l a s q, directions at -l a (E_i - q ū_i), whatever s."""
    a, U, T, A = problem(d, r, m, l, seed)
    assume(np.min(np.sum(U * U, axis=0)) > 1e-2)
    s, V, field, q = polar(a, U, A)
    velocity = -gradient(a, U, T)
    close(2 * np.sum(U * velocity, axis=0), -2 * l * a * s * q, 1e-10)
    turning = (velocity - V * np.sum(V * velocity, axis=0)) / np.sqrt(s)
    close(turning, -l * a * (field - q * V), 1e-10)


@few
@given(**SIZES, seed=st.integers(0, 10**6))
def test_polar_form_of_the_steps(d, r, m, l, seed):
    """Every model's step obeys Proposition 1 as its size goes to 0."""
    a, U, T, _ = problem(d, r, m, l, seed)
    assume(np.min(np.sum(U * U, axis=0)) > 1e-2)
    for model, p in (("homogeneous", 2), ("plain", l)):
        recipe = Recipe(model=model, turn=1e-7, small=0.0)
        now = observe(U[None], a[None], T, recipe)
        eta = step_sizes(now, l, recipe) / l
        after = observe(step(now, l, recipe), a[None], T, recipe)
        q = np.vecdot(now.directions, now.field, axis=-2)
        pull = l * power(now.norms, p - 2)
        turning = -(pull * a)[:, None, :] * (now.field - q[:, None, :] * now.directions)
        close(after.directions - now.directions, eta[:, None, :] * turning, 1e-12)
        close((after.norms / now.norms) ** 2 - 1, -2 * eta * pull * a * q, 1e-12)


@few
@given(**SIZES, seed=st.integers(0, 10**6))
def test_dissipation(d, r, m, l, seed):
    """Proposition 3: the derivative of the dense loss along either flow is the formula's."""
    a, U, T, A = problem(d, r, m, l, seed)
    assume(np.min(np.sum(U * U, axis=0)) > 1e-2)
    s, V, field, q = polar(a, U, A)
    across = np.sum((field - q * V) ** 2, axis=0)
    slope = gradient(a, U, T, c="differentiated")
    for c, radial in (("constant", 2 * l), ("differentiated", 4)):
        g = gradient(a, U, T, c=c)
        formula = -np.sum(s * (radial * q**2 + l**2 * across))
        assert_allclose(-np.sum(slope * g), formula, rtol=1e-9, atol=1e-12)
        h = 1e-5 * np.sqrt(s.min()) / np.linalg.norm(g)
        measured = (loss(a, U - h * g, A) - loss(a, U + h * g, A)) / (2 * h)
        assert_allclose(measured, formula, rtol=1e-4, atol=1e-8 * loss(a, U, A) / h)


@few
@given(**SIZES, seed=st.integers(0, 10**6), lam=LAMBDAS, kappa=LAMBDAS)
def test_lyapunov(d, r, m, l, seed, lam, kappa):
    """Proposition 5: the formula for any kappa; at 2 lam / l nothing ever increases."""
    a, U, T, A = problem(d, r, m, l, seed)
    assume(np.min(np.sum(U * U, axis=0)) > 1e-2)
    s, V, field, q = polar(a, U, A)
    across = np.sum((field - q * V) ** 2, axis=0)
    velocity = -gradient(a, U, T) - 2 * lam * U
    slope = gradient(a, U, T, c="differentiated")
    for k in (kappa, lam, 2 * lam / l):
        rate = np.sum((slope + 2 * k * U) * velocity)
        parts = s * (2 * (l * a * q + 2 * lam) * (a * q + k) + l**2 * across)
        assert_allclose(rate, -np.sum(parts), rtol=1e-9, atol=1e-10 * np.sum(np.abs(parts)))
    assert rate <= 1e-10 * np.sum(np.abs(parts))


@few
@given(l=st.integers(3, 6), lam=st.floats(1e-3, 0.3), part=st.floats(0.05, 0.95))
def test_the_tempting_function_increases(l, lam, part):
    """f + lam sum s grows wherever -a q lies between 2 lam / l and lam, f + (2 lam / l) s never."""
    T, excess = targets.orthogonal(3, 1, l, seed=l), lam * (2 / l + part * (1 - 2 / l))
    a, U = np.ones(1), np.sqrt(1 - excess) * T.factors  # q = s - 1 = -excess
    velocity = -gradient(a, U, T) - 2 * lam * U
    slope = gradient(a, U, T, c="differentiated")
    wrong, right = (np.sum((slope + 2 * k * U) * velocity) for k in (lam, 2 * lam / l))
    assert right < 0 < wrong


@settings(max_examples=6)
@given(l=st.integers(3, 5), r=st.integers(1, 4), lam=st.floats(5e-3, 0.03), s=st.integers(0, 99))
def test_bias(l, r, lam, s):
    """Where the flow with lam stands still, a q = -2 lam / l and the error is 2 lam sqrt(r) / l."""
    T = targets.orthogonal(5, r, l, seed=s)
    T = T.scaled(1 / T.norm)
    noise = np.random.default_rng(s).standard_normal((1, 5, r))
    begin = 0.5 * T.factors[None] + 0.02 * noise, np.ones((1, r))
    recipe = Recipe(lam=lam, tol=1e-6, epochs=1, steps=150, reinit=0.0)
    end = descend(T, r, seed=0, runs=1, recipe=recipe, start=begin)
    w, V = end.weights[0], end.factors[0]
    field = reference.contract(reference.dense(w, V, l) - to_dense(T), V)
    assert_allclose(np.sum(V * field, axis=0), -2 * lam / l, rtol=1e-4)
    assert_allclose(end.error[0], 2 * lam * np.sqrt(r) / l, rtol=1e-4)


@few
@given(**SIZES, seed=st.integers(0, 10**6))
def test_outward_velocity(d, r, m, l, seed):
    """Proposition 4: outside the span of T* the flow is -X B, plus X diag(.) if c is moved too."""
    a, U, T, _ = problem(d, r, m, l, seed)
    big = np.vstack([T.factors, np.zeros((2, r))])
    U = np.vstack([U, np.random.default_rng(seed).standard_normal((2, m))])
    T = SymmetricTensor(T.weights, big, l)
    s, V, _, q = polar(a, U, to_dense(T))
    B, X = orthogonal_kernel(SymmetricTensor(a * np.sqrt(s), V, l)), U[d:]
    for c, own in (("constant", 0.0), ("differentiated", (l - 2) * a * q)):
        close(-gradient(a, U, T, c=c)[d:], -X @ B + X * own, 1e-10)


@few
@given(**SIZES, seed=st.integers(0, 10**6))
def test_shared_step_is_far_below_the_limit(d, r, m, l, seed):
    """Proposition 6: eta ‖B‖ <= damp / l for the shared rule, so for B's every eigenvalue."""
    a, U, T, _ = problem(d, r, m, l, seed)
    recipe = Recipe(small=0.0, turn=1e6)
    now = observe(U[None], a[None], T, recipe)
    eta = step_sizes(now, l, recipe)[0, 0] / l
    B = orthogonal_kernel(SymmetricTensor(a * now.norms[0], now.directions[0], l))
    assert eta * np.linalg.norm(B, 2) <= recipe.damp / l * (1 + 1e-9)


@settings(max_examples=10)
@given(l=st.sampled_from([3, 5]), seed=st.integers(0, 10**6))
def test_signs_are_notation_for_odd_orders(l, seed):
    """Proposition 7: from (U, a) and from (aU, +1) the tensor is the same after 20 steps."""
    T = targets.random(4, 2, l, seed=seed, signs="mixed")
    U, a = fresh(generator(seed).spawn(2), 4, 3, Recipe(delta0=0.3))
    recipe = Recipe(epochs=1, steps=20, tol=1e-6)
    pairs = (U, a), (a[:, None, :] * U, np.ones_like(a))
    ends = [descend(T, 3, seed=0, runs=2, recipe=recipe, start=start) for start in pairs]
    one, other = (SymmetricTensor(e.weights, e.factors, l).coordinates().coords for e in ends)
    close(one, other, 1e-7)


@few
@given(
    l=st.sampled_from([2, 4]), r=st.integers(1, 4), k=st.integers(0, 4), seed=st.integers(0, 999)
)
def test_too_few_positive_signs(l, r, k, seed):
    """Proposition 8: for even l, k positive components cannot come closer than sqrt(r - k)."""
    T, rng = targets.orthogonal(4, r, l, seed=seed), np.random.default_rng(seed)
    negative, w = 0.1 * rng.standard_normal((4, 3)), np.append(np.ones(min(k, r)), -np.ones(3))
    for own in (T.factors[:, : min(k, r)], rng.standard_normal((4, min(k, r)))):  # best, any
        E = reference.dense(w, np.hstack([own, negative]), l) - to_dense(T)
        assert np.linalg.norm(E) >= np.sqrt(max(r - k, 0)) - 1e-9
