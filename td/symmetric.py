"""Symmetric tensors, factored or by coordinates, without ever forming the d^l array.

The space Sym^l(R^d) has dimension D = C(d+l-1, l). Its isometric coordinates are indexed by
multi-indices alpha with |alpha| = l; coordinate alpha of u^{⊗l} is sqrt(l!/alpha!) u^alpha, so that
dot products of coordinates are Frobenius inner products (notebook 01, "Notation").
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, reduce
from itertools import combinations_with_replacement
from math import comb, factorial, prod
from operator import add, mul
from typing import Any

import numpy as np

from td import check
from td.backend import Array, like, namespace


def power(x: Array, n: int) -> Array:
    """Return x^n elementwise for an integer n >= 0 by repeated multiplication.

    An array power ``x**n`` with n >= 3 goes through the general ``pow``, tens of times slower.
    """
    if n < 2:
        return x if n else namespace(x).ones_like(x)
    if n < 4:
        y = x * x
    else:
        y = power(x, n // 2)
        y *= y
    if n % 2:
        y *= x
    return y


def transpose(x: Array) -> Array:
    """Swap the last two axes of ``x``, whatever batch axes stand before them."""
    return namespace(x).matrix_transpose(x)


def triangle(A: Array) -> Array:
    """The factor R of A = QR, (..., d, m) -> (..., min(d, m), m)."""
    if isinstance(A, np.ndarray):
        return np.linalg.qr(A, mode="r")  # Q would take as long again
    return namespace(A).linalg.qr(A).R


def column_dot(X: Array, Y: Array) -> Array:
    """x_i·y_i for each pair of columns: (..., d, m) twice -> (..., m).

    The sum is a product with a row of ones: on short axes a fraction of what numpy's sum costs.
    """
    ones = namespace(X).ones((1, X.shape[-2]), dtype=X.dtype, device=X.device)
    return (ones @ (X * Y))[..., 0, :]


@cache
def multi_indices(d: int, l: int) -> np.ndarray:
    """All D multi-indices of order l in d variables, each as l ascending axes: (D, l) ints."""
    tuples = list(combinations_with_replacement(range(d), l))
    return np.array(tuples, dtype=np.int64).reshape(len(tuples), l)


@cache
def multiplicities(d: int, l: int) -> np.ndarray:
    """l!/alpha!, the number of entries of the d^l array that share a coordinate: (D,) floats."""
    alphas = (np.unique(row, return_counts=True)[1] for row in multi_indices(d, l))
    return np.array([factorial(l) // prod(map(factorial, a.tolist())) for a in alphas], dtype=float)


@cache
def _scale(d: int, l: int) -> np.ndarray:
    """What makes coordinates isometric: the roots of the multiplicities, (D,)."""
    return np.sqrt(multiplicities(d, l))


@cache
def _entries(d: int, l: int) -> np.ndarray:
    """Where the entry of each multi-index stands in the flattened d^l array: (D,) ints."""
    return np.ravel_multi_index(tuple(multi_indices(d, l).T), (d,) * l)


@cache
def insertion(d: int, l: int) -> tuple[np.ndarray, np.ndarray]:
    """Where Sym(S ⊗ e_a) goes for S in Sym^{l-1}: positions and coefficients, each (D', d).

    D' = C(d+l-2, l-1). Coordinate beta of S enters coordinate alpha = beta + e_a of Sym(S ⊗ e_a)
    with coefficient sqrt(alpha_a / l); row beta, column a hold the position of alpha and this
    number.
    """
    place = {tuple(alpha): k for k, alpha in enumerate(multi_indices(d, l).tolist())}
    betas = multi_indices(d, l - 1).tolist()
    where = [[place[tuple(sorted([*beta, a]))] for a in range(d)] for beta in betas]
    count = [[beta.count(a) + 1 for a in range(d)] for beta in betas]
    return np.array(where), np.sqrt(np.array(count) / l)


def unfold(coords: Array, d: int, l: int) -> Array:
    """Split one axis off tensors of order l >= 1 by coordinates: (..., D) -> (..., D', d).

    D' = C(d+l-2, l-1): the rows are isometric coordinates of order l-1.
    """
    (where, coefficient), xp = insertion(d, l), namespace(coords)
    rows = xp.take(coords, like(where.ravel(), coords), axis=-1)
    return xp.reshape(rows, (*coords.shape[:-1], *where.shape)) * like(coefficient, coords)


def monomials(X: Array, l: int) -> Array:
    """Isometric coordinates of x^{⊗l} for each column x of X: (..., d, m) -> (..., D, m)."""
    d, xp = check.array("X", X, ("d", "m"), finite=False).shape[-2], namespace(X)
    index = like(multi_indices(d, check.integer("l", l, 1)), X)
    columns = (xp.take(X, index[:, k], axis=-2) for k in range(l))
    return reduce(mul, columns) * like(_scale(d, l), X)[:, None]


MOST = 2**25  # entries of a temporary array: 256 MiB in float64
TILE = 256  # columns of a tile: its square fits in a core's cache
FEATURES = 2**18  # entries of a block of features, which fits there too


def gram(U: Array, X: Array, n: int) -> Array | None:
    """UᵀX, (..., m, p), if it is small and the cheapest way to ``powers_product``; else None."""
    runs, m, p = prod(U.shape[:-2]), U.shape[-1], X.shape[-1]
    tiles_pay = X is U and m >= 6 * TILE
    if runs * m * p > MOST or tiles_pay or _features_pay(U, X, n):
        return None
    return transpose(U) @ X


def _features_pay(U: Array, X: Array, n: int) -> bool:
    """Whether the feature map is faster than a Gram matrix that is not tiny.

    An entry of Φ takes n factors to gather and multiply. Where they pay was measured
    (tests/benchmarks/bench_descent.txt).
    """
    (d, m), p = U.shape[-2:], X.shape[-1]
    return n > 0 and m * p >= TILE * TILE and n * comb(d + n - 1, n) * (m + p) < 2 * m * p


def powers_product(
    A: Array, U: Array, X: Array, n: int, *, absolute: bool = False, G: Array | None = None
) -> Array:
    """A (UᵀX)^{∘n}, powers taken entrywise: (..., a, m), (..., d, m), (..., d, p) -> (..., a, p).

    Every contraction of factored tensors is of this form. With D' = C(d+n-1, n) it costs, in flops,
    2mp(a+d) by the Gram matrix; if X is U, mp(2a+d) by the tiles of its upper triangle; and
    2aD'(m+p) by the feature map, (x·y)^n = ⟨x^{⊗n}, y^{⊗n}⟩. The fastest is taken, and a temporary
    has at most ``MOST`` entries or one block of columns. G: what ``gram`` returned, if at hand.
    ``absolute`` takes powers of |UᵀX|. Source: tests/benchmarks/bench_descent.txt.
    """
    G = gram(U, X, n) if G is None else G
    kernel = (lambda G: power(abs(G), n)) if absolute else (lambda G: power(G, n))
    if G is not None:
        return A @ kernel(G)
    if _features_pay(U, X, n) and not (absolute and n % 2):  # |x·y|^n, n odd, is no inner product
        return _by_features(A, U, X, n)
    return _by_tiles(A, U, kernel) if X is U else _by_columns(A, U, X, kernel)


def _blocks(size: int, width: int) -> list[slice]:
    """Consecutive slices of at most ``width`` that cover ``size``."""
    return [slice(k, min(k + width, size)) for k in range(0, size, width)]


def _by_features(A: Array, U: Array, X: Array, n: int) -> Array:
    """A Φ(U)ᵀ Φ(X), Φ the coordinates of the powers x^{⊗n}, a block of columns at a time."""
    width = max(FEATURES // (prod(U.shape[:-2]) * comb(U.shape[-2] + n - 1, n)), 1)
    blocks = _blocks(U.shape[-1], width)
    tensors = reduce(add, (A[..., b] @ transpose(monomials(U[..., b], n)) for b in blocks))
    columns = [tensors @ monomials(X[..., b], n) for b in _blocks(X.shape[-1], width)]
    return namespace(X).concat(columns, axis=-1)


def _by_columns(A: Array, U: Array, X: Array, kernel: Callable[[Array], Array]) -> Array:
    """A kernel(UᵀX), a block of X's columns at a time."""
    width = max(MOST // (prod(U.shape[:-2]) * U.shape[-1]), 1)
    blocks = _blocks(X.shape[-1], width)
    columns = [A @ kernel(transpose(U) @ X[..., b]) for b in blocks]
    return namespace(X).concat(columns, axis=-1)


def _by_tiles(A: Array, U: Array, kernel: Callable[[Array], Array]) -> Array:
    """A kernel(UᵀU) from the tiles on and above the diagonal, each used on both its sides."""
    blocks = _blocks(U.shape[-1], TILE)
    columns = [0.0 for _ in blocks]
    for i, b in enumerate(blocks):
        for j, c in enumerate(blocks[i:], start=i):
            tile = kernel(transpose(U[..., b]) @ U[..., c])
            columns[j] = columns[j] + A[..., b] @ tile
            if j > i:
                columns[i] = columns[i] + A[..., c] @ transpose(tile)
    return namespace(U).concat(columns, axis=-1)


@dataclass(frozen=True)
class SymmetricTensor:
    """The factored tensor sum_i weights[..., i] factors[..., :, i]^{⊗order}.

    weights (..., m), factors (..., d, m), order l >= 2; leading axes are a batch. Raises TypeError
    for mixed libraries or dtypes, ValueError for shapes that do not match or entries not finite.
    """

    weights: Array
    factors: Array
    order: int

    def __post_init__(self) -> None:
        """Check the three fields against each other."""
        check.integer("order", self.order, 2)
        check.alike(weights=self.weights, factors=self.factors)
        check.array("factors", self.factors, ("d", "m"))
        check.array("weights", self.weights, (self.factors.shape[-1],))
        check.batched(weights=self.weights.shape[:-1], factors=self.factors.shape[:-2])

    @property
    def dim(self) -> int:
        """The dimension d."""
        return self.factors.shape[-2]

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape of the batch, () for one tensor."""
        return check.batched(weights=self.weights.shape[:-1], factors=self.factors.shape[:-2])

    @property
    def array(self) -> Array:
        """An array of the tensor's own, for its namespace, device and dtype."""
        return self.factors

    def contract(self, X: Array) -> Array:
        """T(x^{l-1}, ·) for each column x of X: (..., d, n) -> (..., d, n), in 4dmn flops."""
        check.alike(X=X, T=self.factors)
        check.array("X", X, (self.dim, "n"), finite=False)
        check.batched(X=X.shape[:-2], T=self.batch)
        return powers_product(self._weighted, self.factors, X, self.order - 1)

    @cached_property
    def _weighted(self) -> Array:
        """The factors times their weights, (..., d, m)."""
        return self.factors * self.weights[..., None, :]

    @cached_property
    def norm(self) -> Array:
        """The Frobenius norm, (...), from the Gram matrix."""
        return _root(inner(self, self))

    def scaled(self, factor: Array) -> "SymmetricTensor":
        """The tensor times ``factor``, which is a number or one number for each of the batch."""
        return SymmetricTensor(self.weights * _column(factor), self.factors, self.order)

    def take(self, runs: Array) -> "SymmetricTensor":
        """The tensors of the chosen ``runs`` (integers) of a batch; one shared tensor stays."""
        if not self.batch:
            return self
        xp = namespace(self.factors)
        w = self.weights if self.weights.ndim == 1 else xp.take(self.weights, runs, axis=0)
        U = self.factors if self.factors.ndim == 2 else xp.take(self.factors, runs, axis=0)
        return SymmetricTensor(w, U, self.order)

    def coordinates(self) -> "CoordinateTensor":
        """The same tensor by its D isometric coordinates."""
        d, m = self.factors.shape[-2:]
        size = prod(self.factors.shape[:-2]) * comb(d + self.order - 1, self.order)
        parts = (
            monomials(self.factors[..., b], self.order) @ self.weights[..., b, None]
            for b in _blocks(m, max(FEATURES // size, 1))
        )
        return CoordinateTensor(reduce(add, parts)[..., 0], d, self.order)

    @property
    def unfolded(self) -> Array:
        """One axis split off, (..., D', d), as ``unfold`` does it: the powers u_i^{⊗(l-1)} u_iᵀ."""
        (d, m), l = self.factors.shape[-2:], self.order
        width = max(FEATURES // (prod(self.batch) * comb(d + l - 2, l - 1)), 1)
        weighted, parts = transpose(self._weighted), _blocks(m, width)
        return reduce(
            add, (monomials(self.factors[..., b], l - 1) @ weighted[..., b, :] for b in parts)
        )


@dataclass(frozen=True)
class CoordinateTensor:
    """A symmetric tensor by its isometric coordinates: coords (..., D), dimension d, order l >= 2.

    ValueError if the last axis is not D = C(d+l-1, l) long or an entry is not finite.
    """

    coords: Array
    dim: int
    order: int

    def __post_init__(self) -> None:
        """Check the length of the coordinates."""
        check.integer("order", self.order, 2)
        check.integer("dim", self.dim, 1)
        check.array("coords", self.coords, (comb(self.dim + self.order - 1, self.order),))

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape of the batch, () for one tensor."""
        return self.coords.shape[:-1]

    @property
    def array(self) -> Array:
        """An array of the tensor's own, for its namespace, device and dtype."""
        return self.coords

    def contract(self, X: Array) -> Array:
        """T(x^{l-1}, ·) for each column x of X: (..., d, n) -> (..., d, n), in 2dD'n flops."""
        check.alike(X=X, T=self.coords)
        check.array("X", X, (self.dim, "n"), finite=False)
        check.batched(X=X.shape[:-2], T=self.batch)
        return transpose(self.unfolded) @ monomials(X, self.order - 1)

    @cached_property
    def unfolded(self) -> Array:
        """One axis split off, (..., D', d): its transpose takes x^{⊗(l-1)} to T(x^{l-1}, ·)."""
        return unfold(self.coords, self.dim, self.order)

    @cached_property
    def norm(self) -> Array:
        """The Frobenius norm, (...)."""
        xp = namespace(self.coords)
        return xp.sqrt(xp.sum(self.coords * self.coords, axis=-1))

    def scaled(self, factor: Array) -> "CoordinateTensor":
        """The tensor times ``factor``, which is a number or one number for each of the batch."""
        return CoordinateTensor(self.coords * _column(factor), self.dim, self.order)

    def take(self, runs: Array) -> "CoordinateTensor":
        """The tensors of the chosen ``runs`` (integers) of a batch; one shared tensor stays."""
        if self.coords.ndim == 1:
            return self
        coords = namespace(self.coords).take(self.coords, runs, axis=0)
        return CoordinateTensor(coords, self.dim, self.order)

    def coordinates(self) -> "CoordinateTensor":
        """The tensor itself."""
        return self


Target = SymmetricTensor | CoordinateTensor  # what the dynamics can descend on


def inner(S: SymmetricTensor, T: SymmetricTensor) -> Array:
    """The Frobenius inner product sum_ij w_i c_j (u_i·v_j)^l of two factored tensors, (...)."""
    _comparable(S, T)
    values = powers_product(S.weights[..., None, :], S.factors, T.factors, S.order)[..., 0, :]
    return namespace(S.factors).sum(values * T.weights, axis=-1)


def difference(S: SymmetricTensor, T: SymmetricTensor) -> SymmetricTensor:
    """The factored tensor S - T, which has the components of both."""
    xp, batch = namespace(S.factors), _comparable(S, T)
    w, U = [S.weights, -T.weights], [S.factors, T.factors]
    w = [xp.broadcast_to(x, (*batch, x.shape[-1])) for x in w]
    U = [xp.broadcast_to(x, (*batch, *x.shape[-2:])) for x in U]
    return SymmetricTensor(xp.concat(w, axis=-1), xp.concat(U, axis=-1), S.order)


def distance(S: SymmetricTensor, T: Target, *, form: str = "coordinates") -> Array:
    """The Frobenius norm of S - T, (...), by one of two formulas.

    form="coordinates" subtracts coordinates, first reduced by QR to the span of the factors: about
    15 honest digits, for C(k+l-1, l) numbers with k <= min(d, m + r). form="gram" expands the
    square (factored T only): cheap at any size, but relative distances below about 1e-8 are
    rounding noise.
    """
    factored = isinstance(T, SymmetricTensor)
    check.choice("form", form, ("coordinates", "gram") if factored else ("coordinates",))
    _comparable(S, T)
    if isinstance(T, CoordinateTensor):
        E = S.unfolded - T.unfolded
        return namespace(E).linalg.matrix_norm(E)
    E = difference(S, T)
    if form == "gram":
        return E.norm
    return SymmetricTensor(E.weights, triangle(E.factors), E.order).coordinates().norm


def to_dense(T: SymmetricTensor) -> Array:
    """The d x ... x d array of one factored tensor (no batch): for tests and small d."""
    if T.batch:
        raise ValueError(f"T must be one tensor, got a batch of shape {T.batch}")
    xp, U = namespace(T.factors), T.factors
    outer = reduce(
        lambda A, _: xp.reshape(A[:, None, :] * U, (-1, U.shape[1])), range(T.order - 1), U
    )
    return xp.reshape(outer @ T.weights, (T.dim,) * T.order)


def from_dense(T: Array, *, rtol: float = 1e-8) -> CoordinateTensor:
    """The coordinates of a dense symmetric array of any order >= 2.

    ValueError if the axes differ in length, an entry is not finite, or swapping two neighbouring
    axes changes an entry by more than ``rtol`` (at least 100 eps) times the largest entry.
    """
    xp = check.alike(T=T)
    if T.ndim < 2 or len(set(T.shape)) != 1:
        raise ValueError(f"T must have order >= 2 and equal axes, got shape {tuple(T.shape)}")
    check.array("T", T, T.shape)
    largest = max(float(xp.max(T)), -float(xp.min(T)))
    allowed = max(rtol, 100 * float(xp.finfo(T.dtype).eps)) * largest
    for k in range(T.ndim - 1):
        axes = (*range(k), k + 1, k, *range(k + 2, T.ndim))
        gap = float(xp.max(T - xp.permute_dims(T, axes)))  # swapped, the difference changes sign
        if gap > allowed:
            raise ValueError(
                f"T must be symmetric: swapping axes {k} and {k + 1} changes an entry by {gap:.3g}"
                f" (allowed {allowed:.3g})"
            )
    d, l = T.shape[0], T.ndim
    coords = xp.take(xp.reshape(T, (-1,)), like(_entries(d, l), T))
    return CoordinateTensor(coords * like(_scale(d, l), T), d, l)


def _comparable(S: Target, T: Target) -> tuple[int, ...]:
    """The shape of the joint batch; raise unless S and T share library, dtype, order and dim."""
    check.alike(S=S.array, T=T.array)
    if (S.order, S.dim) != (T.order, T.dim):
        raise ValueError(
            f"S and T must share (order, dim), got {(S.order, S.dim)}, {(T.order, T.dim)}"
        )
    return check.batched(S=S.batch, T=T.batch)


def _column(factor: Any) -> Any:
    """A number as it is; an array with one more axis, to multiply the rows of a batch."""
    return factor if isinstance(factor, (int, float)) else factor[..., None]


def _root(square: Array) -> Array:
    """sqrt of a square that rounding may have made slightly negative."""
    xp = namespace(square)
    return xp.sqrt(xp.maximum(square, xp.zeros_like(square)))
