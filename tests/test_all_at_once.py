"""Theorems J, K, L, Lemma S and Proposition M (notebook 06), over random states."""

import numpy as np
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from td import targets
from td.descent import Recipe, observe
from td.moments import smallest_eigenvalue, sym_dim
from td.tensor import CoordinateTensor, monomials, to_dense, unit

shown = reference.notebook("06_all_at_once")  # the functions that it shows
sizes = {
    "l": st.integers(3, 6),
    "r": st.integers(2, 5),
    "m": st.integers(1, 6),
    "seed": st.integers(0, 10**6),
}
few = settings(max_examples=20)


def clocked(l, r, m, seed):
    """A state of the notebook, and clocks of all sizes."""
    T, V, a, s, rng = shown.state(l, r, m, seed)
    return T, V, a, s, rng.exponential(size=m) * 10.0 ** rng.uniform(-1, 1, m)


@few
@given(l=st.integers(2, 4), r=st.integers(1, 3), m=sizes["m"], seed=sizes["seed"])
def test_what_a_component_sees(l, r, m, seed):
    """E, growths and turns, and the velocities: from dense arrays and the gradient of the loss."""
    T, V, a, s, gamma = clocked(l, r, m, seed)
    E, q, t = shown.look(T, V, a, s)
    dense = reference.dense(a * s, V, l) - to_dense(T)
    field = reference.contract(dense, V)
    assert_allclose(to_dense(E), dense, atol=1e-12)
    assert_allclose(q, -a * np.sum(V * field, axis=0), atol=1e-12)
    assert_allclose(field, t - (a * q) * V, atol=1e-12)
    dV, ds = shown.rates(T, V, a, s, gamma)
    U, g = np.sqrt(s) * V, l * a * np.sqrt(s) * field  # u' = -γ g, c held constant
    assert_allclose(ds, -2 * gamma * np.sum(U * g, axis=0), atol=1e-10)
    assert_allclose(dV * np.sqrt(s), -gamma * (g - np.sum(V * g, axis=0) * V), atol=1e-10)


@few
@given(**sizes)
def test_lemma_1(l, r, m, seed):
    """The energy identity, E' = -KE, K's spectrum and the price of moving."""
    T, V, a, s, gamma = clocked(l, r, m, seed)
    (E, q, t), (dV, ds) = shown.look(T, V, a, s), shown.rates(T, V, a, s, gamma)
    A = lambda h: monomials(V + h * dV, l) @ (a * (s + h * ds))  # noqa: E731
    h = 1e-4 / (1 + np.max(abs(dV)))
    dE, K = (A(h) - A(-h)) / (2 * h), shown.kernel(V, s, gamma, l)
    fall = np.sum(gamma * s * (2 * l * q**2 + l * l * np.sum(t * t, axis=0)))
    size = 2 * l * np.sum(gamma * s)
    assert_allclose(dE, -K @ E.coords, atol=1e-5 * size * float(E.norm))
    assert_allclose(E.coords @ K @ E.coords, fall, rtol=1e-10)
    values = np.linalg.eigvalsh(K)
    assert values[0] > -1e-12 * size and values[-1] <= size * (1 + 1e-12)
    assert np.sum((K @ E.coords) ** 2) <= values[-1] * fall * (1 + 1e-10)


def test_one_component_attains_the_norm():
    """‖K‖ = 2lγs for one component: the bound is sharp."""
    _, V, _, s, gamma = clocked(4, 3, 1, 0)
    assert_allclose(np.linalg.norm(shown.kernel(V, s, gamma, 4), 2), 8 * gamma[0] * s[0])


@few
@given(**sizes, fresh=st.integers(1, 4), log_x=st.floats(-2, 2))
def test_lemma_2(l, r, m, seed, fresh, log_x):
    """-f' is at least q̄² and at least -h q̄ q̄', and q̄' is what differences say."""
    T, V, a, s, _ = clocked(l, r, m + fresh, seed)
    new, x = np.arange(m + fresh) < fresh, 10.0**log_x
    first, second, q = shown.local(T, V, a, s, new, x)
    assume(q > 1e-6)
    assert first >= 1 - 1e-9 and second >= 1 - 1e-9
    dV, ds = shown.rates(T, V, a, s, shown.clocks(s, new, x, 0, 0) / (2 * l))
    h = 1e-6 / (1 + np.max(abs(dV)) + np.max(abs(ds / s)))
    near = [shown.mean_growth(T, V + k * dV, a, s + k * ds, new) for k in (h, -h)]
    f = [shown.loss(T, V + k * dV, a, s + k * ds) for k in (h, -h)]
    brake = -2 / (1 + np.sqrt(1 + x)) * q * (near[0] - near[1])
    if brake > 1e-5 * q * h:
        assert_allclose((f[1] - f[0]) / brake, second, rtol=1e-3)


@pytest.mark.parametrize("x", [1.0, 10.0])
def test_lemma_2_against_a_search(x):
    """A search with a fixed budget finds nothing below 1, and what it finds needs h < 1."""
    score = lambda *state: shown.worst_brake(*state, x)  # noqa: E731
    least = shown.search(score, np.array([True, False]), 150, seed=3)
    assert least >= 1 - 1e-9
    assert least * 2 / (1 + np.sqrt(1 + x)) < 1  # with h = 1 the inequality would be false


def test_eta():
    """η solves D' = 1 - (2/h) D; its values in the text."""
    for x in (0.0, 1.0, 10.0):
        before, D, after = shown.eta(x, np.array([0.7 - 1e-5, 0.7, 0.7 + 1e-5]))
        slope = (after - before) / 2e-5
        assert_allclose(slope, 1 - (1 + np.sqrt(1 + x)) * D, atol=1e-8)
    assert_allclose([shown.eta(0), shown.eta(1, 2), shown.eta(1)], [0.5, 0.411, 0.4142], atol=1e-3)


@pytest.mark.slow
@settings(max_examples=6)
@given(l=st.integers(3, 5), r=st.integers(2, 4), seed=sizes["seed"], t=st.floats(0.1, 3))
def test_flows_fall_as_lemma_2_says(l, r, seed, t):
    """The whole drop, where q̄ may be used up on the way."""
    T, V, a, s, new, x = shown.states(l, r, 4, 8, seed)
    bound = shown.eta(x[:, 0], t) * shown.mean_growth(T, V, a, s, new) ** 2
    assert np.all(shown.drop(T, V, a, s, new, x, t) >= bound - 1e-6)


@pytest.mark.parametrize("x, share, end", [(0, 0.5, 15), (30, 0.3773, 0.8), (100, 0.3779, 0.3)])
def test_half_of_the_square_is_false(x, share, end):
    """The state of section 2: q is used up when f has fallen by so much of q²."""
    T, angles = CoordinateTensor(np.array([1.0156, 0.241, 1.4118, -0.5723]), 2, 3), [3.8562, 3.0575]
    V, a, s = np.stack([np.cos(angles), np.sin(angles)]), -np.ones(2), np.array([0.02, 0.6065])
    clock = lambda m: shown.clocks(m, np.array([True, False]), x, others=0.0)  # noqa: E731
    W, mass = shown.follow(T, V, a, s, clock, np.linspace(0, end, 300), rtol=1e-9)
    q = np.array([shown.look(T, v, a, m)[1][0] for v, m in zip(W, mass, strict=True)])
    last = np.argmax(q < 1e-3 * q[0])
    fall = shown.loss(T, V, a, s) - shown.loss(T, W[last], a, mass[last])
    assert last and abs(fall / q[0] ** 2 - share) < 1e-3


@given(l=st.integers(3, 5), r=st.integers(2, 4), seed=sizes["seed"], xi=st.floats(0.01, 1))
@settings(max_examples=8)
def test_birth(l, r, seed, xi):
    """Births are no lower than their starts, of mass ξ(q)_+/n, and f falls as (i) says."""
    T, rng = shown.generic(l, r, 20, seed), np.random.default_rng(seed)
    V, a, s = shown.nothing(T, 4)
    new = np.arange(4) < rng.integers(1, 4, 20)[:, None]
    W, b, mass, Q = shown.birth(T, V, a, s, new, xi, rng)
    q, n = shown.look(T, W, b, s)[1], new.sum(axis=1)
    assert np.all(mass[~new] == 0) and np.all(mass[q <= 0] == 0)
    kept = new & (q > 0.03)
    assert_allclose(mass[kept], (xi * q / n[:, None])[kept])
    fall = shown.loss(T, V, a, s) - shown.loss(T, W, b, mass)
    assert np.all(fall >= (1 - (1 - xi) ** 2) / 2 * Q - 1e-12)
    v = unit(rng.standard_normal(W.shape))
    E, start, _ = shown.look(T, v, b, s)
    assert np.all(shown.look(T, shown.climbed(E, v, b), b, s)[1] >= start - 1e-12)


@pytest.mark.slow
def test_theorem_j():
    """Each epoch takes at least η Q; the mean falls by at least ημ of itself, to 3 errors."""
    T = shown.generic(3, 3, 1, 5)
    one = CoordinateTensor(np.tile(T.coords, (60, 1)), 3, 3)
    for n, xi, x in ((1, 1.0, 1.0), (3, 0.05, 1.0), (2, 0.3, 10.0)):
        f, Q = shown.epochs(one, np.full((60, 1), n), xi, x, 2.0, 3, seed=[n])
        assert np.all(f[:-1] - f[1:] >= shown.eta(x, 2.0) * Q - 1e-6)
        excess = f[1:] - (1 - shown.eta(x, 2.0) * float(smallest_eigenvalue(3, 3))) * f[:-1]
        assert np.all(excess.mean(axis=1) <= 3 * excess.std(axis=1) / np.sqrt(60))


def checked_pruning(A, s):
    """Masses after pruning, once all that Theorem K says of them is seen to hold."""
    after = shown.pruned(A, s)
    live = after > 0
    assert_allclose(A @ after, A @ s, atol=1e-12 * (1 + s.sum()))
    assert after.min() >= 0 and after.sum() <= s.sum() * (1 + 1e-12) and not live[s == 0].any()
    assert live.sum() <= len(A) and np.linalg.matrix_rank(A[:, live]) == live.sum()
    return after


@given(l=st.integers(3, 4), r=st.integers(1, 3), extra=st.integers(0, 6), seed=sizes["seed"])
def test_pruning(l, r, extra, seed):
    """Random sets with doubles, opposite ones and empty ones."""
    rng, m = np.random.default_rng(seed), sym_dim(r, l) + extra
    U = unit(rng.standard_normal((r, m)))[:, rng.integers(0, m, m)] * rng.choice([-1.0, 1.0], m)
    A, s = rng.choice([-1.0, 1.0], m) * monomials(U, l), rng.exponential(size=m)
    checked_pruning(A, s * (rng.random(m) < 0.8))


def test_pruning_at_its_edges():
    """Ties, a cancelling pair, dependence within a plane; D_r generic ones all stay."""
    rng, u = np.random.default_rng(0), unit(np.random.default_rng(1).standard_normal((3, 40)))
    twice = monomials(u[:, [0, 0]], 3)
    assert np.sum(checked_pruning(twice, np.ones(2)) > 0) == 1
    assert not checked_pruning(twice * [1, -1], np.ones(2)).any()
    assert_allclose(checked_pruning(twice * [1, -1], np.array([2.0, 0.5])).sum(), 1.5)
    plane = np.concatenate([u[:2, :6], np.zeros((1, 6))])
    assert np.sum(checked_pruning(monomials(unit(plane), 3), np.ones(6)) > 0) <= 4
    full = monomials(u[:, :10], 3)
    assert np.array_equal(checked_pruning(full, s := rng.random(10) + 0.1), s)
    assert np.sum(checked_pruning(monomials(u, 3), np.ones(40)) > 0) <= 10


def test_dependence_is_a_null_vector_of_the_gram_matrix():
    """Of [a_i a_k (ū_i·ū_k)^l], which needs no coordinates."""
    U, a = unit(np.random.default_rng(2).standard_normal((3, 11))), np.array([1.0, -1] * 5 + [1])
    z = shown.dependence(a * monomials(U, 3))
    assert_allclose(np.outer(a, a) * (U.T @ U) ** 3 @ z, 0, atol=1e-13)
    assert z.sum() >= 0 and shown.dependence(a[:10] * monomials(U[:, :10], 3)) is None


@pytest.mark.parametrize("d", [100, 10**12])
@pytest.mark.slow
def test_fixed_width(d):
    """D_r + 1 places reach 1e-6 in every run, too few parameters in none."""
    T = shown.generic(4, 2, 20, 1)
    errors, live, rise = shown.all_at_once(T, 6, d, seed=1)
    assert errors.min(axis=0).max() <= 1e-6 and live <= 5 and rise < 1e-14
    errors, _, _ = shown.all_at_once(T, 2, d, seed=1, most=8)
    assert errors.min() > 1e-4


@few
@given(l=st.integers(2, 6), r=sizes["r"], m=sizes["m"], seed=sizes["seed"])
def test_lemma_s(l, r, m, seed):
    """Both inequalities of a step; (i)'s second derivative."""
    above, below = shown.lemma_s(l, r, m, seed)
    assert above >= -1e-9 and below <= 1e-9
    exact, tau = shown.curvature(l, r, seed)
    assert_allclose(exact, 4 + (3 * l * l - 6 * l) * tau**4, rtol=1e-3, atol=1e-2)


@few
@given(l=st.integers(2, 4), r=st.integers(2, 3), m=sizes["m"], seed=sizes["seed"])
def test_stride_is_a_gradient_step(l, r, m, seed):
    """u_i - γ_i g_i, c held constant, from dense arrays."""
    T, V, a, s, gamma = clocked(l, r, m, seed)
    gamma *= 0.1
    W, mass = shown.stride(l, V, a, s, shown.look(T, V, a, s), gamma)
    U, dense = np.sqrt(s) * V, reference.dense(a * s, V, l) - to_dense(T)
    g = l * a * s ** ((2 - l) / 2) * reference.contract(dense, U)
    assert_allclose(np.sqrt(mass) * W, U - gamma * g, rtol=1e-9, atol=1e-9)


def test_theorem_j_in_steps():
    """One whole epoch of gradient steps takes what the theorem says, and ends."""
    T, new = shown.generic(3, 3, 20, 2), np.arange(2) == 0
    V, a, s = shown.nothing(T, 2)
    f, new = shown.loss(T, V, a, s), np.broadcast_to(new, s.shape)
    V, a, s, Q = shown.birth(T, V, a, s, new, 0.3, np.random.default_rng(0))
    stop = np.where(Q < 0.02 * f, np.inf, 0.1 * np.sqrt(Q))
    V, s, steps = shown.stepped(T, V, a, s, new, 0.2, 0.25, stop)
    A = np.sqrt(13) / 4 * 0.25
    G = (1 - A - 0.2 * (1 + A) ** 2) / ((1 + A) * np.sqrt(2))
    assert np.all(f - shown.loss(T, V, a, s) >= G / 2 * 0.99 * Q) and 1 < steps < 10_000
    q = shown.look(T, V, a, s)[1][:, 0]
    assert np.all((q <= 0.1 * np.sqrt(Q)) | np.isinf(stop))


@pytest.mark.parametrize("l", [3, 4])
@pytest.mark.slow
def test_draws_on_orthogonal_targets(l):
    """Theorem L: r components, and as many draws as the law says, to 5 standard errors."""
    T = targets.orthogonal(3, 3, l, seed=0, batch=(40,))
    draws, used = shown.draws_until_found(T, seed=1)
    assert np.all(used == 3)
    p = shown.chances(3, l)
    error = np.sqrt(np.sum((1 - p) / p**2) / 40)  # by the law: sums of few geometric ones are skew
    assert abs(draws.mean() - shown.mean_draws(3, l)) < 5 * error


def test_law_of_draws():
    """The sum, by the geometric law, lies between r and r + 1.61 (odd), at 2r (even)."""
    assert_allclose(shown.mean_draws(3, 3), 2 + 4 / 3 + 8 / 7)
    assert all(r < shown.mean_draws(r, 5) < r + 1.61 for r in range(1, 30))
    assert shown.mean_draws(7, 4) == 14


def test_without_the_climb():
    """Proposition M: one draw in the mean is I - M/2; the harmonic parts of the two targets."""
    M, mu = reference.moment_matrix(3, 3), float(smallest_eigenvalue(3, 3))
    T = targets.random(3, 2, 3, seed=4)
    C = T.coordinates().coords
    means, norms = shown.unclimbed(T, 1, 40_000, seed=0)
    exact = np.linalg.norm(C - M @ C / 2) / np.linalg.norm(C)
    assert abs(means[1] - exact) < 5 * norms[1].std() / 200 and means[0] == pytest.approx(1)
    values, vectors = np.linalg.eigh(M)
    harmonic = vectors[:, abs(values - mu) < 1e-12]
    part = lambda T: np.sum((harmonic.T @ T.coordinates().coords) ** 2) / float(T.norm) ** 2  # noqa: E731
    assert_allclose(part(shown.simplex(3)), 1)
    assert_allclose(part(targets.orthogonal(3, 3, 3, seed=0, signs="mixed")), 2 / 5)


def test_weights_are_handed_over():
    """A double that goes leaves T as it was if its weight is handed over."""
    T = targets.orthogonal(4, 3, 3, seed=0)
    U = np.random.default_rng(0).standard_normal((1, 4, 4))
    U[..., 3] = 0.5 * U[..., 0]
    now = observe(U, np.ones((1, 4)), T, Recipe())
    gone = np.array([[False, False, False, True]])
    after = observe(shown.handed_over(now, gone, 3), now.signs, T, Recipe())
    was, now_is = (
        reference.dense(x.weights[0, k], x.directions[0][:, k], 3)
        for x, k in ((now, [0, 1, 2, 3]), (after, [0, 1, 2]))
    )
    assert_allclose(now_is, was, atol=1e-6)


def test_lifted():
    """The same tensor in one more dimension."""
    T = targets.random(3, 4, 4, seed=1)
    wide = shown.lifted(T.coordinates().coords[None], 3, 4)
    bigger = T.image(np.eye(4)[:, :3]).coordinates()
    assert_allclose(wide[0], bigger.coords, atol=1e-14)
