"""The user's entry: a symmetric tensor in, few weights and factors out.

Descent finds a rough fit (notebook 02). Few exact components are made of it by least squares,
on the host, in the few coordinates of the tensor's span and in units of its norm.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import comb

import numpy as np

from td import check
from td.backend import Array, Seed, from_numpy, generator, namespace, to_numpy
from td.descent import BASE, REACHED, Recipe, descend
from td.flow import climb, correlation
from td.tensor import (
    CoordinateTensor,
    SymmetricTensor,
    Target,
    distance,
    from_dense,
    monomials,
    power,
)

ROUGH, FINE = 0.1, 5e-3  # relative errors at which polishing takes over: first attempt, later ones
MOST = 2**25  # entries of arrays that polishing may need: 256 MiB
STEPS = 100  # the most that polishing takes
SMALLEST = 1e-12  # damping over the largest curvature: below it rounding may win
ROUNDING = 1e-15  # a misfit that rounding alone may cause, ‖T‖ being 1

SHORT = "polished, but not to the target error"

Model = tuple[np.ndarray, np.ndarray]  # weights (n,) and unit factors (d, n)


@dataclass(frozen=True)
class Decomposition:
    """T ≈ sum_i weights[i] factors[:, i]^{⊗l} with unit factors: weights (n,), factors (d, n).

    error: ‖approximation - T‖ / ‖T‖ from coordinates, to about 15 digits; reason: why it stopped;
    steps: of the descent; attempts: how many were made.
    """

    weights: Array
    factors: Array
    error: float
    reason: str
    steps: int
    attempts: int

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

    T is a dense symmetric array of any order >= 2 (numpy or cupy; integers become float64), or a
    SymmetricTensor or CoordinateTensor without batch; ``td.data`` makes moments of data into such.
    Each attempt is a run of notebook 02's algorithm with m components, in the span of T's, with the
    settings of ``recipe`` (``compiled``: see ``descend``); attempt k is run k from ``seed``. With
    ``polish`` the first run stops at a relative error of 10 % already, and ``fewest`` takes over.
    Without it, or if in a span of k dimensions m C(k+l-1, l) or (km)² exceeds 2^25, the m
    components come as descent leaves them. Attempts end with the first that meets ``tol``
    (``reason``); else the best is returned: more of them, or a larger m, may do. ValueError or
    TypeError for a tensor not symmetric, not finite or zero, m < 1, tol < 1000 eps (4 sqrt(eps)).
    """
    target, m, rng = _checked(T, tol if polish else 1.0), check.integer("m", m, 1), generator(seed)
    frame = target.span(m)
    inner = target.image(frame.mT)
    size = comb(inner.dim + inner.order - 1, inner.order)
    found: list[Decomposition] = []
    if isinstance(target, SymmetricTensor) and target.factors.shape[-1] > size:
        inner = inner.coordinates()  # samples of data, say: their tensor has fewer numbers
    polish = polish and m * max(size, m * inner.dim**2) <= MOST
    for k in range(1, check.integer("attempts", attempts, 1) + 1):
        rough = max(tol, FINE if found else ROUGH) if polish else tol
        run = descend(inner, m, seed=rng, recipe=replace(recipe, tol=rough), compiled=compiled)
        w, U = run.weights, run.factors
        w, U = _polished(inner, w, U, tol) if polish else (w, U)
        model = SymmetricTensor(w, frame @ U, inner.order)
        error = float(distance(model, target)) / float(target.norm)
        reason = REACHED if error <= tol else SHORT if run.reason == REACHED else str(run.reason)
        found.append(Decomposition(w, model.factors, error, reason, int(run.steps), k))
        if error <= tol:
            break
    return replace(min(found, key=lambda attempt: attempt.error), attempts=len(found))


def _checked(T: Array | Target, tol: float) -> Target:
    """T as one tensor that is not zero, lists as numpy arrays and integers as float64.

    Raise unless polishing can reach ``tol`` (without it ``descend`` checks).
    """
    if not isinstance(T, Target):
        A = T if hasattr(T, "shape") else np.asarray(T)
        xp = check.same_library(T=A)
        T = from_dense(xp.astype(A, xp.float64) if xp.isdtype(A.dtype, "integral") else A)
    if T.batch:
        raise ValueError(f"T must be one tensor, got a batch of shape {T.batch}")
    if not float(T.norm) > 0:
        raise ValueError("T must not be zero: there is nothing to decompose")
    finest = 1000 * float(namespace(T.norm).finfo(T.norm.dtype).eps)
    if check.number("tol", tol, 0.0, strict=True) < finest:
        raise ValueError(f"tol must be at least {finest:.1e} for {T.norm.dtype}, got {tol:g}")
    return T


def _polished(T: Target, w: Array, U: Array, tol: float) -> tuple[Array, Array]:
    """``fewest`` on the host, in units of ‖T‖, and back to where the run was."""
    norm, coords = float(T.norm), to_numpy(T.coordinates().coords).astype(float)
    host = CoordinateTensor(coords / norm, T.dim, T.order)
    v, V = fewest(host, to_numpy(w).astype(float) / norm, to_numpy(U).astype(float), tol)
    return from_numpy(norm * v, w), from_numpy(V, U)


def fewest(T: CoordinateTensor, w: np.ndarray, U: np.ndarray, allowed: float) -> Model:
    """The fewest components, left of w (m,), U (d, m) and polished, with misfit <= ``allowed``.

    Numbers of components are tried upward to m, from the number of singular values of T's unfolding
    (d x d^{l-1}) that cannot be dropped: n components have an unfolding of rank at most n (Eckart
    and Young 1936). A second start is the best model of one less, enlarged: light components are
    lost among the m. If none will do, the polished model of least misfit.
    """
    tails = np.sqrt(np.cumsum(np.linalg.svd(T.unfolded, compute_uv=False)[::-1] ** 2))
    least, found, last = max(int(np.sum(tails > allowed)), 1), [], None
    for n in range(min(least, len(w)), len(w) + 1):
        for start in _starts(T, w, U, n, last):
            model = _refined(T, *start)
            found.append((float(np.linalg.norm(_residual(T, *model)[1])), model))
            if found[-1][0] <= allowed:
                return model
        last = min(found[-2:], key=lambda pair: pair[0])[1]
    return min(found, key=lambda pair: pair[0])[1]


def _starts(
    T: CoordinateTensor, w: np.ndarray, U: np.ndarray, n: int, last: Model | None
) -> Iterator[Model]:
    """Two models of n components to polish; ``last`` is the polished one of n - 1, if known."""
    yield _reduced(w, U, T.order, n)
    if n > 1:
        yield _enlarged(T, *(last or _refined(T, *_reduced(w, U, T.order, n - 1))))


def _enlarged(T: CoordinateTensor, w: np.ndarray, U: np.ndarray) -> Model:
    """The model and the best of ten components climbed to on the residual, for either sign."""
    rest = T.coords - SymmetricTensor(w, U, T.order).coordinates().coords
    E = CoordinateTensor(rest, T.dim, T.order)
    X = np.random.default_rng(0).standard_normal((T.dim, 10))
    V = np.concatenate([climb(E.scaled(s), X, steps=30) for s in (1.0, -1.0)], axis=1)
    c = correlation(E, V)
    best = [int(np.argmax(abs(c)))]
    return np.append(w, c[best]), np.append(U, V[:, best], axis=1)


def _reduced(w: np.ndarray, U: np.ndarray, l: int, n: int) -> Model:
    """Remove components, each time the one of smallest own part, until n are left.

    The others take over its power's projection on the span of theirs, which for the smallest own
    part changes no weight's sign (Proposition 9, notebook 02).
    """
    while len(w) > n:
        P = np.linalg.inv(power(U.T @ U, l) + 1e-10 * np.eye(len(w)))
        i = int(np.argmin(np.abs(w) / np.sqrt(P.diagonal())))
        w, U = np.delete(w - w[i] / P[i, i] * P[i], i), np.delete(U, i, axis=1)
    return w, U


def _refined(T: CoordinateTensor, w: np.ndarray, U: np.ndarray) -> Model:
    """A local minimum of f = ½‖sum_i w_i u_i^{⊗l} - T‖² near w (n,), U (d, n): Levenberg-Marquardt.

    In v_i = |w_i|^{1/l} u_i with the signs of w held (l odd: made positive), so no direction of
    scaling is left over. The residual is taken in coordinates, so that on a zero of it the
    iteration reaches rounding error; the normal matrix comes from inner products (scipy's methods
    factor the Jacobian, D x dn: 1.4 times as long at d = 4, 65 times at d = 20). The damping is a
    multiple of f, so that convergence to a zero of f is quadratic (Yamashita and Fukushima 2001),
    with a factor as in Nielsen (1999). It ends when a step gains less than 1e-8 of f, at rounding
    error, or after ``STEPS``.
    """
    l, damp, grow = T.order, 1.0, 2.0
    signs = np.where(w < 0, -1.0, 1.0)
    flips = power(signs, l)  # l odd: the factor takes the sign
    signs, V = signs * flips, U * (np.abs(w) ** (1 / l) * flips)
    M, E = _residual(T, signs, V)
    for _ in range(STEPS):
        square = float(np.vdot(E, E))  # 2f
        gradient, A = (l * signs * (E.T @ M)).ravel(), _normal_matrix(V, signs, l)
        damping = max(damp * square, SMALLEST) * A.diagonal().max()
        step = -np.linalg.solve(A + damping * np.eye(len(A)), gradient)
        N, F = _residual(T, signs, V + step.reshape(V.shape))
        gained = float(square - np.vdot(F, F))
        if gained > 0:
            agreement = 2 * gained / float(step @ (damping * step - gradient)) - 1
            damp, grow = damp * max(1 / 3, 1 - agreement * agreement * agreement), 2.0
            done, M, E, V = gained <= 1e-8 * square, N, F, V + step.reshape(V.shape)
        else:
            done, damp, grow = damp * square > 1e3, damp * grow, 2 * grow
        if done or np.vdot(E, E) <= ROUNDING**2:
            break
    norms = np.linalg.norm(V, axis=0)
    return signs * power(norms, l), V / np.where(norms > 0, norms, 1)


def _residual(T: CoordinateTensor, w: np.ndarray, U: np.ndarray) -> Model:
    """The powers u_i^{⊗(l-1)} by coordinates, (D', n), and sum_i w_i u_i^{⊗l} - T, (D', d)."""
    M = monomials(U, T.order - 1)
    return M, (M * w) @ U.T - T.unfolded


def _normal_matrix(V: np.ndarray, signs: np.ndarray, l: int) -> np.ndarray:
    """JᵀJ for the Jacobian J of sum_i signs_i v_i^{⊗l} in V (d, n), row by row: (dn, dn).

    ⟨Sym(v^{l-1} ⊗ a), Sym(w^{l-1} ⊗ b)⟩ = ((v·w)^{l-1} a·b + (l-1) (v·w)^{l-2} (a·w) (b·v)) / l.
    """
    G, both, (d, n) = V.T @ V, l * np.outer(signs, signs), V.shape
    A = V[:, None, None, :] * V.T[None, :, :, None]
    A *= (l - 1) * (both * power(G, l - 2))[:, None, :]
    A[np.arange(d), :, np.arange(d), :] += both * power(G, l - 1)
    return A.reshape(d * n, d * n)
