"""The algorithm's steps as loops that numba compiles: what ``td.descent`` computes with arrays.

One run after the other, so that its few numbers stay in the nearest cache: most of a small step by
arrays is the cost of calling numpy. For numpy runs of the 2-homogeneous model without decay.
"""

from collections import namedtuple

import numpy as np

try:
    from numba import njit
except ImportError as err:
    how = "pip install 'beyond-lazy-training[fast]'"
    raise ImportError(f"compiled=True needs numba ({how}): {err}") from err

from td import tensor
from td.backend import Array
from td.descent import DIVERGED, REACHED, SPENT, TOO_LARGE, Recipe, Runs, observe

REASONS = np.array(["", REACHED, DIVERGED])
FMA = {"contract"}  # a·b + c may be rounded only once
inline = njit(inline="always", error_model="numpy", fastmath=FMA)

# T*(x^{l-1}, ·) = B f(x), for one T* or one for each run: B (n, q, f), and f(x) is ``scale`` (f,)
# times products of the entries ``places`` (f, l-1) of L x, L (n, c, q); square (n,): ‖T*‖².
Form = namedtuple("Form", "B L places scale square")
# One run's numbers, named as in ``td.descent``. X, wX, E (k, m): directions, these times weights w,
# field; theirs (q, m): T*'s part of it; G, P (m, m): Gram matrix and a power of it; Y (c, m): L X;
# F (f, m): f(x); norms, w, s (steps), speed ‖E_i‖² (m,); pull (2, m): bounds on the steps.
Work = namedtuple("Work", "X wX E theirs G P Y F norms w s speed pull")


def look(
    U: Array, a: Array, T: tensor.Target, recipe: Recipe, t: int
) -> tuple[Runs, np.ndarray, np.ndarray]:
    """Take the epoch's steps up to the ``t``-th: what is seen then, all steps, why each stops.

    A run stops where ``td.descent.trajectory`` would stop it, a diverged one at its last good step.
    TypeError for other arrays than numpy, ValueError for another model or decay.
    """
    if not isinstance(U, np.ndarray):
        raise TypeError(f"compiled=True needs numpy arrays, got {type(U).__name__}")
    if recipe.model != "homogeneous" or recipe.lam:
        got = f"model={recipe.model!r}, lam={recipe.lam}"
        raise ValueError(f"compiled=True needs model='homogeneous' and lam=0, got {got}")
    V, n, last = np.array(U, dtype=float, order="C"), len(U), t == recipe.epochs * recipe.steps
    knobs = tuple(map(float, (recipe.small, recipe.turn, recipe.damp, recipe.tol)))
    steps, ends, errors = out = np.zeros(n, int), np.zeros(n, int), np.full(n, np.inf)
    _advance(V, a.astype(float), _form(T), knobs, recipe.steps, out)
    now = observe(V.astype(U.dtype), a, T, recipe)._replace(error=errors)
    return now, t - recipe.steps + steps, np.where((ends == 0) & last, SPENT, REASONS[ends])


def _form(T: tensor.Target) -> Form:
    """T as the loops need it."""
    if isinstance(T, tensor.SymmetricTensor):
        places = np.repeat(np.arange(T.factors.shape[-1])[:, None], T.order - 1, axis=1)
        parts, scale = (T.weights[..., None, :] * T.factors, T.factors.mT), np.ones(len(places))
    else:
        places = tensor.multi_indices(T.dim, T.order - 1)
        parts = T.unfolded.mT, np.eye(T.dim)
        scale = np.sqrt(tensor.multiplicities(T.dim, T.order - 1))
    B, L = (np.array(x, dtype=float, order="C").reshape(-1, *x.shape[-2:]) for x in parts)
    return Form(B, L, places, scale, np.atleast_1d(T.norm**2).astype(float))


@njit(cache=True, error_model="numpy", fastmath=FMA)
def _advance(U: Array, a: Array, T: Form, knobs: tuple, budget: int, out: tuple) -> None:
    """All runs in place, U (n, k, m), a (n, m); out: steps, ends (of REASONS), errors (n,)."""
    # Nothing is returned: where arrays are made of it, Ctrl-C would end as a SystemError.
    (n, k, m), (_, q, f), c, l = U.shape, T.B.shape, T.L.shape[1], T.places.shape[1] + 1
    (steps, ends, errors), tol = out, knobs[3]
    work = Work(
        *(np.empty((k, m)), np.empty((k, m)), np.empty((k, m)), np.empty((q, m))),
        *(np.empty((m, m)), np.empty((m, m)), np.empty((c, m)), np.empty((f, m))),
        *(np.empty(m), np.empty(m), np.empty(m), np.empty(m), np.empty((2, m))),
    )
    good = np.empty((k, m))
    for run in range(n):
        for t in range(budget + 1):
            steps[run] = t
            square = _observe(U[run], a[run], T, run, l, work)
            if not square < TOO_LARGE**2:  # NaN diverges too
                ends[run], U[run] = 2, good if t else U[run]
                break
            errors[run] = np.sqrt(abs(square))
            ends[run] = errors[run] <= tol
            if ends[run] or t == budget:
                break
            good[:] = U[run]
            _step(U[run], a[run], l, knobs, work)


@inline
def _observe(U: Array, a: Array, T: Form, run: int, l: int, work: Work) -> float:
    """Directions, field and Gram matrix; return the square of the relative error."""
    X, wX, E, theirs, norms, w = work.X, work.wX, work.E, work.theirs, work.norms, work.w
    norms[:] = 0
    for row in range(len(U)):
        for i in range(len(w)):
            norms[i] += U[row, i] * U[row, i]
    for i in range(len(w)):
        w[i], norms[i] = a[i] * norms[i], np.sqrt(norms[i])
        work.s[i] = 1 / norms[i] if norms[i] > 0 else 0.0
    for row in range(len(U)):
        for i in range(len(w)):
            X[row, i] = U[row, i] * work.s[i]
            wX[row, i] = w[i] * X[row, i]
    _product(T.L[run % len(T.L)], X[: len(theirs)], work.Y)
    for j in range(len(T.places)):
        work.F[j] = T.scale[j]
        for row in T.places[j]:
            for i in range(len(w)):
                work.F[j, i] *= work.Y[row, i]
    _product(T.B[run % len(T.B)], work.F, theirs)
    _product(X.T, X, work.G)
    _power(work.G, l - 1, work.P)
    _product(wX, work.P, E)
    work.speed[:] = work.s[:] = 0
    for row in range(len(theirs)):
        for i in range(len(w)):
            E[row, i] -= theirs[row, i]
            work.s[i] -= X[row, i] * theirs[row, i]
    for row in range(len(U)):
        for i in range(len(w)):
            work.speed[i] += E[row, i] * E[row, i]
            work.s[i] += X[row, i] * E[row, i]
    return 1 + np.sum(w * work.s) / T.square[run % len(T.square)]


@inline
def _step(U: Array, a: Array, l: int, knobs: tuple, work: Work) -> None:
    """A step of each component: one size for the small ones, one for the large (``step_sizes``)."""
    (small, turn, damp, _), norms, pull, fast, slow = knobs, work.norms, work.pull, 0.0, 0.0
    _power(work.G, l - 2, work.P)
    pull[:] = 0
    for k in range(len(norms)):
        load, row = l * norms[k] * norms[k] / damp, pull[0 if norms[k] <= small else 1]
        for i in range(len(norms)):
            row[i] += load * abs(work.P[k, i])
    for i in range(len(norms)):
        turning = np.sqrt(work.speed[i]) / turn
        if norms[i] <= small:
            fast = max(fast, turning, pull[0, i])
        else:
            slow = max(slow, turning, pull[1, i])
    for i in range(len(norms)):
        stiff = fast if norms[i] <= small else max(fast, slow)
        work.s[i] = norms[i] * a[i] / stiff if stiff > 0 else 0.0
    for row in range(len(U)):
        for i in range(len(norms)):
            U[row, i] -= work.s[i] * work.E[row, i]


@inline
def _power(X: Array, n: int, out: Array) -> None:
    """X^n entrywise: a general power costs tens of times more."""
    out[:] = 1.0
    for _ in range(n):
        for row in range(len(X)):
            for i in range(X.shape[1]):
                out[row, i] *= X[row, i]


@inline
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
