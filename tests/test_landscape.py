"""Theorems C and D (notebook 03): the trap's identity, its bound, its terms; the saddle at zero."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from td import targets
from td.descent import Recipe, descend, trajectory
from td.objective import bracket, gradient
from td.tensor import SymmetricTensor, distance

SIZES = dict(
    l=st.integers(3, 6), d=st.integers(2, 5), m=st.integers(1, 8), seed=st.integers(0, 9**6)
)
orders = pytest.mark.parametrize("l", [3, 4, 5, 6])
NOTEBOOK = reference.notebook("03_landscape")


def bend(w, U, l):
    """The term of Theorem C that has a sign: sum_i w_i C(l, 2) u_i1^{l-2} u_i2^2."""
    return comb(l, 2) * np.sum(w * U[0] ** (l - 2) * U[1] ** 2)


@given(**SIZES)
def test_identity(l, d, m, seed):
    """f = l(l-1)/4 + the bending term + half the squared distance to e_1^{⊗l}."""
    rng = np.random.default_rng(seed)
    w, U = rng.standard_normal(m), rng.standard_normal((d, m))
    model, e_1 = SymmetricTensor(w, U, l), SymmetricTensor(np.ones(1), np.eye(d)[:, :1], l)
    near, f = bracket(model, e_1).loss, bracket(model, targets.trap(d, l)).loss
    size = 1 + np.sum(np.abs(w) * np.linalg.norm(U, axis=0) ** l) ** 2
    assert_allclose(f, l * (l - 1) / 4 + bend(w, U, l) + near, rtol=0, atol=1e-12 * size)


@given(**SIZES, scale=st.floats(0.05, 2))
def test_bound_in_the_region(l, d, m, seed, scale):
    """f is at least l(l-1)/4 wherever w_i u_i1^{l-2} >= 0 for all i."""
    rng = np.random.default_rng(seed)
    U = scale * rng.standard_normal((d, m))
    w = np.abs(rng.standard_normal(m)) * np.sign(U[0]) ** l
    f = bracket(SymmetricTensor(w, U, l), targets.trap(d, l)).loss
    assert f >= l * (l - 1) / 4 - 1e-12 * (1 + f)


@given(**SIZES)
def test_copies(l, d, m, seed):
    """At the copies the value is l(l-1)/4 and both parts of the gradient vanish."""
    rng = np.random.default_rng(seed)
    w, U = rng.uniform(0.5, 2, m), np.zeros((d, m))
    U[0] = rng.uniform(0.3, 1, m)
    U[0] /= np.sum(w * U[0] ** l) ** (1 / l)
    model, T_star = SymmetricTensor(w, U, l), targets.trap(d, l)
    assert_allclose(bracket(model, T_star).loss, l * (l - 1) / 4, rtol=1e-12)
    in_weights = np.sum(U * bracket(model, T_star).field, axis=0)
    for slope in (gradient(model, T_star), in_weights):
        assert_allclose(slope, 0, atol=1e-11)


@given(l=st.integers(3, 6), seed=st.integers(0, 9**6))
def test_decomposition_with_l_terms(l, seed):
    """e_1 and any l - 1 distinct directions (c_j, 1) with sum c_j = 0 give the trap exactly."""
    c = np.random.default_rng(seed).permutation(np.arange(-9, 10))[: l - 1] / 6.0
    c -= np.mean(c)
    gaps = np.array([np.prod(x - np.delete(c, j)) for j, x in enumerate(c)])
    lead = 1 + (np.sum(c) ** 2 + np.sum(c**2)) / 2
    U = np.stack([np.append(1, c), np.append(0, np.ones(l - 1))])
    terms = SymmetricTensor(np.append(lead, -1 / gaps), U, l)
    size = np.sum(np.abs(terms.weights) * np.linalg.norm(U, axis=0) ** l)
    assert distance(terms, targets.trap(2, l)) < 1e-12 * size


@orders
@pytest.mark.parametrize("m", [1, 4])
def test_hessian_at_the_copies(l, m, d=3):
    """No negative eigenvalue, and (d-1)(m-1) zero ones."""
    U, w, T_star = np.zeros((d, m)), np.ones(m), targets.trap(d, l)
    U[0] = m ** (-1 / l)
    slope = lambda X: gradient(SymmetricTensor(w, X, l), T_star).ravel()  # noqa: E731
    H = reference.derivative(slope, U)
    values = np.linalg.eigvalsh(H.reshape(d * m, d * m))
    assert np.sum(np.abs(values) < 1e-5) == (d - 1) * (m - 1) and values[0] > -1e-5


@orders
def test_several_copies(l):
    """Three components of a copy moved by eps (2,-1,-1): down as -18 eps^3 at l = 3, else up."""
    U, v, T_star = np.zeros((4, 6)), np.array([0.0, 0, -1, 1]), targets.trap(4, l, copies=2)
    U[0, :3] = U[2, 3:] = 3 ** (-1 / l)
    move = np.zeros((4, 6))
    move[:, :3] = v[:, None] * np.array([2.0, -1, -1])
    eps = np.array([-0.03, -0.01, 0.003, 0.01, 0.03])[:, None, None]
    model = SymmetricTensor(np.ones((5, 6)), U + eps * move, l)
    change = bracket(model, T_star).loss - l * (l - 1) / 2
    if l == 3:
        assert_allclose(change[2] / 0.003**3, -18, rtol=0.03)
    else:
        assert np.all(change > 0)


@given(l=st.integers(3, 6), d=st.integers(1, 4), m=st.integers(1, 5), seed=st.integers(0, 9**6))
def test_zero_is_a_saddle_of_order_l(l, d, m, seed):
    """T ↦ f(tX) - f(0) has no terms t^k with 0 < k < l, and -T*(X) at t^l: exact differences."""
    rng = np.random.default_rng(seed)
    w, X, c, V = (rng.integers(-2, 3, n) for n in (m, (d, m), 2, (d, 2)))
    inner = lambda a, A, b, B: int(a @ (A.T @ B) ** l @ b)  # noqa: E731
    TT, P, own = inner(w, X, w, X), inner(w, X, c, V), inner(c, V, c, V)
    f = [Fraction(t ** (2 * l) * TT - 2 * t**l * P + own, 2) for t in range(2 * l + 1)]
    T = SymmetricTensor(c * 1.0, V * 1.0, l)
    td_f, small = (bracket(SymmetricTensor(w * 1.0, t * X, l), T).loss for t in (2.0, 1e-2))
    assert_allclose(td_f, float(f[2]), rtol=1e-11, atol=1e-12 * 4**l * (abs(TT) + own + 1))
    assert abs(small - own / 2 + 1e-2**l * P) <= 1e-2 ** (2 * l) * TT + 1e-14 * (own + 1)


@pytest.mark.parametrize("l", [3, 4])
def test_descent_stays_at_perturbed_copies(l, d=4, m=6, runs=10):
    """Plain descent from starts given in the region ends at the copies' error."""
    rng = np.random.default_rng(l)
    U = 0.1 * rng.uniform(-1, 1, (runs, d, m))
    U[:, 0] += 1
    U *= (m * (1 + comb(l, 2)) ** 0.5) ** (-1 / l)
    recipe = Recipe(model="plain", signs="positive", reinit=0, small=0, epochs=1, steps=300)
    start = U, np.ones((runs, m))
    end = descend(targets.trap(d, l), m, seed=0, runs=runs, recipe=recipe, start=start)
    assert_allclose(end.error, (comb(l, 2) / (1 + comb(l, 2))) ** 0.5, atol=1e-4)


def test_a_start_is_where_the_run_begins():
    """The recorded run begins at the given factors."""
    T_star = targets.orthogonal(3, 2, 3, seed=0)
    U, a = np.full((1, 3, 2), 0.4), np.ones((1, 2))
    recipe = Recipe(epochs=1, steps=2)
    first = next(trajectory(T_star, 2, seed=0, runs=1, recipe=recipe, start=(U, a)))
    assert_allclose(first.now.norms, 0.48**0.5)


@pytest.mark.parametrize("a, minimum", [(0.1, False), (0.2, False), (0.22, True), (0.5, True)])
def test_two_sharers_at_order_four(a, minimum):
    """Proposition 2: the change along the move is eps^4 (6a(1-a) - 1)."""
    s1, s2, eps = a**0.25, (1 - a) ** 0.25, 0.02
    U = np.array([[s1, s2, 0], [0, 0, 1], [s2**3 * eps, -(s1**3) * eps, 0]])
    model, T = (SymmetricTensor(np.ones(3), X, 4) for X in (U, np.eye(3)))
    change = bracket(model, T).loss - 0.5
    assert_allclose(change / eps**4, 6 * a * (1 - a) - 1, atol=0.01)
    assert (change > 0) == minimum


@orders
def test_which_spare_helps_the_copies(l, w=1e-6):
    """To first order a spare (w, x) adds w C(l,2) x_1^{l-2} x_2^2 to the loss of the copies."""
    angle = np.linspace(0.1, 3, 9)
    x = np.stack([np.cos(angle), np.sin(angle)])
    U = np.stack([np.stack([[1.0, 0.0], one], axis=1) for one in x.T])
    f = bracket(SymmetricTensor(np.array([1.0, w]), U, l), targets.trap(2, l)).loss
    expected = comb(l, 2) * x[0] ** (l - 2) * x[1] ** 2
    assert_allclose((f - l * (l - 1) / 4) / w, expected, atol=1e-5)
    assert np.any(expected < 0) == (l % 2 == 1)


@pytest.mark.parametrize("r, count", [(1, 1), (2, 7), (3, 247), (4, 37823)])
def test_tables_of_signs_with_a_matching(r, count):
    """Of the 2^{r²} tables so many have a nonzero permanent: at r = 4 a share of 0.577."""
    bits = np.arange(2 ** (r * r))[:, None] >> np.arange(r * r) & 1
    assert np.sum(NOTEBOOK.matched(bits.astype(bool).reshape(-1, r, r))) == count


def test_a_matching_may_choose_among_more_columns():
    """Two rows need two different columns of three."""
    S = np.array([[[0, 0, 1], [0, 0, 1]], [[0, 0, 1], [1, 0, 1]], [[1, 1, 1], [0, 0, 0]]], bool)
    assert NOTEBOOK.matched(S).tolist() == [False, True, False]


@pytest.mark.parametrize("n", range(2, 8))
def test_equal_sharers_at_order_four(n, eps=0.02):
    """Solution 2: n equal sharers on one true component are stable up to n = 4."""
    lean = np.append(n - 1, -np.ones(n - 1))
    U = np.stack([np.full(n, n**-0.25), eps * lean / np.linalg.norm(lean)])
    model, T = (SymmetricTensor(np.ones(X.shape[1]), X, 4) for X in (U, np.eye(2)))
    assert (bracket(model, T).loss > 0.5) == (n <= 4)
