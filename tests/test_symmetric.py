"""Symmetric tensors, factored and by coordinates, against dense arrays."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from td import symmetric
from td.symmetric import (
    CoordinateTensor,
    SymmetricTensor,
    column_dot,
    difference,
    distance,
    from_dense,
    gram,
    inner,
    insertion,
    monomials,
    multi_indices,
    multiplicities,
    power,
    powers_product,
    to_dense,
    transpose,
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


def test_transpose_swaps_the_last_axes_only():
    """Batch axes stay where they are."""
    x = np.arange(24.0).reshape(2, 3, 4)
    assert_allclose(transpose(x), x.swapaxes(1, 2), rtol=0)


@over_sizes
def test_multi_indices_count_every_entry_once(d, l):
    """The multiplicities of the D coordinates sum to the d^l entries of the dense array."""
    assert multi_indices(d, l).tolist() == [list(a) for a in reference.indices(d, l)]
    assert multiplicities(d, l).sum() == d**l


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
    assert_allclose(inner(S, T), expected, atol=1e-13 * scale)
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


@over_sizes
@forms
def test_unfolded(d, l, form, monkeypatch):
    """Splitting an axis off gives the matrix of T(x^{l-1}, ·), however many columns at a time."""
    monkeypatch.setattr(symmetric, "FEATURES", 1)
    T, x = reference.tensor(d, 4, l, batch=(2,)), np.random.default_rng(0).standard_normal((d, 1))
    M, powers = in_form(T, form).unfolded, monomials(x, l - 1)
    assert_allclose(transpose(M) @ powers, T.contract(x), atol=1e-12 * np.abs(M).max())
    assert_allclose(np.linalg.norm(M, axis=(-2, -1)), T.norm, rtol=1e-12)


@over_sizes
def test_distance(d, l):
    """Every formula of the distance gives the norm of the dense difference."""
    S, T = reference.tensor(d, 2, l, seed=1), reference.tensor(d, 3, l, seed=2)
    expected = np.linalg.norm(to_dense(S) - to_dense(T))
    assert_allclose(to_dense(difference(S, T)), to_dense(S) - to_dense(T), atol=1e-12)
    assert_allclose(distance(S, T), expected, rtol=1e-12)
    assert_allclose(distance(S, T.coordinates()), expected, rtol=1e-12)
    assert_allclose(distance(S, T, form="gram"), expected, rtol=1e-7)


@pytest.mark.parametrize("l", ORDERS)
def test_distance_resolves_what_the_gram_form_cannot(l):
    """A relative distance of 1e-12 comes out to 1 % by coordinates, and as noise by Gram."""
    T = reference.tensor(3, 4, l)
    S, expected = SymmetricTensor(T.weights, T.factors * (1 + 1e-12 / l), l), 1e-12 * T.norm
    assert_allclose(distance(S, T), expected, rtol=1e-2)
    assert_allclose(distance(S, T.coordinates()), expected, rtol=1e-2)
    assert abs(distance(S, T, form="gram") / expected - 1) > 0.5


@pytest.mark.parametrize("l", range(2, 6))
def test_insertion(l):
    """Insertion places and weighs Sym(S ⊗ e_a) as the symmetrised dense product has it."""
    d = 3
    where, coefficient = insertion(d, l)
    u, eye = np.random.default_rng(l).standard_normal(d), np.eye(d)
    S = reference.dense([1.0], u[:, None], l - 1)
    for a in range(d):
        coords = np.zeros(len(multi_indices(d, l)))
        coords[where[:, a]] = coefficient[:, a] * monomials(u[:, None], l - 1)[:, 0]
        product = reference.symmetrised(np.multiply.outer(S, eye[a]))
        assert_allclose(coords, reference.coordinates(product), atol=1e-13)


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
    assert_allclose(inner(batch, shared), [inner(T, shared) for T in singles], rtol=1e-11)
    for form in ("coordinates", "gram"):
        expected = [distance(T, shared, form=form) for T in singles]
        assert_allclose(distance(batch, shared, form=form), expected, rtol=1e-11)
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


def test_the_gram_form_needs_factors():
    """Coordinates have no Gram form, and asking for it is an error."""
    S = reference.tensor(3, 2, 3)
    with pytest.raises(ValueError, match="form must be one of 'coordinates', got 'gram'"):
        distance(S, S.coordinates(), form="gram")


def test_tensors_of_another_space_do_not_compare():
    """Orders 2 in R^3 and 5 in R^2 have as many coordinates, and are still not comparable."""
    S, C = reference.tensor(3, 2, 2), CoordinateTensor(np.ones(6), 2, 5)
    with pytest.raises(ValueError, match="S and T must share"):
        distance(S, C)


def test_column_dot():
    """x_i·y_i for each pair of columns of a batch."""
    X, Y = np.random.default_rng(0).standard_normal((2, 4, 5, 3))
    assert_allclose(column_dot(X, Y), np.sum(X * Y, axis=-2), rtol=1e-13)


ROUTES = {"_by_features", "_by_tiles", "_by_columns"}


def route(monkeypatch, A, U, X, n, **options):
    """The product, and which way was taken: one of ROUTES or "gram"."""
    taken = []
    for name in ROUTES:
        way = getattr(symmetric, name)
        spy = lambda *args, way=way, name=name: taken.append(name) or way(*args)  # noqa: E731
        monkeypatch.setattr(symmetric, name, spy)
    product = powers_product(A, U, X, n, **options)
    monkeypatch.undo()
    return product, (taken or ["gram"])[0]


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("itself", [True, False])
@pytest.mark.parametrize("way", ["gram", *ROUTES])
def test_every_route_gives_the_same(monkeypatch, batch, absolute, n, itself, way):
    """A (UᵀX)^{∘n} is the same by the Gram matrix, in tiles or columns, and by features."""
    rng = np.random.default_rng(n)
    A, U, X = (rng.standard_normal((*batch, *shape)) for shape in ((2, 50), (3, 50), (3, 40)))
    X = U if itself else X
    G = np.swapaxes(U, -1, -2) @ X
    expected = A @ (abs(G) ** n if absolute else G**n)
    small = {"gram": {}, "_by_features": {"TILE": 4, "FEATURES": 80}}.get(
        way, {"TILE": 4, "MOST": 90}
    )
    for name, value in small.items():
        monkeypatch.setattr(symmetric, name, value)
    pays = lambda U, X, n: way == "_by_features" and n > 0  # noqa: E731
    monkeypatch.setattr(symmetric, "_features_pay", pays)
    found, taken = route(monkeypatch, A, U, X, n, absolute=absolute)
    assert_allclose(found, expected, rtol=1e-10, atol=1e-10 * np.max(abs(expected)))
    fits = {"_by_tiles": itself, "_by_columns": not itself}.get(way, n and not (absolute and n % 2))
    assert way == "gram" or not fits or taken == way


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("most", [10, 200])
def test_blocks_are_as_wide_as_allowed(monkeypatch, batch, most):
    """Features and Gram matrices come in the widest blocks of columns that are small enough."""
    U, X = np.ones((*batch, 3, 50)), np.ones((*batch, 3, 40))
    monkeypatch.setattr(symmetric, "FEATURES", most)
    monkeypatch.setattr(symmetric, "MOST", most)
    runs, sizes = len(U) if batch else 1, []
    keep = lambda block: sizes.append(block.size) or block  # noqa: E731
    symmetric._by_columns(U, U, X, keep)
    assert max(sizes) == 50 * runs * max(most // (50 * runs), 1)
    sizes.clear()
    monkeypatch.setattr(symmetric, "monomials", lambda X, n: keep(monomials(X, n)))
    symmetric._by_features(U, U, X, 2)
    assert max(sizes) == 6 * runs * max(most // (6 * runs), 1)


@pytest.mark.parametrize(
    "d, m, p, n, expected",
    [
        (100, 1000, 1000, 2, "gram"),
        (20, 16, 16, 2, "gram"),
        (2, 100, 100, 1, "gram"),  # features would be fewer, but all this is tiny
        (50, 4000, 4000, 3, "_by_tiles"),
        (20, 2000, 2000, 2, "_by_features"),
        (20, 1000, 1000, 2, "_by_features"),
        (40, 1000, 1000, 2, "gram"),
        (5, 2000, 300, 3, "_by_features"),
        (300, 70_000, 600, 2, "_by_columns"),
    ],
)
def test_the_route_is_chosen_by_cost(monkeypatch, d, m, p, n, expected):
    """Small Gram matrices are formed, large ones go by tiles, columns or, if fewer, features."""
    for name in ROUTES:
        monkeypatch.setattr(symmetric, name, lambda *_, name=name: name)
    U = np.zeros((d, m))
    X = U if p == m else U[:, :p]
    found = powers_product(U[:1], U, X, n)
    assert (found if isinstance(found, str) else "gram") == expected
    assert (gram(U, X, n) is None) == (expected != "gram")
