"""The algorithm's steps as loops that numba compiles: what ``td.descent`` computes with arrays.

One run after the other, on one thread, so that a run's few numbers stay in the nearest cache: where
m and d are below a few dozen, most of an array's step is the cost of calling numpy. numba is an
extra (``fast``); this module is imported only where ``compiled=True`` asks for it. Inner loops run
along rows, so that they become vector instructions. What is compiled stays on disk.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from td.backend import Array
from td.descent import TOO_LARGE, Recipe, State
from td.symmetric import SymmetricTensor, Target, multi_indices, multiplicities, transpose, unfold

GOING, ENDED, LOST = 0, 1, 2  # how a run stands: on its way, at the error asked for, diverged
FMA = {"contract"}  # a·b + c may be rounded only once
part = njit(inline="always", error_model="numpy", fastmath=FMA)


class Settings(NamedTuple):
    """What the loops need of a ``Recipe``; p: the degree of the weights."""

    l: int
    p: int
    differentiated: bool
    small: float
    turn: float
    damp: float
    lam: float
    tol: float
    steps: int


class Form(NamedTuple):
    """T*(x^{l-1}, ·) as B f(x), for one T* or one for each run; square (n,): ‖T*‖².

    B (n, q, f). For a factored T* the features f(x) are (v_j·x)^{l-1}, v_j the columns of V
    (n, q, f); else they are the coordinates of x^{⊗(l-1)}, ``scale`` (f,) times the products of
    x's entries ``places`` (f, l-1).
    """

    B: np.ndarray
    V: np.ndarray
    places: np.ndarray
    scale: np.ndarray
    square: np.ndarray


class Work(NamedTuple):
    """One run's numbers, named as in ``td.descent``.

    X, wX (k, m): directions, and these times the weights; E (k, m): the field, theirs (q, m): T*'s
    part of it; G, P (m, m): the Gram matrix and a power of it; cosines, f (f, m): v_j·x and f(x).
    norms ‖u_i‖, weights w, along E(ū_i^l), speed ‖E_i‖², steps s and a spare row: (m,) each; pull
    (2, m): what bounds the steps of the small components, and of the large.
    """

    X: np.ndarray
    wX: np.ndarray
    E: np.ndarray
    theirs: np.ndarray
    G: np.ndarray
    P: np.ndarray
    cosines: np.ndarray
    f: np.ndarray
    norms: np.ndarray
    w: np.ndarray
    along: np.ndarray
    speed: np.ndarray
    s: np.ndarray
    spare: np.ndarray
    pull: np.ndarray


def advance(
    T: Target, state: State, recipe: Recipe, *, last: bool
) -> tuple[State, Array, Array, Array]:
    """Take an epoch's steps; return the state, each run's steps, how it stands, and its error.

    A run stops where ``td.descent.trajectory`` would stop it, a diverged one at its last good step.
    What is reached with an epoch's very last step counts only in the ``last`` epoch: before others
    end there, components are redrawn. TypeError if the arrays are not numpy's.
    """
    if not isinstance(T.array, np.ndarray):
        raise TypeError(f"compiled=True needs numpy arrays, got {type(T.array).__name__}")
    settings = Settings(
        l=T.order,
        p=recipe.degree(T.order),
        differentiated=recipe.model == "differentiated",
        small=float(recipe.small),
        turn=float(recipe.turn),
        damp=float(recipe.damp),
        lam=float(recipe.lam),
        tol=float(recipe.tol),
        steps=recipe.steps,
    )
    U = np.array(state.factors, dtype=float, order="C")  # one type, so that it compiles once
    steps, ends, errors = _advance(U, state.signs.astype(float), _form(T), settings, last)
    return state._replace(factors=U.astype(state.factors.dtype)), steps, ends, errors


def _form(T: Target) -> Form:
    """T as the loops need it."""
    n = T.order - 1
    if isinstance(T, SymmetricTensor):
        places, scale = np.empty((0, n), np.int64), np.empty(0)
        parts = (T.weights[..., None, :] * T.factors, T.factors)
    else:
        places, scale = multi_indices(T.dim, n), np.sqrt(multiplicities(T.dim, n))
        parts = (transpose(unfold(T.coords, T.dim, T.order)), np.empty((1, 1)))
    B, V = (np.array(x, dtype=float, order="C").reshape(-1, *x.shape[-2:]) for x in parts)
    return Form(B, V, places, scale, np.atleast_1d(T.norm**2).astype(float))


@njit(cache=True, error_model="numpy", fastmath=FMA)
def _advance(U: Array, a: Array, T: Form, s: Settings, last: bool) -> tuple[Array, ...]:
    """All runs in place, U (n, k, m), a (n, m); steps, ends and errors, each (n,)."""
    (n, k, m), (_, q, f) = U.shape, T.B.shape
    work = Work(
        *(np.empty((k, m)), np.empty((k, m)), np.empty((k, m)), np.empty((q, m))),
        *(np.empty((m, m)), np.empty((m, m)), np.empty((f, m)), np.empty((f, m))),
        *(np.empty(m), np.empty(m), np.empty(m), np.empty(m), np.empty(m), np.empty(m)),
        np.empty((2, m)),
    )
    steps, ends, errors = np.zeros(n, np.int64), np.zeros(n, np.int64), np.full(n, np.inf)
    good = np.empty((k, m))
    for run in range(n):
        good[:] = U[run]
        for t in range(s.steps + 1):
            steps[run] = t
            square = _observe(U[run], a[run], T, run % len(T.B), s, work)
            if not square < TOO_LARGE**2:  # NaN diverges too
                ends[run], U[run] = LOST, good
                break
            errors[run] = np.sqrt(max(square, 0.0))
            if errors[run] <= s.tol and (last or t < s.steps):
                ends[run] = ENDED
            if ends[run] == ENDED or t == s.steps:
                break
            good[:] = U[run]
            _step_sizes(s, work)
            _step(U[run], a[run], s, work)
    return steps, ends, errors


@part
def _observe(U: Array, a: Array, T: Form, which: int, s: Settings, work: Work) -> float:
    """Directions, field and Gram matrix; return the square of the relative error."""
    X, E, theirs, top = work.X, work.E, work.theirs, work.X[: T.B.shape[1]]
    _directions(U, a, s.p, work.norms, work.w, work.spare, X, work.wX)
    if len(T.places):
        _monomials(top, T.places, T.scale, work.f)
    else:
        _product(T.V[which].T, top, work.cosines)
        _power(work.cosines, s.l - 1, work.f)
    _product(T.B[which], work.f, theirs)
    _product(X.T, X, work.G)
    _power(work.G, s.l - 1, work.P)
    _product(work.wX, work.P, E)
    for row in range(len(theirs)):
        for i in range(X.shape[1]):
            E[row, i] -= theirs[row, i]
    _column_dot(X, E, work.along)
    _column_dot(top, theirs, work.spare)
    square = T.square[which]
    for i in range(len(work.w)):
        square += work.w[i] * (work.along[i] - work.spare[i])
    return square / T.square[which]


@part
def _directions(
    U: Array, a: Array, p: int, norms: Array, w: Array, inverse: Array, X: Array, wX: Array
) -> None:
    """Norms, weights a_i‖u_i‖^p, directions, and these times the weights."""
    _column_dot(U, U, norms)
    for i in range(len(w)):
        norms[i] = np.sqrt(norms[i])
        w[i] = a[i] * _raised(norms[i], p)
        inverse[i] = 1 / norms[i]
    for row in range(len(U)):
        for i in range(len(w)):
            X[row, i] = U[row, i] * inverse[i]
            wX[row, i] = w[i] * X[row, i]


@part
def _step_sizes(s: Settings, work: Work) -> None:
    """One step for the small components and one for the large, as ``td.descent`` says."""
    norms, pull, slow, fast = work.norms, work.pull, 0.0, 0.0
    _column_dot(work.E, work.E, work.speed)
    _power(work.G, s.l - 2, work.P)
    pull[:] = 0
    for k in range(len(norms)):
        load, row = s.l * _raised(norms[k], 2 * s.p - 2), pull[0 if norms[k] <= s.small else 1]
        for i in range(len(norms)):
            row[i] += load * abs(work.P[k, i])
    for i in range(len(norms)):
        turning = _raised(norms[i], s.p - 2) * np.sqrt(work.speed[i]) / s.turn
        if norms[i] <= s.small:
            fast = max(fast, turning, (pull[0, i] + 2 * s.lam) / s.damp)
        else:
            slow = max(slow, turning, (pull[1, i] + 2 * s.lam) / s.damp)
    for i in range(len(norms)):
        work.s[i] = 1 / fast if norms[i] <= s.small else 1 / max(fast, slow)


@part
def _step(U: Array, a: Array, s: Settings, work: Work) -> None:
    """One step of each component."""
    push, along = work.s, work.spare
    for i in range(len(push)):
        along[i] = 2 * s.lam / s.l * push[i] * work.norms[i]
        push[i] *= _raised(work.norms[i], s.p - 1) * a[i]
        if s.differentiated:
            along[i] -= push[i] * (s.l - 2) / s.l * work.along[i]
    for row in range(len(U)):
        for i in range(len(push)):
            U[row, i] -= push[i] * work.E[row, i] + along[i] * work.X[row, i]


@part
def _column_dot(X: Array, Y: Array, out: Array) -> None:
    """x_i·y_i for each pair of columns."""
    out[:] = 0
    for row in range(len(X)):
        for i in range(len(out)):
            out[i] += X[row, i] * Y[row, i]


@part
def _raised(x: float, n: int) -> float:
    """x^n: a general power costs tens of times more."""
    y = 1.0
    for _ in range(n):
        y *= x
    return y


@part
def _power(X: Array, n: int, out: Array) -> None:
    """X^n entrywise."""
    for row in range(len(X)):
        for i in range(X.shape[1]):
            out[row, i] = X[row, i] if n else 1.0
        for _ in range(n - 1):
            for i in range(X.shape[1]):
                out[row, i] *= X[row, i]


@part
def _monomials(X: Array, index: Array, scale: Array, out: Array) -> None:
    """Isometric coordinates of the powers of X's columns."""
    for j in range(len(index)):
        out[j] = scale[j]
        for row in index[j]:
            for i in range(X.shape[1]):
                out[j, i] *= X[row, i]


@part
def _product(A: Array, B: Array, out: Array) -> None:
    """A B, four terms at a time, for ``out`` to be read and written a fourth as often."""
    out[:] = 0
    whole = len(B) - len(B) % 4
    for row in range(len(A)):
        for j in range(0, whole, 4):
            p, q, r, s = A[row, j], A[row, j + 1], A[row, j + 2], A[row, j + 3]
            for i in range(B.shape[1]):
                out[row, i] += p * B[j, i] + q * B[j + 1, i] + r * B[j + 2, i] + s * B[j + 3, i]
        for j in range(whole, len(B)):
            for i in range(B.shape[1]):
                out[row, i] += A[row, j] * B[j, i]
