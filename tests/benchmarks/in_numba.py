"""The two-step rule as plain loops compiled by numba, one run after the other: one thread, p = 2.

The innermost loops run along rows, so that they become vector instructions without fastmath, and
nothing is allocated in a step: the last arguments are arrays to write to.
"""

import numpy as np
from numba import njit

part = njit(error_model="numpy", inline="always")  # a third faster than calls


@njit(error_model="numpy")
def advance(U, a, c, V, l, small, turn, damp, steps):
    """Take steps of all runs in place: U (n, k, m), a (n, m), T* = sum_j c_j v_j^{⊗l}."""
    (_, k, m), (q, r) = U.shape, V.shape
    X, wX, E, cV = np.empty((k, m)), np.empty((k, m)), np.empty((k, m)), c * V
    G, P, H, theirs = np.empty((m, m)), np.empty((m, m)), np.empty((r, m)), np.empty((q, m))
    norms, w, s, along, fit, speed = np.empty((6, m))
    pull, errors = np.empty((2, m)), np.empty(len(U))
    for n in range(len(U)):
        for _ in range(steps):
            observe(U[n], a[n], norms, w, X, wX)
            field(X, wX, cV, V, l, G, P, H, theirs, E)
            errors[n] = error(w, X, E, theirs, along, fit)
            column_dot(E, E, speed)
            curvature(norms, G, l, small, pull)
            step_sizes(norms, speed, pull, l, small, turn, damp, s)
            for row in range(k):
                for i in range(m):
                    U[n, row, i] -= s[i] * norms[i] * a[n, i] * E[row, i]
    return errors


@part
def observe(U, a, norms, w, X, wX):
    """Norms and weights; the directions go to X, times the weights to wX."""
    column_dot(U, U, norms)
    for i in range(len(w)):
        w[i] = a[i] * norms[i]
        norms[i] = np.sqrt(norms[i])
    for row in range(len(U)):
        for i in range(len(w)):
            X[row, i] = U[row, i] / norms[i]
            wX[row, i] = w[i] * X[row, i]


@part
def field(X, wX, cV, V, l, G, P, H, theirs, E):
    """E(x_i^{l-1}, ·), the part T*(x_i^{l-1}, ·) of it and the Gram matrix."""
    q, m = theirs.shape
    gram(X, X, G)
    power(G, l - 1, P)
    product(wX, P, E)
    gram(V, X[:q], H)
    power(H, l - 1, H)
    product(cV, H, theirs)
    for row in range(q):
        for i in range(m):
            E[row, i] -= theirs[row, i]


@part
def error(w, X, E, theirs, along, fit):
    """‖T - T*‖ for T* of norm 1."""
    column_dot(X, E, along)
    column_dot(X[: len(theirs)], theirs, fit)
    square = 1.0
    for i in range(len(w)):
        square += w[i] * (along[i] - fit[i])
    return np.sqrt(max(square, 0.0))


@part
def curvature(norms, G, l, small, pull):
    """sum_k ‖u_k‖² |x_i·x_k|^{l-2} over the small components k and over the large."""
    pull[:] = 0
    for i in range(len(norms)):
        load, row = norms[i] * norms[i], pull[0 if norms[i] <= small else 1]
        for j in range(len(norms)):
            x = abs(G[i, j])
            y = x
            for _ in range(l - 3):
                y *= x
            row[j] += load * y


@part
def step_sizes(norms, speed, pull, l, small, turn, damp, s):
    """One step for the small components and one for the large, as ``td.descent`` says."""
    slow, fast = 0.0, 0.0
    for i in range(len(s)):
        turning = np.sqrt(speed[i]) / turn
        if norms[i] <= small:
            fast = max(fast, turning, l * pull[0, i] / damp)
        else:
            slow = max(slow, turning, l * pull[1, i] / damp)
    for i in range(len(s)):
        s[i] = 1 / fast if norms[i] <= small else 1 / max(fast, slow)


@part
def column_dot(X, Y, out):
    """x_i·y_i for each pair of columns."""
    out[:] = 0
    for row in range(len(X)):
        for i in range(len(out)):
            out[i] += X[row, i] * Y[row, i]


@part
def gram(A, B, out):
    """AᵀB."""
    out[:] = 0
    for row in range(len(A)):
        for i in range(A.shape[1]):
            for j in range(B.shape[1]):
                out[i, j] += A[row, i] * B[row, j]


@part
def product(A, B, out):
    """A B."""
    out[:] = 0
    for row in range(len(A)):
        for i in range(len(B)):
            for j in range(B.shape[1]):
                out[row, j] += A[row, i] * B[i, j]


@part
def power(X, n, out):
    """X^n entrywise, n >= 2."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            x = X[i, j]
            y = x * x
            for _ in range(n - 2):
                y *= x
            out[i, j] = y
