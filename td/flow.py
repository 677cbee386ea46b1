"""The frozen-residual flow ẋ = ∇p(x), p(x) = E(x^l), and the greedy algorithm built on it.

|x| blows up in finite time. So we follow the direction v = x/|x|, which stays on the sphere: in the
clock ds = |x|^{l-2} dt it moves by dv/ds = ∇p(v) - l p(v) v, whatever |x| (notebook 05, section 2).
"""

from math import ceil, log
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from td import check, moments
from td.backend import Array, Seed, generator, like, namespace, to_numpy
from td.reduced import core
from td.symmetric import CoordinateTensor, SymmetricTensor, Target, monomials, transpose


class Flow(NamedTuple):
    """n starts at k clock readings, on the host.

    directions (k, d, n): v; lengths, times (k, n): |x| and t; values (k, n): q = p(x)/|x|^l.
    """

    directions: np.ndarray
    lengths: np.ndarray
    times: np.ndarray
    values: np.ndarray


def flow(E: Target, X: Array, clock: np.ndarray) -> Flow:
    """The flow of p = E(x^l) from each column of X (d, n), at ascending readings of the clock s.

    Integrated from s = 0 with relative tolerance 1e-10 (DOP853); ``lifetime`` bounds the time left
    at a reading. ValueError for order 2, a batch of tensors or a zero column; RuntimeError if the
    last reading cannot be reached (|x| below 1e-100, say).
    """
    check.alike(E=E.array, X=X), check.array("clock", clock, ("k",))
    l, X = check.integer("order", E.order, 3), to_numpy(check.array("X", X, (E.dim, "n")))
    start, shape = np.linalg.norm(X, axis=0), X.shape
    if E.batch or X.ndim != 2 or not start.all():
        raise ValueError(
            f"E must be one tensor and X nonzero starts (d, n), got batch {E.batch} and {X.shape}"
        )
    size = X.size

    def rates(s: float, y: np.ndarray) -> np.ndarray:
        v, growth = _unit(y[:size].reshape(shape)), y[size : -shape[1]]
        pull, q = (to_numpy(x) for x in field(E, like(v, E.array)))
        return np.concatenate([l * (pull - q * v).ravel(), l * q, np.exp((2 - l) * growth)])

    y = np.concatenate([(X / start).ravel(), np.zeros(2 * shape[1])])  # v, ln(|x| / |x_0|), t
    path = solve_ivp(rates, (0, clock[-1]), y, "DOP853", clock, rtol=1e-10, atol=1e-12)
    if not path.success or not np.all(np.isfinite(path.y)):
        raise RuntimeError(f"the flow could not be followed to s = {clock[-1]:g}: {path.message}")
    y = path.y.T
    V = _unit(y[:, :size].reshape(-1, *shape))
    growth, time = np.split(y[:, size:], 2, axis=1)
    values = np.stack([to_numpy(field(E, like(v, E.array))[1]) for v in V])
    with np.errstate(over="ignore"):  # a length past 1e308 is infinite, its lifetime 0
        return Flow(V, start * np.exp(growth), start ** (2.0 - l) * time, values)


def field(E: Target, X: Array) -> tuple[Array, Array]:
    """E(x^{l-1}, ·) and E(x^l) for each column x of X: (..., d, n) -> (..., d, n), (..., n)."""
    pull = E.contract(X)
    return pull, namespace(X).sum(X * pull, axis=-2)


def lifetime(length: Array, q: Array, l: int) -> Array:
    """|x|^{2-l} / (l (l-2) q): Lemma G's bound on the time left until |x| blows up.

    Never exceeded for the present q > 0; never fallen short of if q is p's largest value on the
    sphere. Infinite for q <= 0. Source: notebook 05, section 2.
    """
    with np.errstate(divide="ignore"):
        return length ** (2.0 - l) / (check.integer("l", l, 3) * (l - 2) * np.maximum(q, 0.0))


def climb(E: Target, X: Array, *, steps: int = 300, tol: float = 1e-7) -> Array:
    """Unit vectors (..., d, n) reached from the directions of X (..., d, n), uphill on p.

    The flow in steps of ds = 1 / (l (l-1) ‖E‖), each put back on the sphere: so short that p never
    decreases (notebook 05, section 3). Stops when no direction moves by more than ``tol``.
    """
    check.alike(E=E.array, X=X), check.array("X", X, (E.dim, "n"))
    tiny = namespace(X).finfo(X.dtype).smallest_normal  # where E = 0 nothing moves
    scale, V = E.norm[..., None, None] + tiny, _unit(X)
    for _ in range(check.integer("steps", steps, 0)):
        last, V = V, _unit(E.contract(V) / scale + (E.order - 1) * V)
        if bool(namespace(V).all(abs(V - last) <= tol)):
            break
    return V


class Greedy(NamedTuple):
    """T = sum_i weights[..., i] factors[..., i]^{⊗l}: weights (n, m), unit factors (n, d, m).

    errors (n, m + 1): ‖T - T*‖ / ‖T*‖ after 0, 1, ..., m components, from coordinates.
    """

    weights: Array
    factors: Array
    errors: np.ndarray


def greedy(
    T_star: SymmetricTensor,
    m: int,
    *,
    seed: Seed,
    runs: int,
    sign: str = "random",
    steps: int = 100,
) -> Greedy:
    """Theorem H's algorithm: m times a random direction, climbed, with its best weight.

    A draw is uniform on S^{d-1}; ``climb`` moves its part in S, the space of T*'s factors as QR
    gives it (dimension min(d, r)), for at most ``steps`` steps, uphill on σE(x^l). sign: how σ is
    chosen: "random", "positive" (always +1) or "chosen" (that of E(v^l) at the draw v). T_star is
    one tensor or a batch of shape (runs,).
    """
    check.choice("sign", sign, ("random", "positive", "chosen"))
    rng, xp, l = generator(seed), namespace(T_star.factors), T_star.order
    check.integer("runs", runs, 1)
    inner, frame = core(T_star)
    E = inner.scaled(-1).coordinates()
    E = CoordinateTensor(xp.broadcast_to(E.coords, (runs, E.coords.shape[-1])), E.dim, l)
    weights, factors, errors = [], [], [E.norm]
    for _ in range(check.integer("m", m, 1)):
        draw = like(rng.standard_normal((runs, T_star.dim, 1)), frame)
        V = _unit(transpose(frame) @ draw)
        V = climb(E.scaled(_signs(E, V, rng, sign)), V, steps=steps)
        weights.append(-field(E, V)[1])
        E = CoordinateTensor(E.coords + weights[-1] * monomials(V, l)[..., 0], E.dim, l)
        factors.append(frame @ V)
        errors.append(E.norm)
    relative = to_numpy(xp.stack(errors, axis=-1) / errors[0][:, None])
    return Greedy(xp.concat(weights, axis=-1), xp.concat(factors, axis=-1), relative)


def _signs(E: Target, V: Array, rng: np.random.Generator, sign: str) -> Array:
    """One sign for each run, (n,): random, +1, or that of E(v^l) at the draw."""
    xp, q = namespace(V), field(E, V)[1][..., 0]
    if sign == "random":
        return like(rng.choice([-1.0, 1.0], size=q.shape), V)
    return xp.where(q < 0, -xp.ones_like(q), xp.ones_like(q)) if sign == "chosen" else q * 0 + 1


def greedy_width(r: int, l: int, *, eps: float, p: float, sign: str = "random") -> int:
    """Theorem H: so many draws bring ‖T - T*‖ below eps ‖T*‖ with probability >= 1 - p, any d.

    m = ceil((2 / mu_min(r)) ln(1 / (p eps²))), r the dimension of the components' span; half of it
    if the sign is "chosen".
    """
    check.choice("sign", sign, ("random", "chosen"))
    check.integer("r", r, 1), check.integer("l", l, 2)
    eps, p = check.number("eps", eps, 0.0, strict=True), check.number("p", p, 0.0, strict=True)
    halves = 2 if sign == "random" else 1
    return max(ceil(halves / moments.smallest_eigenvalue(r, l) * -log(p * eps * eps)), 0)


def _unit(X: Array) -> Array:
    """Columns divided by their norms."""
    xp = namespace(X)
    return X / xp.sqrt(xp.sum(X * X, axis=-2, keepdims=True))
