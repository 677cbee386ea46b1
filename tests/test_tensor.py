"""Symmetric tensors, factored and by coordinates, against dense arrays."""

from collections import Counter
from itertools import combinations_with_replacement
from math import comb, factorial, prod

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from td import targets, tensor
from td.tensor import (
    CoordinateTensor,
    SymmetricTensor,
    core,
    distance,
    from_dense,
    insertion,
    monomials,
    multi_indices,
    multiplicities,
    power,
    qr,
    to_dense,
)

ORDERS = range(2, 7)
SIZES = [(d, l) for l in ORDERS for d in (1, 2, 3)]
over_sizes = pytest.mark.parametrize("d, l", SIZES)
forms = pytest.mark.parametrize("form", ["factored", "coordinates"])


def in_form(T, form):
    return T if form == "factored" else T.coordinates()


@pytest.mark.parametrize("n", range(8))
def test_power(n):
    """Repeated multiplication gives the power, and its gradient-free case n = 0 gives ones."""
    x = np.array([-1.5, 0.0, 2.0])
    assert_allclose(power(x, n), x**n, rtol=1e-14)


TABLES = [(d, l) for l in range(1, 7) for d in (1, 2, 3, 5, 8) if comb(d + l, l) < 1000]


@pytest.mark.parametrize("d, l", [*TABLES, (40, 2), (12, 4), (1, 9)])
def test_multi_indices_and_multiplicities(d, l):
    """The ascending tuples of axes, and in how many orders each can be written: d^l in all."""
    expected = list(combinations_with_replacement(range(d), l))
    assert multi_indices(d, l).tolist() == [list(alpha) for alpha in expected]
    counts = [factorial(l) // prod(map(factorial, Counter(alpha).values())) for alpha in expected]
    assert multiplicities(d, l).tolist() == counts and sum(counts) == d**l


@pytest.mark.parametrize("d, l", [(d, l) for d, l in [*TABLES, (40, 2), (1, 9)] if l > 1])
def test_insertion(d, l):
    """Row beta, column a: where beta with one more a stands, and the root of its share of a."""
    place = {alpha: k for k, alpha in enumerate(combinations_with_replacement(range(d), l))}
    betas = combinations_with_replacement(range(d), l - 1)
    added = [[tuple(sorted((*beta, a))) for a in range(d)] for beta in betas]
    where, coefficient = insertion(d, l)
    assert where.tolist() == [[place[alpha] for alpha in row] for row in added]
    shares = [[row[a].count(a) / l for a in range(d)] for row in added]
    assert_allclose(coefficient**2, shares, rtol=1e-15)


@over_sizes
def test_to_dense(d, l):
    """The dense array is the sum of the outer powers."""
    T = reference.tensor(d, 4, l)
    assert_allclose(to_dense(T), reference.dense(T.weights, T.factors, l), atol=1e-12)


@over_sizes
def test_coordinates_round_trip(d, l):
    """Factored to dense to coordinates agrees with factored to coordinates, entry by entry."""
    T = reference.tensor(d, 4, l)
    expected = reference.coordinates(to_dense(T))
    for C in (T.coordinates(), from_dense(to_dense(T))):
        assert (C.dim, C.order) == (d, l) and C.coordinates() is C
        assert_allclose(C.coords, expected, atol=1e-12)


@over_sizes
def test_inner_and_norm(d, l):
    """Inner products and norms are those of the dense arrays, in both forms."""
    S, T = reference.tensor(d, 2, l, seed=1), reference.tensor(d, 3, l, seed=2)
    expected = np.sum(to_dense(S) * to_dense(T))
    scale = np.linalg.norm(to_dense(S)) * np.linalg.norm(to_dense(T))
    assert_allclose(S.coordinates().coords @ T.coordinates().coords, expected, atol=1e-13 * scale)
    for form in (S, S.coordinates()):
        assert_allclose(form.norm, np.linalg.norm(to_dense(S)), rtol=1e-12)


@over_sizes
@forms
def test_contract(d, l, form):
    """T(x^{l-1}, ·) is the dense array with l - 1 of its axes contracted."""
    T, X = reference.tensor(d, 4, l), np.random.default_rng(0).standard_normal((d, 5))
    expected = reference.contract(to_dense(T), X)
    assert_allclose(in_form(T, form).contract(X), expected, atol=1e-12 * np.abs(expected).max())


WIDTHS = [(3, 300, p) for p in (1, 63, 64, 65, 218, 219, 300)]
WIDTHS += [(30, 2100, p) for p in (1, 63, 64, 65, 300, 597, 598)]


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("d, m, p", WIDTHS)
def test_contract_by_the_cheaper_way(d, m, p, batch):
    """T(x², ·) by inner products, or by coordinates where they cost less: the plain formula."""
    T, X = reference.tensor(d, m, 3, batch=batch), np.random.default_rng(p).normal(size=(d, p))
    expected = (T.factors * T.weights[..., None, :]) @ (T.factors.mT @ X) ** 2
    assert_allclose(T.contract(X), expected, rtol=1e-11, atol=1e-11 * np.abs(expected).max())
    flops, rival = 4 * d * m * p, 2 * d * 2 * comb(d + 1, 2) * (m + p)
    assert ("unfolded" in vars(T)) == (rival < flops and m * p > 2**16)


@pytest.mark.parametrize("l", [2, 3, 4, 5])
@pytest.mark.parametrize("m, p", [(1, 1), (3, 65), (64, 64), (65, 63), (300, 130)])
@forms
def test_contract_by_blocks(monkeypatch, form, m, p, l):
    """However few columns are allowed at a time, and whether a product is small or not."""
    monkeypatch.setattr(tensor, "BLOCK", 4)
    T, X = reference.tensor(3, m, l), np.random.default_rng(0).standard_normal((3, p))
    expected = (T.factors * T.weights) @ (T.factors.T @ X) ** (l - 1)
    assert_allclose(in_form(T, form).contract(X), expected, atol=1e-11 * np.abs(expected).max())
    assert_allclose(T.coordinates().norm, T.norm, rtol=1e-9)


@over_sizes
@forms
def test_unfolded(d, l, form):
    """Splitting an axis off gives the matrix of T(x^{l-1}, ·)."""
    T, x = reference.tensor(d, 4, l, batch=(2,)), np.random.default_rng(0).standard_normal((d, 1))
    M, powers = in_form(T, form).unfolded, monomials(x, l - 1)
    assert_allclose(M.mT @ powers, T.contract(x), atol=1e-12 * np.abs(M).max())
    assert_allclose(np.linalg.norm(M, axis=(-2, -1)), T.norm, rtol=1e-12)


@over_sizes
def test_distance(d, l):
    """Every formula of the distance gives the norm of the dense difference."""
    S, T = reference.tensor(d, 2, l, seed=1), reference.tensor(d, 3, l, seed=2)
    expected = np.linalg.norm(to_dense(S) - to_dense(T))
    assert_allclose(to_dense(S - T), to_dense(S) - to_dense(T), atol=1e-12)
    assert_allclose(distance(S, T), expected, rtol=1e-12)
    assert_allclose(distance(S, T.coordinates()), expected, rtol=1e-12)
    assert_allclose((S - T).norm, expected, rtol=1e-7)


@pytest.mark.parametrize("l", ORDERS)
def test_distance_resolves_what_the_norm_of_the_difference_cannot(l):
    """A relative distance of 1e-12 comes out to 1 % by coordinates, as noise by inner products."""
    T = reference.tensor(3, 4, l)
    S, expected = SymmetricTensor(T.weights, T.factors * (1 + 1e-12 / l), l), 1e-12 * T.norm
    assert_allclose(distance(S, T), expected, rtol=1e-2)
    assert_allclose(distance(S, T.coordinates()), expected, rtol=1e-2)
    assert abs((S - T).norm / expected - 1) > 0.5


@pytest.mark.parametrize("l", range(2, 6))
def test_from_dense_rejects_asymmetry_between_any_two_neighbours(l):
    """An entry that differs from its mirror image is found, whichever axes it concerns."""
    A = to_dense(reference.tensor(3, 4, l))
    for k in range(l - 1):
        index = [0] * l
        index[k + 1] = 1  # its mirror under the swap of axes k and k + 1 stays as it is
        bad = A.copy()
        bad[tuple(index)] += 1e-6 * np.abs(A).max()
        with pytest.raises(ValueError, match=f"symmetric: swapping axes {k} and {k + 1} changes"):
            from_dense(bad)
        assert from_dense(bad, rtol=1e-5).order == l


def test_from_dense_allows_rounding():
    """Zero is symmetric; with rtol = 0 a few units in the last place pass, a thousand do not."""
    assert from_dense(np.zeros((2, 2, 2))).norm == 0
    A = to_dense(reference.tensor(3, 4, 3))
    unit = np.finfo(float).eps * np.abs(A).max()
    A[0, 1, 2] += 10 * unit
    assert from_dense(A, rtol=0.0).order == 3
    A[0, 1, 2] += 1000 * unit
    with pytest.raises(ValueError, match="T must be symmetric"):
        from_dense(A, rtol=0.0)


@forms
def test_contract_lets_a_diverging_run_through(form):
    """A column that is not finite spoils its own result and no other."""
    T, X = in_form(reference.tensor(3, 4, 3), form), np.random.default_rng(0).normal(size=(3, 5))
    expected = T.contract(X)
    X[1, 2] = np.nan
    expected[:, 2] = np.nan
    assert_allclose(T.contract(X), expected, rtol=1e-12)


@pytest.mark.parametrize("l", [2, 3, 5])
@forms
def test_batch(l, form):
    """A batch is its tensors one by one: norm, contraction, scaling and choice."""
    batch, X = reference.tensor(3, 4, l, batch=(2, 5)), np.ones((2, 5, 3, 1))
    one = [in_form(reference.member(batch, 0, k), form) for k in (1, 3)]
    row = in_form(reference.member(batch, 0), form)
    batch = in_form(batch, form)
    assert batch.batch == (2, 5) and row.batch == (5,) and one[0].batch == ()
    assert_allclose(batch.norm[0, [1, 3]], [T.norm for T in one], rtol=1e-13)
    contracted = batch.contract(X)[0, [1, 3]]
    assert_allclose(contracted, [T.contract(X[0, 0]) for T in one], rtol=1e-12)
    chosen = row.take(np.array([1, 3])).scaled(np.array([2.0, -3.0]))
    assert_allclose(chosen.norm, [2 * one[0].norm, 3 * one[1].norm], rtol=1e-13)
    assert one[0].take(np.array([0, 0])).batch == ()  # a shared tensor stays


@pytest.mark.parametrize("l", [2, 3, 4])
def test_a_shared_tensor_broadcasts_against_a_batch(l):
    """One tensor meets each of a batch, and shared factors carry a batch of weights."""
    batch, shared = reference.tensor(3, 4, l, batch=(5,)), reference.tensor(3, 2, l)
    singles = [reference.member(batch, k) for k in range(5)]
    for far in (distance, lambda S, T: (S - T).norm):
        assert_allclose(far(batch, shared), [far(T, shared) for T in singles], rtol=1e-11)
    weighted = SymmetricTensor(np.eye(2), shared.factors, l)
    terms = [SymmetricTensor(np.ones(1), u[:, None], l) for u in shared.factors.T]
    assert_allclose(distance(weighted, terms[0])[0], 0, atol=1e-12)
    assert_allclose(distance(weighted, terms[0])[1], distance(terms[1], terms[0]), rtol=1e-12)


@forms
def test_scaled_by_a_number(form):
    """A plain number scales every tensor of a batch."""
    T = in_form(reference.tensor(3, 4, 3, batch=(2,)), form)
    assert_allclose(T.scaled(-2.0).norm, 2 * T.norm, rtol=1e-14)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(2, 6), st.integers(0, 10**6))
def test_coordinates_are_isometric(d, m, l, seed):
    """Powers of vectors keep their inner products (u·v)^l in coordinates."""
    U = np.random.default_rng(seed).standard_normal((d, m))
    gram, scale = monomials(U, l).T @ monomials(U, l), np.linalg.norm(U, axis=0) ** l
    assert_allclose(gram, (U.T @ U) ** l, atol=1e-12 * np.max(np.outer(scale, scale)))


def test_tensors_of_another_space_do_not_compare():
    """Orders 2 in R^3 and 5 in R^2 have as many coordinates, and are still not comparable."""
    S, C = reference.tensor(3, 2, 2), CoordinateTensor(np.ones(6), 2, 5)
    with pytest.raises(ValueError, match="S and T must share"):
        distance(S, C)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 4, 4)])
def test_qr_is_unique(shape):
    """Frame times triangle, and no library's choice of signs: R's diagonal is not negative."""
    A = np.random.default_rng(0).standard_normal(shape)
    A[..., -1] = 0.0
    Q, R = qr(A)
    assert_allclose(Q @ R, A, atol=1e-14)
    assert_allclose(
        Q.mT @ Q, np.broadcast_to(np.eye(Q.shape[-1]), R[..., : Q.shape[-1]].shape), atol=1e-14
    )
    assert np.all(np.tril(R, -1) == 0) and np.all(np.linalg.diagonal(R) >= 0)


def test_core():
    """A tensor is its core in the span's frame, batch and all."""
    T = targets.random(9, 3, 4, seed=0, signs="mixed", batch=(2,))
    inner, frame = core(T)
    assert inner.dim == 3 and frame.shape == (2, 9, 3)
    assert_allclose(inner.image(frame).factors, T.factors, atol=1e-14)
    assert_allclose(frame.mT @ frame, np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-14)


@pytest.mark.parametrize("l", [2, 3, 4])
@forms
def test_image(l, form):
    """A matrix applied to each axis is applied to each component."""
    T, A = reference.tensor(5, 3, l), np.random.default_rng(0).standard_normal((2, 5))
    found = in_form(T, form).image(A).coordinates().coords
    expected = reference.coordinates(reference.dense(T.weights, A @ T.factors, l))
    assert_allclose(found, expected, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("l", [2, 3, 4])
@pytest.mark.parametrize("most", [None, 2, 3, 20])
@forms
def test_span(l, most, form):
    """A frame of just the components' span: sketched if it is small, else from all of the tensor.

    A component of a weight of 1e-9 is no rounding error.
    """
    U = np.random.default_rng(l).standard_normal((20, 3))
    T = SymmetricTensor(np.array([1.0, -0.1, 1e-9]), U, l)
    frame = in_form(T, form).span(most)
    assert_allclose(frame.T @ frame, np.eye(3), atol=1e-14)
    assert_allclose(T.weights * (U - frame @ (frame.T @ U)), 0, atol=1e-13)


@forms
def test_span_of_more_dimensions_than_expected(form):
    """A sketch that is too small is seen to be so; of many components only the span counts."""
    T = targets.orthogonal(20, 15, 3, seed=0)
    wide = SymmetricTensor(np.ones(45), np.tile(T.factors, 3), 3)
    for S in (T, wide):
        frame = in_form(S, form).span(2)
        assert_allclose(frame @ frame.T, T.factors @ T.factors.T, atol=1e-13)


def test_moved_casts():
    """Moving a tensor keeps it, in the dtype asked for."""
    T = reference.tensor(4, 2, 3)
    moved = T.moved(np, dtype=np.float32)
    assert moved.factors.dtype == moved.weights.dtype == np.float32 and moved.order == 3
    assert_allclose(moved.factors, T.factors, rtol=1e-6)
