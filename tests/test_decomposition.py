"""The user's entry: a symmetric tensor in, few weights and unit factors out, and their error."""

from itertools import pairwise, product

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

import td
from td import decomposition, targets
from td.decomposition import CANCELLING, FLOOR, SHORT, STALLED
from td.descent import REACHED, Recipe, descend
from td.rates import rate
from td.tensor import CoordinateTensor, SymmetricTensor, distance, monomials, to_dense

orders = pytest.mark.parametrize("l", [2, 3, 4, 5])
forms = pytest.mark.parametrize("form", ["dense", "factored"])


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
    for width in (12, None):
        result = td.decompose(given(T, form), width)
        assert result.reason == REACHED and result.error < 1e-14 and result.attempts == 1
        assert result.polished and not result.warning
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


def noisy(T, noise, seed):
    """T and symmetric white noise of so many times its norm."""
    clean = T.coordinates()
    N = np.random.default_rng(seed).standard_normal(len(clean.coords))
    N *= noise * float(clean.norm) / np.linalg.norm(N)
    return CoordinateTensor(clean.coords + N, T.dim, T.order)


@pytest.mark.parametrize("noise", [1e-1, 1e-2, 1e-3])
def test_noise(noise):
    """With symmetric noise of a known size the rank is found, and the error is the noise's."""
    clean = targets.random(10, 3, 3, seed=2)
    fit = td.decompose(noisy(clean, noise, 0), 12, seed=0, tol=1.05 * noise)
    assert fit.rank == 3 and 0.85 * noise < fit.error <= 1.02 * noise
    # 30 of the 220 coordinates of the noise are fitted: that much of it remains in the estimate
    assert misfit(clean, fit.weights, fit.factors) / clean.norm < 0.6 * noise


@pytest.mark.slow
@pytest.mark.parametrize(
    ("d", "r", "l", "noise"),
    [(10, 3, 3, 0.01), (10, 3, 3, 0.1), (12, 12, 3, 0.01), (8, 4, 4, 0.1), (6, 3, 5, 0.1)],
)
def test_a_floor(d, r, l, noise):
    """Told nothing, the search ends at the noise with the terms that are there, and says so."""
    made = [noisy(targets.random(d, r, l, seed=k), noise, k) for k in range(10)]
    fits = [td.decompose(T, seed=k) for k, T in enumerate(made)]
    assert sum(fit.rank == r for fit in fits) >= 9
    assert all(fit.reason == FLOOR and fit.error < 1.1 * noise for fit in fits)
    assert all(fit.curve[fit.rank + 3] > 0.7 * fit.error for fit in fits)


@pytest.mark.parametrize("cosine", [0.8, 0.95])
def test_slow_progress_is_no_floor(cosine):
    """One term fits correlated components to some per cent, and the next few hardly help."""
    for seed in range(3):
        T = targets.correlated(12, 8, 3, seed=seed, cosine=cosine).coordinates()
        fit = td.decompose(T, seed=seed)
        assert (fit.rank, fit.reason) == (8, REACHED) and fit.curve[4] > 0.7 * fit.curve[1]


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


@pytest.mark.parametrize("l", [3, 4])
def test_two_seeds_give_arrays_that_compare(l):
    """Order and signs of the terms are canonical; equal weights are no exception."""
    for T in (targets.random(5, 4, l, seed=1, signs="mixed"), targets.orthogonal(5, 4, l, seed=1)):
        first, again, other = (td.decompose(T, 8, seed=seed) for seed in (1, 1, 2))
        assert np.array_equal(first.factors, again.factors)
        assert_allclose(first.factors, other.factors, atol=1e-9)
        assert_allclose(first.weights, other.weights, atol=1e-9)
        largest = np.take_along_axis(first.factors, abs(first.factors).argmax(0)[None], 0)
        assert np.all(first.weights > 0) if l == 3 else np.all(largest > 0)


def test_recipe():
    """The recipe's settings hold, except that ``tol`` is the argument's."""
    T = targets.orthogonal(5, 2, 3, seed=1)
    assert td.decompose(T, 8, recipe=Recipe(epochs=1, steps=3)).steps == 3
    assert td.decompose(T, 8, tol=1e-6, recipe=Recipe(tol=0.5)).error < 1e-6


@pytest.mark.parametrize("signs", ["positive", "random"])
def test_positive_weights(signs):
    """At even order signs="positive" keeps weights from being negative, whatever it costs."""
    T = SymmetricTensor(np.array([1.0, -0.5]), np.eye(4)[:, :2], 4)
    fit = td.decompose(T, 6, recipe=Recipe(signs=signs))
    assert fit.rank == (2 if signs == "random" else 1)
    assert np.all(fit.weights > 0) == (signs == "positive")


def test_rank():
    """Exactly so many terms, fewer or more than needed; fewer: the best fit."""
    T = SymmetricTensor(np.array([3.0, -2.0, 1.0]), np.eye(5)[:, :3], 3)
    fits = {n: td.decompose(T, rank=n) for n in (1, 2, 3, 5)}
    assert [fit.rank for fit in fits.values()] == [1, 2, 3, 5]
    assert_allclose(fits[1].weights, [3], rtol=1e-9)
    assert_allclose(fits[2].error, 1 / np.sqrt(14), rtol=1e-9)
    assert [fit.reason for fit in fits.values()] == [STALLED, STALLED, REACHED, REACHED]


def test_the_curve():
    """The error for each number of terms tried; orthogonal components come off one by one."""
    T = SymmetricTensor(np.array([3.0, -2.0, 1.0]), np.eye(5)[:, :3], 3)
    fit = td.decompose(T, 8)
    assert list(fit.curve) == [1, 2, 3] and fit.curve[3] < 1e-14
    assert_allclose([fit.curve[n] for n in (1, 2)], np.sqrt([5 / 14, 1 / 14]), rtol=1e-3)


@pytest.mark.parametrize("tol", [1e-6, 0.3])
def test_matrices(tol):
    """Order 2 is decomposed by eigenvalues, the fewest that do."""
    values = np.array([4.0, -3.0, 2.0, 0.5, 0.0])
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    fit = td.decompose(Q * values @ Q.T, tol=tol)
    kept = values[: 4 if tol < 0.1 else 3]
    assert_allclose(fit.weights, kept, atol=1e-12)
    assert_allclose(
        fit.error, np.sqrt(np.sum(values[len(kept) :] ** 2) / np.sum(values**2)), atol=1e-14
    )
    assert fit.steps == 0 and fit.reason == REACHED
    assert td.decompose(Q * values @ Q.T, 2).reason == STALLED


def test_nearly_no_best_fit():
    """x²y with two terms: ever larger weights cancel, and the result says so."""
    x2y = CoordinateTensor(np.array([0.0, 1.0, 0.0, 0.0]), 2, 3)
    assert td.decompose(x2y, rank=2).warning == CANCELLING
    assert td.decompose(x2y).rank == 3 and not td.decompose(x2y).warning


def test_what_a_fit_offers():
    """The tensor, its array, one line to print; and it compares by identity."""
    T = targets.random(30, 3, 3, seed=0)
    fit = td.decompose(T)
    assert float(distance(fit.tensor, T)) < 1e-14 * float(T.norm) * 10
    assert_allclose(fit.to_dense(), to_dense(T), atol=1e-14)
    assert len(repr(fit)) < 120 and "3 terms of order 3 in dimension 30" in repr(fit)
    assert fit == fit and fit != td.decompose(T)


def test_align():
    """Terms of one fit beside those of another, whatever their order and signs."""
    T = targets.random(6, 4, 4, seed=0)
    order, signs = np.array([2, 0, 3, 1]), np.array([1, -1, 1, -1])
    other = SymmetricTensor(T.weights[order], T.factors[:, order] * signs, 4)
    pairs, cosines = td.align(T, other)
    assert np.array_equal(order[pairs[:, 1]], pairs[:, 0])
    assert_allclose(cosines, signs[pairs[:, 1]], rtol=1e-12)
    fewer = SymmetricTensor(T.weights[:2], T.factors[:, :2], 4)
    assert td.align(T, fewer)[0].tolist() == [[0, 0], [1, 1]]


def test_progress():
    """It hears of each number of terms."""
    lines = []
    fit = td.decompose(targets.orthogonal(5, 3, 3, seed=0), 8, tol=1e-6, progress=lines.append)
    assert lines == [f"{n} terms: error {fit.curve[n]:.2g}" for n in range(3, 4)]


def test_ctrl_c_brings_the_best_so_far():
    """The exception has the result as its argument."""
    T, told = targets.random(6, 8, 3, seed=0), []

    def stop(line):
        told.append(line)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        td.decompose(T, progress=stop)
    (fit,) = stopped.value.args
    assert fit.error == pytest.approx(min(fit.curve.values()), rel=1e-6) and fit.reason == SHORT
    assert fit.error < 1


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


def test_too_many_to_polish(monkeypatch):
    """Beyond the memory allowed terms are not polished, and the result says so."""
    T = targets.random(6, 5, 3, seed=0)
    monkeypatch.setattr(decomposition, "MOST", (4 * 6) ** 2)  # the normal matrix of four terms
    fit = td.decompose(T, 16, tol=0.05)
    assert not fit.polished and fit.rank > 4 and (fit.reason == REACHED) == (fit.error <= 0.05)
    assert td.decompose(T, rank=4).polished


def test_one_component_more_changes_nothing():
    """The polishing depends on the terms that are left, not on the components of the run."""
    T = targets.orthogonal(64, 6, 3, seed=0).coordinates()
    assert [td.decompose(T, m).rank for m in (90, 92)] == [6, 6]


def in_span(T):
    """T as the descent sees it."""
    return T.image(T.span().mT)


def test_attempts():
    """They end with the first that does, or when one more does no better."""
    T = targets.orthogonal(5, 3, 3, seed=1)
    assert td.decompose(T, 8, attempts=5).attempts == 1
    fit = td.decompose(T, 2, attempts=5)
    assert (fit.attempts, fit.reason) == (2, STALLED)
    assert_allclose(fit.error, 1 / np.sqrt(3), rtol=1e-9)
    assert td.decompose(T, 2, attempts=1).reason == SHORT


def test_descent_stops_early_where_polishing_follows():
    """At 10 % already."""
    T = targets.orthogonal(5, 2, 3, seed=1)
    rough, fine = (descend(in_span(T), 8, seed=0, recipe=Recipe(tol=x)).steps for x in (0.1, 1e-6))
    assert td.decompose(T, 8, seed=0, tol=1e-6).steps == rough < fine


def test_descent_stops_where_an_epoch_brings_nothing():
    """With fewer components than needed, after the second."""
    fit = td.decompose(targets.orthogonal(5, 3, 3, seed=1), 1, attempts=1)
    assert fit.steps == 600 and fit.rank == 1


def test_start():
    """Terms of one's own are polished in place of a descent's."""
    T = targets.random(6, 4, 3, seed=1).scaled(1e-200)
    w, U = nearly(T)
    fit = td.decompose(T, start=SymmetricTensor(w, 2 * U, 3).scaled(1 / 8))
    assert (fit.rank, fit.steps, fit.attempts) == (4, 0, 1) and fit.error < 1e-14


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
    T, whole = SymmetricTensor(w, U, l).coordinates(), np.sqrt(21)
    split = SymmetricTensor(np.repeat(w, 2) / 2, np.repeat(U, 2, axis=1), l)
    allowed = (0.99, 1.01, 2.2, 2.3, 4.5)
    fits = [td.decompose(T, start=split, tol=x / whole) for x in allowed]
    assert [fit.rank for fit in fits] == [3, 2, 2, 1, 1]


def test_no_number_is_tried_that_the_singular_values_rule_out():
    """Four components of R^3: three are tried first. Five orthogonal ones: five, at once."""
    assert min(td.decompose(targets.random(3, 4, 3, seed=1), 8, tol=1e-6).curve) in (2, 3)
    assert list(td.decompose(targets.orthogonal(6, 5, 3, seed=1), 8, tol=1e-6).curve) == [5]


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
        assert (fit.reason == REACHED) == (fit.error <= 1e-8) == (m == 4)
