"""The frozen-residual flow ẋ = ∇p(x), p(x) = E(x^l), and the width that Theorem H builds on it.

|x| blows up in finite time. So we follow the direction v = x/|x|, which stays on the sphere: in the
clock ds = |x|^{l-2} dt it moves by dv/ds = ∇p(v) - l p(v) v, whatever |x| (notebook 05, section 2).
"""

from math import ceil, log
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from td import check, moments
from td.backend import Array, from_numpy, namespace, to_numpy
from td.tensor import Target, unit


def correlation(E: Target, X: Array) -> Array:
    """E(x^l) for each column x of X: (..., d, n) -> (..., n)."""
    return namespace(X).sum(X * E.contract(X), axis=-2)


class Flow(NamedTuple):
    """n starts at k readings: directions v (k, d, n); |x|, t and q = p(x)/|x|^l, each (k, n)."""

    directions: np.ndarray
    lengths: np.ndarray
    times: np.ndarray
    values: np.ndarray


def flow(E: Target, X: Array, clock: np.ndarray) -> Flow:
    """The flow of p = E(x^l) from each column of X (d, n), at ascending readings of the clock s.

    Integrated from s = 0 to a relative 1e-10 (DOP853). ValueError for order 2, a batch of tensors
    or a zero column; RuntimeError if the last reading cannot be reached (|x| below 1e-100, say).
    """
    check.same_library(E=E.norm, X=X), check.array("clock", clock, ("k",))
    l, X = check.integer("order", E.order, 3), to_numpy(check.array("X", X, (E.dim, "n")))
    start, shape, size = np.linalg.norm(X, axis=0), X.shape, X.size
    if E.batch or X.ndim != 2 or not start.all():
        wanted = "E must be one tensor and X nonzero starts (d, n)"
        raise ValueError(f"{wanted}, got batch {E.batch} and {shape}")

    def rates(s: float, y: np.ndarray) -> np.ndarray:
        v, growth = unit(y[:size].reshape(shape)), y[size : -shape[1]]
        pull = to_numpy(E.contract(from_numpy(v, E.norm)))
        q = np.sum(v * pull, axis=0)
        return np.concatenate([l * (pull - q * v).ravel(), l * q, np.exp((2 - l) * growth)])

    y = np.concatenate([(X / start).ravel(), np.zeros(2 * shape[1])])  # v, ln(|x| / |x_0|), t
    path = solve_ivp(rates, (0, clock[-1]), y, "DOP853", clock, rtol=1e-10, atol=1e-12)
    if not path.success or not np.all(np.isfinite(path.y)):
        raise RuntimeError(f"the flow could not be followed to s = {clock[-1]:g}: {path.message}")
    V = unit(path.y[:size].T.reshape(-1, *shape))
    growth, time = np.split(path.y[size:].T, 2, axis=1)
    values = [to_numpy(correlation(E, from_numpy(v, E.norm))) for v in V]
    with np.errstate(over="ignore"):  # a length past 1e308 is infinite, its lifetime 0
        return Flow(V, start * np.exp(growth), start ** (2.0 - l) * time, np.stack(values))


def climb(E: Target, X: Array, *, steps: int = 300, tol: float = 1e-7) -> Array:
    """Unit vectors (..., d, n) reached from the directions of X (..., d, n), uphill on p.

    The flow in steps of ds = 1 / (l (l-1) ‖E‖), each put back on the sphere: so short that p never
    decreases (notebook 05, section 3). Stops when no direction moves by more than ``tol``.
    """
    check.same_library(E=E.norm, X=X), check.array("X", X, (E.dim, "n"))
    check.batch(E=E.batch, X=X.shape[:-2])
    tiny = namespace(X).finfo(X.dtype).smallest_normal  # where E = 0 nothing moves
    scale, V = E.norm[..., None, None] + tiny, unit(X)
    for _ in range(check.integer("steps", steps, 0)):
        last, V = V, unit(E.contract(V) / scale + (E.order - 1) * V)
        if bool(namespace(V).all(abs(V - last) <= tol)):
            break
    return V


def greedy_width(r: int, l: int, *, eps: float, p: float) -> int:
    """Theorem H: so many draws bring ‖T - T*‖ below eps ‖T*‖ with probability >= 1 - p, any d.

    m = ceil((2 / mu_min(r)) ln(1 / (p eps²))), r the dimension of the components' span.
    """
    check.integer("r", r, 1), check.integer("l", l, 2)
    eps, p = check.number("eps", eps, 0.0, strict=True), check.number("p", p, 0.0, strict=True)
    return max(ceil(2 / moments.smallest_eigenvalue(r, l) * -log(p * eps * eps)), 0)
