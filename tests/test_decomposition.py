"""The user's entry: a symmetric tensor in, few weights and unit factors out, and their error."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

import td
from td import decomposition, targets
from td.decomposition import fewest
from td.descent import BASE, REACHED, SPENT, Recipe, descend
from td.rates import rate
from td.tensor import CoordinateTensor, SymmetricTensor, distance, monomials, to_dense

orders = pytest.mark.parametrize("l", [2, 3, 4, 5])
forms = pytest.mark.parametrize("form", ["dense", "factored"])
RAW = {"polish": False, "attempts": 1}


def given(T, form):
    """The tensor as a user has it."""
    return {"dense": to_dense, "coordinates": SymmetricTensor.coordinates}.get(form, lambda T: T)(T)


def misfit(T, w, U):
    """The norm of what a model leaves of T."""
    return float(distance(SymmetricTensor(w, U, T.order), T))


def check_model(result, A, most):
    """At most so many unit vectors, which reproduce A within the error that was reported."""
    assert 1 <= result.rank <= most
    assert result.factors.shape == (A.shape[0], result.rank) == (A.shape[0], *result.weights.shape)
    eps = np.finfo(result.weights.dtype).eps
    assert_allclose(np.linalg.norm(result.factors, axis=0), 1, rtol=10 * eps)
    error = np.linalg.norm(reference.dense(result.weights, result.factors, A.ndim) - A)
    assert_allclose(error / np.linalg.norm(A), result.error, rtol=0, atol=200 * eps)


@orders
@forms
def test_success(l, form):
    """Dense or factored, a tensor of mixed signs is found to rounding error."""
    T = targets.random(6, 2, l, seed=l, signs="mixed")
    result = td.decompose(given(T, form), 12, seed=0)
    assert result.reason == REACHED and result.error < 1e-14 and result.attempts == 1
    check_model(result, to_dense(T), 2)


@forms
def test_factors_lie_in_the_components_span(form):
    """What a tensor of three dimensions in R^20 is made of stays in those three."""
    T = reference.inside(20, targets.random(3, 5, 3, seed=1), seed=2)
    result = td.decompose(given(T, form), 15, seed=0)
    basis = np.linalg.qr(T.factors)[0][:, :3]
    assert_allclose(basis @ (basis.T @ result.factors), result.factors, atol=1e-10)


FAMILIES = {
    "orthogonal": targets.orthogonal,
    "random": targets.random,
    "correlated": targets.correlated,
    "mixed": lambda *sizes, **options: targets.random(*sizes, signs="mixed", **options),
}


@pytest.mark.parametrize("l", [3, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_exact_recovery(family, l):
    """d = 30, r = 4, m = 4r, 100 targets: error under 1e-10 and rank 4, at least 95 % (Wilson)."""
    T, exact = FAMILIES[family](30, 4, l, seed=7, batch=(100,)), []
    for k in range(100):
        one = reference.member(T, k)
        fit = td.decompose(one, 16, seed=k, tol=1e-6, compiled=True)
        cosines = abs(one.factors.T @ fit.factors).max(axis=1)
        exact.append(fit.error < 1e-10 and fit.rank == 4 and np.all(cosines > 1 - 1e-9))
    assert rate(exact).low >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("l", [3, 4])
def test_overcomplete(l):
    """Eight components of both signs in R^6, m = 32, 30 targets: how often 1e-6, and the eight."""
    T = targets.random(6, 8, l, seed=11, signs="mixed", batch=(30,))
    one = [reference.member(T, k) for k in range(30)]
    fits = [td.decompose(x, 32, seed=k, tol=1e-6, compiled=True) for k, x in enumerate(one)]
    assert rate([fit.error <= 1e-6 for fit in fits]).low > 0.8
    assert rate([fit.error <= 1e-10 and fit.rank == 8 for fit in fits]).low > 0.6


@pytest.mark.parametrize("noise", [1e-1, 1e-2, 1e-3])
def test_noise(noise):
    """With symmetric noise of a known size the rank is found, and the error is the noise's."""
    clean = targets.random(10, 3, 3, seed=2).coordinates()
    N = np.random.default_rng(0).standard_normal(len(clean.coords))
    N *= noise * float(clean.norm) / np.linalg.norm(N)
    noisy = CoordinateTensor(clean.coords + N, 10, 3)
    fit = td.decompose(noisy, 12, seed=0, tol=1.05 * noise)
    assert fit.rank == 3 and 0.85 * noise < fit.error <= 1.02 * noise
    # 30 of the 220 coordinates of the noise are fitted: that much of it remains in the estimate
    assert misfit(clean, fit.weights, fit.factors) / clean.norm < 0.6 * noise


@orders
def test_integers_and_lists(l):
    """Nested lists and integer arrays are taken as float64."""
    A = reference.dense([2, -1], np.array([[1, 0], [1, 2], [0, 1]]), l)
    first, again = td.decompose(A.tolist(), 8, seed=0), td.decompose(A.astype(int), 8, seed=0)
    assert first.weights.dtype == np.float64 and np.array_equal(first.factors, again.factors)
    check_model(first, A, 8)


@forms
def test_float32(form):
    """Single precision in, single precision out; between, it is polished in double."""
    T = targets.random(6, 3, 3, seed=1).moved(np, dtype=np.float32)
    result = td.decompose(given(T, form), 12, seed=0, tol=1e-3)
    assert result.factors.dtype == result.weights.dtype == np.float32
    assert result.reason == REACHED and result.rank == 3 and result.error < 1e-6
    check_model(result, to_dense(T), 3)


@pytest.mark.parametrize("scale", [1e6, -1e-6])
@forms
def test_scale(scale, form):
    """Scaling the tensor scales the weights, and changes neither path nor error."""
    T = targets.random(5, 2, 3, seed=1)
    one, other = (td.decompose(given(X, form), 8, seed=0) for X in (T, T.scaled(abs(scale))))
    assert one.steps == other.steps and max(one.error, other.error) < 1e-14
    assert_allclose(other.weights, abs(scale) * one.weights, rtol=1e-10)
    check_model(td.decompose(given(T.scaled(scale), form), 8, seed=0), scale * to_dense(T), 2)


def test_weights_carry_the_sign():
    """At even order -T needs negative weights, and T positive ones."""
    T = targets.orthogonal(5, 2, 4, seed=1)
    for sign in (1.0, -1.0):
        assert_allclose(td.decompose(T.scaled(sign), 8, seed=0).weights, [sign, sign], rtol=1e-12)


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
    assert (short.reason, short.steps, short.rank) == (SPENT, 3, 8) and type(short.reason) is str
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


@pytest.mark.parametrize("l", [3, 4])
@pytest.mark.parametrize("form", ["factored", "coordinates"])
def test_error_of_exact_models(l, form):
    """It is honest to rounding error."""
    for seed in range(5):
        fit = td.decompose(given(targets.random(6, 3, l, seed=seed), form), 12, seed=0, tol=1e-6)
        assert fit.rank == 3 and fit.error < 1e-14


def test_too_wide_to_polish():
    """Where polishing would need too large arrays, the run comes back as it is."""
    fit = td.decompose(targets.orthogonal(40, 40, 2, seed=0), 160, seed=0, tol=0.5)
    assert fit.rank == 160


def in_span(T):
    """T as the descent sees it."""
    return T.image(T.span().mT)


def test_attempts():
    """They end with the first that succeeds; when none does, all are made and the best is kept."""
    T, options = targets.orthogonal(5, 3, 3, seed=1), {"recipe": Recipe(epochs=1, steps=60)}
    assert td.decompose(T, 8, seed=0, attempts=5).attempts == 1
    alone = descend(in_span(T), 2, seed=2, runs=4, **options).error
    assert alone[1] < 0.8 < min(alone[0], alone[3])
    fits = [td.decompose(T, 2, seed=2, polish=False, attempts=n, **options) for n in (1, 2, 3, 4)]
    assert [fit.attempts for fit in fits] == [1, 2, 3, 4] and {fit.reason for fit in fits} == {
        SPENT
    }
    assert_allclose([fit.error for fit in fits], np.minimum.accumulate(alone), rtol=1e-9)


def test_descent_stops_early_where_polishing_follows():
    """At 10 % already."""
    T = targets.orthogonal(5, 2, 3, seed=1)
    rough, fine = (descend(in_span(T), 8, seed=0, recipe=Recipe(tol=x)).steps for x in (0.1, 1e-6))
    assert td.decompose(T, 8, seed=0, tol=1e-6).steps == rough < fine


# How few components are made of many: merging, then least squares.


@orders
def test_normal_matrix(l):
    """JᵀJ, with J by central differences."""
    V, signs = np.random.default_rng(l).standard_normal((3, 4)), np.array([1.0, -1.0, 1.0, -1.0])
    J = reference.derivative(lambda V: monomials(V, l) @ signs, V).reshape(-1, 12)
    assert_allclose(decomposition._normal_matrix(V, signs, l), J.T @ J, rtol=1e-6, atol=1e-6)


@orders
def test_doubles_are_added(l):
    """Parallel and antiparallel components become one, without a change of the tensor."""
    U = np.random.default_rng(0).standard_normal((4, 3))
    U /= np.linalg.norm(U, axis=0)
    w, V = np.array([1.0, 0.5, -0.3, 0.2, 0.4]), np.column_stack([U, -U[:, 0], U[:, 1]])
    found = decomposition._reduced(w, V, l, 3)
    assert found[1].shape == (4, 3)
    assert_allclose(reference.dense(*found, l), reference.dense(w, V, l), atol=1e-8)
    assert_allclose(np.sort(found[0]), np.sort([1 + 0.2 * (-1) ** l, 0.9, -0.3]), atol=1e-8)


@orders
def test_the_rest_takes_over_what_it_can(l):
    """The one of smallest own part goes, and the others become the best model of the tensor."""
    w, U = np.array([1.0, -2.0, 0.1]), np.random.default_rng(l).standard_normal((4, 3))
    U[:, 2] = U[:, 0] + 0.1 * U[:, 2]
    U /= np.linalg.norm(U, axis=0)
    found, powers = decomposition._reduced(w, U, l, 2), monomials(U, l)
    assert np.array_equal(found[1], U[:, :2])
    assert_allclose(found[0], np.linalg.lstsq(powers[:, :2], powers @ w)[0], rtol=1e-8)
    assert np.array_equal(np.sign(found[0]), [1, -1])


def nearly(T, seed=0):
    """T's components, 5 % off."""
    U = T.factors + 0.05 * np.random.default_rng(seed).standard_normal(T.factors.shape)
    return T.weights, U / np.linalg.norm(U, axis=0)


@pytest.mark.parametrize("l", [3, 4])
def test_least_squares_converge_quadratically(l, monkeypatch):
    """To a zero of the misfit, from 5 % off, where the components are; and they stop there."""
    T, misfits, residual = (
        targets.random(5, 4, l, seed=1, signs="mixed"),
        [],
        decomposition._residual,
    )

    def watched(*model):
        M, E = residual(*model)
        misfits.append(np.linalg.norm(E))
        return M, E

    monkeypatch.setattr(decomposition, "_residual", watched)
    T = T.scaled(1 / T.norm)
    w, V = decomposition._refined(T.coordinates(), *nearly(T))
    middle = [(x, y) for x, y in pairwise(misfits) if 1e-6 < x < 1e-2]
    assert middle and all(y < 100 * x**2 for x, y in middle)
    assert misfits[-1] < 1e-14 and len(misfits) <= 9
    assert_allclose(np.abs(np.sum(V * T.factors, axis=0)), 1, rtol=1e-12)
    assert l % 2 == 0 or np.all(w > 0)


def test_least_squares_never_make_it_worse():
    """Whatever the start, even where nothing fits."""
    rng = np.random.default_rng(0)
    for k in range(20):
        C = targets.random(3, 6, 3, seed=k).coordinates()
        w, U = rng.standard_normal(2), rng.standard_normal((3, 2))
        U /= np.linalg.norm(U, axis=0)
        assert misfit(C, *decomposition._refined(C, w, U)) <= misfit(C, w, U)


@orders
def test_fewest(l):
    """Orthogonal components of norms 4, 2, 1: each is needed from its own norm down."""
    w, U = np.array([4.0, -2.0, 1.0]), np.eye(5)[:, :3]
    C = SymmetricTensor(w, U, l).coordinates()
    split = np.repeat(w, 2) / 2, np.repeat(U, 2, axis=1)
    found = [len(fewest(C, *split, allowed)[0]) for allowed in (0.99, 1.01, 2.2, 2.3, 4.5, 9.0)]
    assert found == [3, 2, 2, 1, 1, 1]


def test_fewest_tries_no_number_that_the_singular_values_rule_out(monkeypatch):
    """Four components of R^3: three are tried first, and two for the sake of one more only."""
    C, tried = targets.random(3, 4, 3, seed=1).coordinates(), []
    monkeypatch.setattr(
        decomposition, "_refined", lambda _, *model: tried.append(len(model[0])) or model
    )
    fewest(C, np.zeros(5), np.eye(3)[:, [0, 1, 2, 0, 1]], 1e-3)
    assert tried == [3, 2, 3, 4, 4, 5, 5]


@pytest.mark.parametrize("c", [0.1, 0.01, 0.001])
def test_light_components_are_found(c):
    """Exactly three components where one weighs little, in nine of ten runs at least."""
    ranks = []
    for seed in range(10):
        T = targets.random(5, 3, 3, seed=seed)
        T = SymmetricTensor(np.array([1.0, 1.0, c]), T.factors, 3)
        ranks.append(td.decompose(T, 12, seed=seed, tol=1e-6).rank)
    assert ranks.count(3) >= 9 and min(ranks) == 3


@pytest.mark.slow
def test_a_reason_is_the_truth():
    """A rough fit that polishing does not bring to the error asked for has not reached it."""
    U = np.array([[1.0, 2, 3], [1, -2, 3], [1, -12, -3], [1, 12, -13]]).T
    T = SymmetricTensor(np.array([15.0, 15, 5, 3]), U, 5)
    for m, seed in product((2, 3, 4), range(4)):
        fit = td.decompose(T, m, seed=seed, tol=1e-8)
        assert (fit.reason == REACHED) == (fit.error <= 1e-8)
        assert fit.reason != REACHED or m == 4


def test_fewest_gives_the_best_if_none_will_do():
    """A target of rank 3 by two components: each fits one of it, and the third is left over."""
    C = targets.orthogonal(3, 3, 3, seed=0).coordinates()
    w, U = fewest(C, np.ones(2), np.eye(3)[:, :2], 0.1)
    assert len(w) == 2
    assert_allclose(misfit(C, w, U), 1, rtol=1e-9)


def test_fewest_gives_the_best_of_several(monkeypatch):
    """It need not be the one of most components: here only two of them explain anything."""
    T = targets.orthogonal(3, 1, 3, seed=0)
    half = lambda _, w, U: (np.full(len(w), (len(w) == 2) / 4), T.factors[:, [0] * len(w)])  # noqa: E731
    monkeypatch.setattr(decomposition, "_refined", half)
    w, _ = fewest(T.coordinates(), np.ones(3), np.eye(3), 0.1)
    assert len(w) == 2
