"""The user's entry: a symmetric tensor in, weights and factors out."""

from dataclasses import dataclass, replace
from math import comb

import numpy as np

from td import check
from td.backend import Array, Seed, generator, like, namespace, to_numpy
from td.descent import BASE, REACHED, Recipe, Result, descend
from td.polish import fewest
from td.symmetric import (
    MOST,
    TILE,
    CoordinateTensor,
    SymmetricTensor,
    Target,
    column_dot,
    distance,
    from_dense,
    power,
    transpose,
    triangle,
    unfold,
)

ROUGH, FINE = 0.1, 5e-3  # relative errors at which polishing takes over: first attempt, later ones
SPARE = 10  # points beyond m that the span is sought from
MOST_WORK = 2**32  # monomials that an error by coordinates may cost


@dataclass(frozen=True)
class Decomposition:
    """T ≈ sum_i weights[i] factors[:, i]^{⊗l} with unit factors: weights (n,), factors (d, n).

    error: ‖approximation - T‖ / ‖T‖; formula: "coordinates" if it is the norm of the coordinates of
    the difference, "gram" if these are too many and the square was expanded; resolution: errors
    below it are rounding noise (4 l eps times the sum of the norms of all components of both, over
    ‖T‖; for "gram" with the root of 4 l eps). reason: why it stopped; steps: of the descent;
    attempts: how many were made; history: arrays over those steps: "error" (Gram form), "norms"
    (m,) in units of ‖T‖^½, and for a factored T of at most 1000 components "alignment" (r, m);
    empty for compiled runs.
    """

    weights: Array
    factors: Array
    error: float
    resolution: float
    formula: str
    reason: str
    steps: int
    attempts: int
    history: dict[str, np.ndarray]

    @property
    def rank(self) -> int:
        """The number of components n: after polishing, the effective rank at accuracy ``tol``."""
        return self.weights.shape[-1]


def decompose(
    T: Array | Target,
    m: int,
    *,
    seed: Seed,
    tol: float = 1e-2,
    polish: bool = True,
    attempts: int = 3,
    recipe: Recipe = BASE,
    compiled: bool = False,
) -> Decomposition:
    """Write T as a sum of at most m weighted powers of vectors, to relative error ``tol``.

    T is a dense array of any order >= 2 (numpy or cupy; integers become float64), which must be
    symmetric, or a SymmetricTensor or CoordinateTensor without batch; ``td.data`` makes moments of
    data into such. Each attempt is a run of notebook 03's algorithm with m components, in the span
    of T's, with the settings of ``recipe``; attempt k is run k from ``seed``. With ``polish`` the
    first run stops at a relative error of 10 % already; components are merged, the negligible ones
    dropped, and the rest fitted by Levenberg-Marquardt, to rounding error if T is a sum of so few:
    the fewest that meet ``tol`` are returned (``td.polish.fewest``). Without it, or if in a span of
    k dimensions m C(k+l-1, l) or (km)² exceeds 2^25, the m components come as descent leaves them.
    Attempts end with the first that meets ``tol``, which ``reason`` says; else the best is
    returned, and more of them, or a larger m, may do. ``compiled`` is as in ``descend``, and keeps
    no history. ValueError or TypeError for a tensor that is not symmetric, not finite or zero, for
    m < 1, for tol below 1000 eps, or 4 sqrt(eps) without polishing.
    """
    target = T if isinstance(T, Target) else from_dense(_floating(T))
    inner, frame = _core(target, check.integer("m", m, 1))
    if not float(inner.norm) > 0:
        raise ValueError("T must not be zero: there is nothing to decompose")
    tol, rng = _tolerance(tol, inner, polish), generator(seed)
    largest = m * max(_size(inner), m * inner.dim**2)
    polish = polish and largest <= MOST  # entries of arrays that polishing needs
    found: list[Decomposition] = []
    for k in range(1, check.integer("attempts", attempts, 1) + 1):
        stop = max(tol, ROUGH if k == 1 else FINE) if polish else tol
        rough = replace(recipe, tol=stop)
        run = descend(inner, m, seed=rng, recipe=rough, record=not compiled, compiled=compiled)
        w, U = _polished(inner, run, tol) if polish else (run.weights, run.factors)
        found.append(_account(target, inner, frame, w, U, run, tol))
        if found[-1].error <= tol:
            break
    best = min(found, key=lambda attempt: attempt.error)
    return replace(best, attempts=len(found))


def _tolerance(tol: float, T: Target, polish: bool) -> float:
    """``tol`` if polishing can reach it (without it ``descend`` checks)."""
    finest = 1000 * _eps(T)
    if polish and check.number("tol", tol, 0.0, strict=True) < finest:
        raise ValueError(f"tol must be at least {finest:.1e} for {T.array.dtype}, got {tol:g}")
    return tol


def _eps(T: Target) -> float:
    """The rounding unit of T's numbers."""
    return float(namespace(T.array).finfo(T.array.dtype).eps)


def _size(T: Target) -> int:
    """The number D of isometric coordinates."""
    return comb(T.dim + T.order - 1, T.order)


def _core(T: Target, m: int) -> tuple[Target, Array]:
    """T in the k coordinates of its span, and that span's orthonormal frame (d, k).

    A factored T stays so, unless it has so many components that its coordinates contract faster.
    """
    if T.batch:
        raise ValueError(f"T must be one tensor, got a batch of shape {T.batch}")
    if isinstance(T, CoordinateTensor):
        frame = span(T, m)
        return _restricted(T, frame), frame
    frame = _frame(T.factors, 30 * _eps(T))
    inner = SymmetricTensor(T.weights, transpose(frame) @ T.factors, T.order)
    return (inner.coordinates() if _coordinates_pay(inner) else inner), frame


def _coordinates_pay(T: SymmetricTensor) -> bool:
    """Whether D' monomials cost less than r powers: the costs that ``powers_product`` goes by."""
    (d, r), n = T.factors.shape, T.order - 1
    return r > TILE and n * comb(d + n - 1, n) < 2 * r


def span(T: CoordinateTensor, m: int) -> Array:
    """An orthonormal frame (d, k) of the span of T's fibres T(x^{l-1}, ·), to 1e-12 (30 eps).

    At generic x, k of them are enough: so are those at m + ``SPARE`` random x if they span no more
    than m dimensions. Such a sketch (Halko, Martinsson and Tropp 2011) takes the place of T's
    unfolding (D' x d), whose singular vectors take far longer if d is large.
    """
    least = max(1e-12, 30 * _eps(T))
    if m + SPARE < T.dim:
        X = np.random.default_rng(0).standard_normal((T.dim, m + SPARE))
        frame = _frame(T.contract(like(X, T.array)), least)
        if frame.shape[1] <= m:
            return frame
    return _frame(transpose(T.unfolded), least)


def _frame(A: Array, least: float) -> Array:
    """The left singular vectors of A, but for singular values below ``least`` of the largest."""
    xp = namespace(A)
    if A.shape[1] > A.shape[0]:  # a triangle has the same ones: a fourth of the time
        A = transpose(triangle(transpose(A)))
    left, values, _ = xp.linalg.svd(A, full_matrices=False)
    rank = int(xp.sum(xp.astype(values > least * values[0], xp.int64)))
    return left[:, : max(rank, 1)]


def _restricted(T: CoordinateTensor, frame: Array) -> CoordinateTensor:
    """T's coordinates in ``frame`` (d, k): a higher-order SVD with one frame for all axes."""
    A = transpose(T.unfolded @ frame)
    for n in range(T.order - 1, 0, -1):  # (k, ..., k, D) -> (k, ..., k, k, D')
        A = transpose(unfold(A, T.dim, n) @ frame)
    return from_dense(A[..., 0])


def _polished(T: Target, run: Result, tol: float) -> tuple[Array, Array]:
    """``fewest`` on the host, in units of ‖T‖, and back to where the run was."""
    norm, coords = float(T.norm), to_numpy(T.coordinates().coords).astype(float)
    w, U = (to_numpy(x).astype(float) for x in (run.weights, run.factors))
    w, U = fewest(CoordinateTensor(coords / norm, T.dim, T.order), w / norm, U, tol)
    return like(norm * w, run.weights), like(U, run.factors)


def _account(
    target: Target, inner: Target, frame: Array, w: Array, U: Array, run: Result, tol: float
) -> Decomposition:
    """The model w, U (in ``frame``) with its error and how the run went.

    A factored target has nothing outside the frame: the error is taken inside. Of a dense one the
    frame may leave out a little.
    """
    S, T = SymmetricTensor(w, U, inner.order), inner
    if isinstance(target, CoordinateTensor):
        S, T = SymmetricTensor(w, frame @ U, inner.order), target
    formula = _formula(S, T)
    norm, grain = float(T.norm), 4 * T.order * _eps(T)
    error = float(distance(S, T, form=formula)) / norm
    scale = (_length(S) + _length(target)) / norm
    return Decomposition(
        weights=w,
        factors=frame @ U,
        error=error,
        resolution=scale * (grain**0.5 if formula == "gram" else grain),
        formula=formula,
        reason=REACHED if error <= tol else str(run.reason),
        steps=int(run.steps),
        attempts=1,
        history=run.history[0] if run.history else {},
    )


def _formula(S: SymmetricTensor, T: Target) -> str:
    """By coordinates unless T is factored and they are too many for that many components."""
    if isinstance(T, CoordinateTensor):
        return "coordinates"
    columns = S.factors.shape[-1] + T.factors.shape[-1]
    return "gram" if _size(T) * columns > MOST_WORK else "coordinates"


def _length(T: Target) -> float:
    """The sum of the norms |w_i| ‖u_i‖^l of T's components; by coordinates, T's own norm."""
    if isinstance(T, CoordinateTensor):
        return float(T.norm)
    norms = namespace(T.factors).sqrt(column_dot(T.factors, T.factors))
    return float(namespace(T.factors).sum(abs(T.weights) * power(norms, T.order)))


def _floating(A: Array) -> Array:
    """A as a real floating array; lists are taken as numpy arrays."""
    A = A if hasattr(A, "shape") else np.asarray(A)
    xp = check.alike(T=A)
    if xp.isdtype(A.dtype, "integral"):
        return xp.astype(A, xp.float64)
    return A
