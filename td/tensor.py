"""Symmetric tensors, factored or by coordinates, without ever forming the d^l array.

The space Sym^l(R^d) has dimension D = C(d+l-1, l). Its isometric coordinates are indexed by
multi-indices alpha with |alpha| = l; coordinate alpha of u^{⊗l} is sqrt(l!/alpha!) u^alpha, so that
dot products of coordinates are Frobenius inner products (notebook 01, "Notation").
"""

from dataclasses import dataclass
from functools import cache, cached_property, reduce
from itertools import chain, combinations_with_replacement
from math import comb, factorial, frexp
from operator import add, mul
from typing import Any

import numpy as np

from td import check
from td.backend import Array, Namespace, from_numpy, namespace

BLOCK = 2**20  # entries of a temporary array: 8 MiB in float64
NARROWEST = 64  # columns of a block: fewer, and matrix products slow down


def power(x: Array, n: int) -> Array:
    """x^n elementwise for an integer n >= 0, by products: ``pow`` takes ten times as long."""
    if n < 2:
        return x if n else namespace(x).ones_like(x)
    y = power(x, n // 2)
    y = y * y
    if n % 2:
        y *= x
    return y


def unit(X: Array) -> Array:
    """The columns of X (..., d, m) divided by their norms; zeros stay."""
    xp = namespace(X)
    norms = xp.sqrt(xp.sum(X * X, axis=-2, keepdims=True))
    return X / xp.where(norms > 0, norms, 1.0)


def exponent(x: Array) -> int:
    """The e with 2^e <= max |entry| < 2^{e+1}: divided by 2^e no power of x leaves the floats."""
    xp = namespace(x)
    return frexp(max(float(xp.max(x)), -float(xp.min(x))))[1] - 1


def qr(A: Array) -> tuple[Array, Array]:
    """The QR decomposition of A (..., d, m) with no negative number on R's diagonal.

    Libraries choose these signs differently; so fixed, runs take one path on a CPU and on a GPU.
    """
    xp = namespace(A)
    Q, R = xp.linalg.qr(A)
    diagonal = xp.linalg.diagonal(R)
    signs = xp.where(diagonal < 0, -xp.ones_like(diagonal), xp.ones_like(diagonal))
    return Q * signs[..., None, :], signs[..., :, None] * R


@cache
def multi_indices(d: int, l: int) -> np.ndarray:
    """All D multi-indices of order l in d variables, each as l ascending axes: (D, l) ints."""
    axes, size = chain.from_iterable(combinations_with_replacement(range(d), l)), comb(d + l - 1, l)
    return np.fromiter(axes, np.int64, l * size).reshape(size, l)  # told the size, it says how much


@cache
def multiplicities(d: int, l: int) -> np.ndarray:
    """l!/alpha!, the number of entries of the d^l array that share a coordinate: (D,) floats."""
    index, equal = multi_indices(d, l), np.ones((comb(d + l - 1, l), l))
    for k in range(1, l):  # how many equal axes there are up to this one: their product is alpha!
        equal[:, k] += np.where(index[:, k] == index[:, k - 1], equal[:, k - 1], 0)
    return factorial(l) / np.prod(equal, axis=1)


def _entries(index: np.ndarray, d: int) -> np.ndarray:
    """Where the entries of multi-indices (n, l) stand in the flattened d^l array: (n,) ints."""
    return np.ravel_multi_index(tuple(index.T), (d,) * index.shape[1])


@cache
def insertion(d: int, l: int) -> tuple[np.ndarray, np.ndarray]:
    """Where Sym(S ⊗ e_a) goes for S in Sym^{l-1}: positions and coefficients, each (D', d).

    D' = C(d+l-2, l-1). Coordinate beta of S enters coordinate alpha = beta + e_a of Sym(S ⊗ e_a)
    with coefficient sqrt(alpha_a / l); row beta, column a hold alpha's position and this number.
    """
    betas, entries = multi_indices(d, l - 1), _entries(multi_indices(d, l), d)  # both ascend
    added = (np.sort(np.insert(betas, 0, a, axis=1), axis=1) for a in range(d))
    where = [np.searchsorted(entries, _entries(alphas, d)) for alphas in added]
    count = [np.sum(betas == a, axis=1) + 1 for a in range(d)]
    return np.stack(where, axis=1), np.sqrt(np.stack(count, axis=1) / l)


def monomials(X: Array, l: int) -> Array:
    """Isometric coordinates of x^{⊗l}, l >= 1, for each column x: (..., d, m) -> (..., D, m)."""
    d, xp = X.shape[-2], namespace(X)
    index = from_numpy(multi_indices(d, l), X)
    columns = (xp.take(X, index[:, k], axis=-2) for k in range(l))
    return reduce(mul, columns) * from_numpy(np.sqrt(multiplicities(d, l)), X)[:, None]


def _unfold(coords: Array, d: int, l: int) -> Array:
    """Split one axis off tensors of order l >= 1 by coordinates: (..., D) -> (..., D', d)."""
    (where, coefficient), xp = insertion(d, l), namespace(coords)
    rows = xp.take(coords, from_numpy(where.ravel(), coords), axis=-1)
    return xp.reshape(rows, (*coords.shape[:-1], *where.shape)) * from_numpy(coefficient, coords)


def _by_blocks(f: Any, size: int, width: int) -> list[Array]:
    """f(b) for consecutive slices b of at most ``width``, or ``NARROWEST``, that cover ``size``."""
    width = max(width, NARROWEST)
    return [f(slice(k, min(k + width, size))) for k in range(0, size, width)]


def _frame(A: Array, least: float) -> Array:
    """The left singular vectors of A (d, n), for singular values above ``least`` of the largest."""
    xp = namespace(A)
    least = max(least, 30 * float(xp.finfo(A.dtype).eps))
    A = qr(A.mT)[1].mT if A.shape[1] > A.shape[0] else A  # a triangle has the same ones, sooner
    left, values, _ = xp.linalg.svd(A, full_matrices=False)
    return left[:, : max(int(xp.sum(xp.astype(values > least * values[0], xp.int64))), 1)]


@dataclass(frozen=True, eq=False)
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
        check.same_library(weights=self.weights, factors=self.factors)
        check.array("factors", self.factors, ("d", "m"))
        check.array("weights", self.weights, (self.factors.shape[-1],))
        check.batch(weights=self.weights.shape[:-1], factors=self.factors.shape[:-2])

    @property
    def dim(self) -> int:
        """The dimension d."""
        return self.factors.shape[-2]

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape of the batch, () for one tensor."""
        return np.broadcast_shapes(self.weights.shape[:-1], self.factors.shape[:-2])

    @cached_property
    def norm(self) -> Array:
        """The Frobenius norm, (...), from inner products; below 1e-8 of the components: noise."""
        if self._coordinates_pay(self.factors.shape[-1], self.order):
            return self.coordinates().norm
        xp = namespace(self.factors)
        powers = self._products(self.weights[..., None, :], self.factors, self.order)[..., 0, :]
        square = xp.sum(powers * self.weights, axis=-1)
        return xp.sqrt(xp.maximum(square, xp.zeros_like(square)))

    def contract(self, X: Array) -> Array:
        """T(x^{l-1}, ·) for each column x of X: (..., d, n) -> (..., d, n).

        4dmn flops by inner products; or, if that is less, 2dD'(m+n) by coordinates, D' =
        C(d+l-2, l-1). A block of columns at a time.
        """
        p, n = X.shape[-1], self.order - 1
        if not self._coordinates_pay(p, n):
            return self._products(self._weighted, X, n)
        tensor, width = self.unfolded.mT, BLOCK // (4 * comb(self.dim + n - 1, n))
        parts = _by_blocks(lambda b: tensor @ monomials(X[..., b], n), p, width)
        return namespace(X).concat(parts, axis=-1)

    def _coordinates_pay(self, p: int, n: int) -> bool:
        """Whether n-th powers of p vectors meet the factors' sooner by coordinates."""
        d, m = self.factors.shape[-2:]
        return m * p >= BLOCK / 16 and n * comb(d + n - 1, n) * (m + p) < 2 * m * p

    def _products(self, A: Array, X: Array, n: int) -> Array:
        """A (UᵀX)^n, powers entrywise, U the factors: (..., a, m), (..., d, p) -> (..., a, p)."""
        U, width = self.factors.mT, BLOCK // self.factors.shape[-1]
        parts = _by_blocks(lambda b: A @ power(U @ X[..., b], n), X.shape[-1], width)
        return namespace(X).concat(parts, axis=-1) if len(parts) > 1 else parts[0]

    @cached_property
    def _weighted(self) -> Array:
        """The factors times their weights, (..., d, m)."""
        return self.factors * self.weights[..., None, :]

    @cached_property
    def unfolded(self) -> Array:
        """One axis split off, (..., D', d): the coordinates of u_i^{⊗(l-1)} times w_i u_iᵀ."""
        return self._summed(self._weighted.mT, self.order - 1)

    def coordinates(self) -> "CoordinateTensor":
        """The same tensor by its D isometric coordinates."""
        coords = self._summed(self.weights[..., None], self.order)[..., 0]
        return CoordinateTensor(coords, self.dim, self.order)

    def _summed(self, rows: Array, n: int) -> Array:
        """The coordinates of u_i^{⊗n} times ``rows`` (..., m, k), summed a block at a time."""
        U, (d, m) = self.factors, self.factors.shape[-2:]
        block = lambda b: monomials(U[..., b], n) @ rows[..., b, :]  # noqa: E731
        return reduce(add, _by_blocks(block, m, BLOCK // (4 * comb(d + n - 1, n))))

    def scaled(self, factor: Array) -> "SymmetricTensor":
        """The tensor times a number, or an array of one number for each of the batch."""
        return SymmetricTensor(self.weights * _column(factor), self.factors, self.order)

    def take(self, runs: Array) -> "SymmetricTensor":
        """The tensors of the chosen ``runs`` (integers) of a batch; one shared tensor stays."""
        w, U, xp = self.weights, self.factors, namespace(self.factors)
        w = xp.take(w, runs, axis=0) if w.ndim > 1 else w
        U = xp.take(U, runs, axis=0) if U.ndim > 2 else U
        return SymmetricTensor(w, U, self.order)

    def image(self, A: Array) -> "SymmetricTensor":
        """The tensor with A (k, d) applied to each axis: its components are A u_i."""
        return SymmetricTensor(self.weights, A @ self.factors, self.order)

    def span(self, most: int | None = None) -> Array:
        """An orthonormal frame (d, k) of the factors' span (singular values > 30 eps; no batch)."""
        return _frame(self.factors, 0.0)

    def moved(self, xp: Namespace, **options: Any) -> "SymmetricTensor":
        """A copy of a host tensor in the namespace ``xp``; ``options`` are those of xp.asarray."""
        w, U = (xp.asarray(x, **options) for x in (self.weights, self.factors))
        return SymmetricTensor(w, U, self.order)

    def __sub__(self, other: "SymmetricTensor") -> "SymmetricTensor":
        """The difference, which has the components of both."""
        xp, batch = namespace(self.factors), comparable(S=self, T=other)
        w = [xp.broadcast_to(x, (*batch, x.shape[-1])) for x in (self.weights, -other.weights)]
        U = [xp.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (self.factors, other.factors)]
        return SymmetricTensor(xp.concat(w, axis=-1), xp.concat(U, axis=-1), self.order)


@dataclass(frozen=True, eq=False)
class CoordinateTensor:
    """A symmetric tensor by its isometric coordinates: coords (..., D), dimension d, order l >= 2.

    ValueError if the last axis is not D = C(d+l-1, l) long or an entry is not finite.
    """

    coords: Array
    dim: int
    order: int

    def __post_init__(self) -> None:
        """Check the length of the coordinates."""
        check.integer("order", self.order, 2), check.integer("dim", self.dim, 1)
        check.array("coords", self.coords, (comb(self.dim + self.order - 1, self.order),))

    @property
    def batch(self) -> tuple[int, ...]:
        """The shape of the batch, () for one tensor."""
        return self.coords.shape[:-1]

    @cached_property
    def norm(self) -> Array:
        """The Frobenius norm, (...)."""
        xp = namespace(self.coords)
        return xp.sqrt(xp.sum(self.coords * self.coords, axis=-1))

    def contract(self, X: Array) -> Array:
        """T(x^{l-1}, ·) for each column x of X: (..., d, n) -> (..., d, n), in 2dD'n flops."""
        return self.unfolded.mT @ monomials(X, self.order - 1)

    @cached_property
    def unfolded(self) -> Array:
        """One axis split off, (..., D', d): its transpose takes x^{⊗(l-1)} to T(x^{l-1}, ·)."""
        return _unfold(self.coords, self.dim, self.order)

    def coordinates(self) -> "CoordinateTensor":
        """The tensor itself."""
        return self

    def scaled(self, factor: Array) -> "CoordinateTensor":
        """The tensor times a number, or an array of one number for each of the batch."""
        return CoordinateTensor(self.coords * _column(factor), self.dim, self.order)

    def take(self, runs: Array) -> "CoordinateTensor":
        """The tensors of the chosen ``runs`` (integers) of a batch; one shared tensor stays."""
        if not self.batch:
            return self
        coords = namespace(self.coords).take(self.coords, runs, axis=0)
        return CoordinateTensor(coords, self.dim, self.order)

    def image(self, A: Array) -> "CoordinateTensor":
        """The tensor with A (k, d) applied to each axis, k small: k^l numbers (no batch)."""
        return from_dense(self._expanded(A))

    def _expanded(self, A: Array) -> Array:
        """The k x ... x k array of the image under A (k, d)."""
        B = (self.unfolded @ A.mT).mT
        for n in range(self.order - 1, 0, -1):  # (k, ..., k, D) -> (k, ..., k, k, D')
            B = (_unfold(B, self.dim, n) @ A.mT).mT
        return B[..., 0]

    def span(self, most: int | None = None) -> Array:
        """An orthonormal frame (d, k) of the fibres T(x^{l-1}, ·), to 1e-12 (30 eps; no batch).

        At generic x, k of them are enough: so are those at most + 10 random x if they span no more
        than ``most`` dimensions. Such a sketch (Halko, Martinsson and Tropp 2011) takes the place
        of the unfolding (D' x d), whose singular vectors take far longer if d is large.
        """
        if most is not None and most + 10 < self.dim:
            X = np.random.default_rng(0).standard_normal((self.dim, most + 10))
            frame = _frame(self.contract(from_numpy(X, self.coords)), 1e-12)
            if frame.shape[1] <= most:
                return frame
        return _frame(self.unfolded.mT, 1e-12)


Target = SymmetricTensor | CoordinateTensor  # what the dynamics can descend on


def distance(S: SymmetricTensor, T: Target) -> Array:
    """The Frobenius norm of S - T, (...), by coordinates: to about 15 digits.

    Of two factored tensors they are taken in the span of both: C(k+l-1, l) numbers, k <= min(d,
    m + r). ``(S - T).norm`` is cheap at any size, but below about 1e-8 of the components it is
    rounding noise.
    """
    if isinstance(T, SymmetricTensor):
        return core(S - T)[0].coordinates().norm
    comparable(S=S, T=T)
    return namespace(T.coords).linalg.matrix_norm(S.unfolded - T.unfolded)


def core(T: SymmetricTensor) -> tuple[SymmetricTensor, Array]:
    """T in the min(d, r) coordinates of its factors' span, and that span's frame (..., d, min)."""
    Q, R = qr(T.factors)
    return SymmetricTensor(T.weights, R, T.order), Q


def to_dense(T: Target) -> Array:
    """The d x ... x d array of one tensor (no batch): for tests and small d."""
    if T.batch:
        raise ValueError(f"T must be one tensor, got a batch of shape {T.batch}")
    if isinstance(T, CoordinateTensor):
        eye = namespace(T.coords).eye(T.dim, dtype=T.coords.dtype, device=T.coords.device)
        return T._expanded(eye)
    U, xp = T.factors, namespace(T.factors)
    more = lambda A, _: xp.reshape(A[:, None, :] * U, (-1, U.shape[1]))  # noqa: E731
    return xp.reshape(reduce(more, range(T.order - 1), U) @ T.weights, (T.dim,) * T.order)


def from_dense(T: Array, *, rtol: float = 1e-8, name: str = "T") -> CoordinateTensor:
    """The coordinates of a dense symmetric array of any order >= 2.

    ValueError if the axes differ in length, an entry is not finite, or swapping two neighbouring
    axes changes an entry by more than ``rtol`` (at least 100 eps) times the largest entry.
    """
    xp, l = check.same_library(**{name: T}), T.ndim
    if l < 2 or len(set(T.shape)) != 1:
        raise ValueError(f"{name} must have order >= 2 and equal axes, got shape {tuple(T.shape)}")
    check.array(name, T, T.shape)
    largest = max(float(xp.max(T)), -float(xp.min(T)))
    allowed = max(rtol, 100 * float(xp.finfo(T.dtype).eps)) * largest
    for k in range(l - 1):  # swapped, the difference changes sign: its largest entry is enough
        axes = (*range(k), k + 1, k, *range(k + 2, l))
        if (gap := float(xp.max(T - xp.permute_dims(T, axes)))) > allowed:
            swap = f"swapping axes {k} and {k + 1} changes an entry by {gap:.3g}"
            means = f"(allowed {allowed:.3g}; td.symmetrize takes the mean)"
            raise ValueError(f"{name} must be symmetric: {swap} {means}")
    d, flat = T.shape[0], xp.reshape(T, (-1,))
    coords = xp.take(flat, from_numpy(_entries(multi_indices(d, l), d), T))
    return CoordinateTensor(coords * from_numpy(np.sqrt(multiplicities(d, l)), T), d, l)


def symmetrize(A: Array) -> Array:
    """The mean of A over all permutations of its axes, which have one length: d x ... x d."""
    A = check.given("A", A)
    if len(set(A.shape)) != 1:
        raise ValueError(f"A must have equal axes, got shape {tuple(A.shape)}")
    for k in range(1, A.ndim):  # symmetric in k axes; the next one goes to each place among them
        A = sum(namespace(A).moveaxis(A, k, j) for j in range(k + 1)) / (k + 1)
    return A


def comparable(**tensors: Target) -> tuple[int, ...]:
    """The shape of the joint batch; raise unless all share library, dtype, order and dim."""
    check.same_library(**{name: next(iter(vars(T).values())) for name, T in tensors.items()})
    sizes = [(T.order, T.dim) for T in tensors.values()]
    if len(set(sizes)) > 1:
        raise ValueError(f"{' and '.join(tensors)} must share (order, dim), got {sizes}")
    return check.batch(**{name: T.batch for name, T in tensors.items()})


def _column(factor: Array) -> Array:
    """A number as it is; an array with one more axis, to multiply the rows of a batch."""
    return factor if isinstance(factor, (int, float)) else factor[..., None]
