"""Lemmas F and G and Theorem H (notebook 05), over random tensors."""

from math import ceil, log

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from td import targets
from td.flow import climb, correlation, flow, greedy_width
from td.moments import smallest_eigenvalue
from td.tensor import SymmetricTensor, to_dense

sizes = {"r": st.integers(2, 5), "l": st.integers(3, 5), "seed": st.integers(0, 10**6)}
few = settings(max_examples=15)
shown = reference.notebook("05_escape_and_amplify")  # the functions that it shows
lifetime, greedy = shown.lifetime, shown.greedy


def tensor(r, l, seed):
    """A residual of norm 1, and 20 unit starts."""
    E = reference.tensor(r, r + 2, l, seed)
    X = np.random.default_rng([seed, 1]).standard_normal((r, 20))
    return E.scaled(1 / float(E.norm)), X / np.linalg.norm(X, axis=0)


@few
@given(**sizes)
def test_mean_square_correlation(r, l, seed):
    """Lemma F (a): ⟨E, ME⟩ >= mu_min ‖E‖² with the explicit moment matrix."""
    E = tensor(r, l, seed)[0].coordinates().coords
    assert E @ reference.moment_matrix(r, l) @ E >= float(smallest_eigenvalue(r, l)) * (1 - 1e-12)


@pytest.mark.parametrize("l", [3, 4, 5, 6])
@pytest.mark.parametrize("r", [2, 3, 5])
def test_harmonic_tensor_attains_the_bound(r, l):
    """Lemma F (a) is an equality for Re (e_1 + i e_2)^l, written as l alternating powers."""
    U, angles = np.zeros((r, l)), np.pi * np.arange(l) / l
    U[:2] = np.cos(angles), np.sin(angles)
    E = SymmetricTensor((-1.0) ** np.arange(l), U, l).coordinates().coords
    M = reference.moment_matrix(r, l)
    assert_allclose(M @ E, float(smallest_eigenvalue(r, l)) * E, atol=1e-13)


@few
@given(**sizes)
def test_correlation(r, l, seed):
    """E(x^l), from the dense contraction."""
    E, X = tensor(r, l, seed)
    expected = np.sum(X * reference.contract(to_dense(E), X), axis=0)
    assert_allclose(correlation(E, X), expected, atol=1e-12)


@few
@given(**sizes)
def test_flow_never_lowers_the_correlation(r, l, seed):
    """Lemma G: q rises, and |x|^{2-l} falls at the rate l (l-2) q between its first and last."""
    E, X = tensor(r, l, seed)
    path = flow(E, 0.1 * X, np.linspace(0, 5, 40))
    assert np.diff(path.values, axis=0).min() > -1e-9
    assert_allclose(path.values[0], correlation(E, X), atol=1e-12)
    passed = np.diff(path.times, axis=0)
    fallen = -np.diff(path.lengths ** (2.0 - l), axis=0) / (l * (l - 2))
    slack = 1e-7 * np.abs(fallen).max() + 1e-12
    assert np.all(fallen >= path.values[:-1] * passed - slack)
    assert np.all(fallen <= path.values[1:] * passed + slack)


@few
@given(**sizes, length=st.floats(1e-4, 10))
def test_blow_up_time_is_exact_for_separate_coordinates(r, l, seed, length):
    """For p = sum_j c_j x_j^l the blow-up time is known, and lies between Lemma G's bounds."""
    rng = np.random.default_rng(seed)
    c, X = rng.uniform(0.5, 1, r), length * np.abs(tensor(r, l, seed)[1])
    path = flow(SymmetricTensor(c, np.eye(r), l), X, np.array([0.0, 60.0]))
    found = path.times[-1] + lifetime(path.lengths[-1], path.values[-1], l)
    exact = 1 / (l * (l - 2) * c[:, None] * X ** (l - 2)).max(axis=0)
    assert_allclose(found, exact, rtol=1e-7)
    start = np.linalg.norm(X, axis=0)
    assert np.all(found <= lifetime(start, path.values[0], l) * (1 + 1e-7))
    assert np.all(found >= lifetime(start, c.max(), l) * (1 - 1e-7))


@few
@given(**sizes)
def test_flow_leaves_the_rest_alone(r, l, seed):
    """In R^d what is orthogonal to S stands still, and S flows as it does by itself."""
    E, X = tensor(r, l, seed)
    d, rng = r + 3, np.random.default_rng(seed)
    frame, rest = np.linalg.qr(rng.standard_normal((d, r)))[0], rng.standard_normal((d, 20))
    rest -= frame @ (frame.T @ rest)
    whole = flow(
        SymmetricTensor(E.weights, frame @ E.factors, l), frame @ X + rest, np.array([2.0])
    )
    x = (whole.directions * whole.lengths[:, None])[0]
    assert_allclose(x - frame @ (frame.T @ x), rest, atol=1e-7 * np.abs(x).max())
    inside = np.linalg.norm(frame.T @ x, axis=0)
    q = correlation(E, frame.T @ x) / inside**l
    assert np.all(q >= correlation(E, X) - 1e-7)


@few
@given(**sizes)
def test_climb_never_goes_down(r, l, seed):
    """Each of its steps raises p, for tensors by coordinates too, and it keeps unit length."""
    E, V = tensor(r, l, seed)
    for T in (E, E.coordinates()):
        W = V
        for _ in range(10):
            before, W = correlation(T, W), climb(T, W, steps=1)
            assert np.all(correlation(T, W) >= before - 1e-14)
        assert_allclose(np.linalg.norm(W, axis=0), 1, rtol=1e-13)


@few
@given(**sizes, sign=st.sampled_from(["random", "positive", "chosen"]))
def test_greedy_accounts_for_its_errors(r, l, seed, sign):
    """Errors are those of the tensor returned; drops are weights squared; factors are unit."""
    T = reference.inside(r + 4, targets.random(r, r, l, seed=seed, signs="mixed"), seed)
    found, errors = greedy(T, 4, seed=seed, runs=3, sign=sign)
    for k in range(3):
        model = SymmetricTensor(found.weights[k], found.factors[k], l)
        gap = np.linalg.norm(to_dense(model) - to_dense(T)) / float(T.norm)
        assert abs(gap - errors[k, -1]) < 1e-10
    drops = -np.diff((errors * float(T.norm)) ** 2, axis=1)
    assert_allclose(drops, found.weights**2, atol=1e-10)
    assert_allclose(np.linalg.norm(found.factors, axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("steps", [0, 5, 100])
@pytest.mark.parametrize("r, l", [(2, 3), (3, 3), (2, 4), (3, 4)])
def test_greedy_contracts_in_the_mean(r, l, steps):
    """Theorem H: E‖E_{k+1}‖² <= (1 - mu_min/2) E‖E_k‖², whatever the number of flow steps."""
    T = targets.random(r, r, l, seed=[r, l], signs="mixed")
    square = greedy(T, 6, seed=r, runs=500, steps=steps)[1] ** 2
    excess = square[:, 1:] - (1 - float(smallest_eigenvalue(r, l)) / 2) * square[:, :-1]
    assert np.all(excess.mean(axis=0) <= 4 * excess.std(axis=0) / np.sqrt(500))


def test_chosen_sign_keeps_every_draw():
    """With the sign of E(v^l), a drop is never below E(v^l)²: without a flow it is equal to it."""
    T = targets.random(3, 3, 4, seed=1, signs="mixed")
    still, moved = (
        greedy(T, 1, seed=2, runs=50, sign="chosen", steps=n)[0].weights[:, 0] for n in (0, 100)
    )
    assert np.all(still * moved > 0) and np.all(abs(moved) >= abs(still) - 1e-12)


def test_one_sign_at_even_order_finds_nothing():
    """With σ = +1 alone the components of a positive target of even order are never found."""
    T = targets.orthogonal(4, 4, 4, seed=0)
    assert greedy(T, 20, seed=0, runs=20, sign="positive")[1].min() > 0.9


def test_each_run_draws_its_own_sign():
    """On v_1^4 + v_2^4, σ = +1 climbs down to weight 1/2 and σ = -1 up to weight 1, half each."""
    found = greedy(targets.orthogonal(2, 2, 4, seed=0), 1, seed=0, runs=64, steps=1000)[0].weights
    half, one = (np.sum(abs(found - weight) < 1e-3) for weight in (0.5, 1))
    assert half + one == 64 and min(half, one) > 12  # a fair coin: 3e-7


@pytest.mark.parametrize("l", [3, 4])
@pytest.mark.parametrize("weights", [(1, 1, 1), (1, -1, 1), (-1, -1, -1)])
def test_first_draw_on_an_orthogonal_target(weights, l):
    """It climbs to a component if one b_j x_j^{l-2} > 0, else to a bisector, -3^{1-l/2} high."""
    b, X = np.array(weights, float), tensor(3, l, 0)[1]
    speed = np.sort(b[:, None] * X ** (l - 2), axis=0)
    X, speed = X[:, (clear := speed[2] - speed[1] > 0.05)], speed[:, clear]  # no ties
    p = SymmetricTensor(b, np.eye(3), l)
    end = correlation(p, climb(p, X, steps=5000, tol=1e-12))
    assert_allclose(end, np.where(speed[2] > 0, 1, -(3 ** (1 - l / 2))), atol=1e-6)
    model = SymmetricTensor(end[:, None], X.T[..., None], l)
    assert np.array_equal(shown.on_a_bisector(model, 3, l), speed[2] < 0)


def test_quantile_of_runs():
    """The 90 % quantile of 40 counts, and ranks 32 and 40 as its interval."""
    counts = np.random.default_rng(0).permutation(np.arange(40)) + 1
    assert shown.quantile(counts) == (37, 32, 40)
    assert np.quantile(counts, 0.9, method="higher") == 37


@pytest.mark.parametrize("r, l", [(1, 3), (3, 3), (8, 4)])
def test_greedy_width(r, l):
    """The smallest m with exp(-m mu_min / 2) <= p eps²."""
    mu = float(smallest_eigenvalue(r, l))
    m = greedy_width(r, l, eps=0.01, p=0.1)
    assert m == ceil(2 / mu * log(1e5)) and np.exp(-m * mu / 2) <= 1e-5 < np.exp(-(m - 1) * mu / 2)


def test_bad_input():
    """Order 2, batches and zero starts are refused."""
    E, X = tensor(3, 3, 0)
    with pytest.raises(ValueError, match="order"):
        flow(targets.orthogonal(3, 2, 2, seed=0), X, np.array([1.0]))
    with pytest.raises(ValueError, match="starts"):
        flow(E, 0 * X, np.array([1.0]))
    with pytest.raises(ValueError, match="one tensor"):
        flow(targets.orthogonal(3, 2, 3, seed=0, batch=(2,)), X, np.array([1.0]))


def test_a_vanishing_start_cannot_be_followed():
    """Where q < 0 a length shrinks until time runs faster than floats can count."""
    E = targets.orthogonal(2, 1, 3, seed=0).scaled(-1)
    with (
        np.errstate(all="ignore"),
        pytest.raises(RuntimeError, match=r"could not be followed to s = 1000"),
    ):
        flow(E, E.factors, np.array([1.0, 1000.0]))
