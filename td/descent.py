"""The algorithm: a variant of gradient descent that leaves the lazy regime (notebook 02).

Our reconstruction. Components are u_i = norms_i · directions_i with signs a_i = ±1, and
T = sum_i a_i ‖u_i‖^p ū_i^{⊗l}, p = 2 (the 2-homogeneous model) or l (plain), in units of ‖T*‖:
targets are scaled to norm 1 inside. Leading axes are independent runs, each with its own random
numbers; a run that has finished leaves the batch.

A run sees its components and T* through inner products alone (Theorem I, notebook 07). So T* may be
given by coordinates in its span: then the first rows of all factors are T*'s, and one more serves
each fresh direction, whatever the dimension d.
"""

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from td import check
from td.backend import Array, Seed, from_numpy, gaussians, generator, namespace, to_numpy
from td.tensor import Target, power, qr

REACHED, SPENT, DIVERGED = "reached the target error", "spent its epochs", "diverged"
TOO_LARGE = 1e3  # relative error above which a run counts as diverged; it starts near 1


@dataclass(frozen=True)
class Recipe:
    """The algorithm's settings, in units where ‖T*‖ = 1 (so norms² are weights).

    tol: relative error to stop at. delta0: norm of a fresh component. epochs, steps: number of
    epochs and gradient steps in each. reinit, stall, redraw: between epochs components whose own
    part is below reinit² are redrawn, and if there are none and the epoch lowered the error by less
    than the fraction ``stall`` (0: never), the one of smallest own part (``replaceable``).
    redraw="norm" redraws by the norm alone (below reinit) instead of the own part. small:
    components up to this norm share one step, the larger ones another (the two-step rule); small=0
    gives all one step (the shared rule, which Theorem E covers). turn: most that a direction turns
    in one step. damp: step times curvature. lam: adds 2 lam u_i to the gradient. signs: "random",
    or "positive" to keep all a_i = +1. model: "homogeneous" (weights a_i‖u_i‖², c_i held constant),
    or for comparison "differentiated" (the same, c_i differentiated: the true gradient) or "plain"
    (weights a_i‖u_i‖^l). ValueError for values out of range.
    """

    tol: float = 1e-2
    delta0: float = 1e-3
    epochs: int = 20
    steps: int = 300
    reinit: float = 0.1
    stall: float = 0.02
    redraw: str = "own"
    small: float = 0.03
    turn: float = 0.2
    damp: float = 1.0
    lam: float = 0.0
    signs: str = "random"
    model: str = "homogeneous"

    def __post_init__(self) -> None:
        """Check the range of every field."""
        for name in ("tol", "delta0", "turn", "damp"):
            check.number(name, getattr(self, name), 0.0, strict=True)
        for name in ("reinit", "stall", "small", "lam"):
            check.number(name, getattr(self, name), 0.0)
        check.integer("epochs", self.epochs, 1), check.integer("steps", self.steps, 1)
        check.choice("redraw", self.redraw, ("own", "norm"))
        check.choice("signs", self.signs, ("random", "positive"))
        check.choice("model", self.model, ("homogeneous", "differentiated", "plain"))

    def degree(self, l: int) -> int:
        """The power of ‖u_i‖ that is component i's weight."""
        return l if self.model == "plain" else 2


BASE = Recipe()
Rngs = Sequence[np.random.Generator] | np.ndarray
Dims = Sequence[int] | np.ndarray


class Runs(NamedTuple):
    """Runs in progress, n of them, as their residual E = T - T* sees them.

    factors (n, k, m): u_i; signs (n, m): a_i; norms (n, m): ‖u_i‖; directions (n, k, m): ū_i;
    weights (n, m): a_i‖u_i‖^p; gram (n, m, m): of the directions; field (n, k, m): E(ū_i^{l-1}, ·);
    error (n,): ‖E‖ / ‖T*‖, Gram form.
    """

    factors: Array
    signs: Array
    norms: Array
    directions: Array
    weights: Array
    gram: Array
    field: Array
    error: Array

    def take(self, keep: Array) -> "Runs":
        """The chosen runs (integers)."""
        return Runs(*(namespace(x).take(x, keep, axis=0) for x in self))


def observe(U: Array, a: Array, T_star: Target, recipe: Recipe) -> Runs:
    """All that a step needs to know of factors U (n, k, m) and signs a (n, m).

    It takes one Gram matrix and one contraction of T*, which has the first of the k coordinates.
    """
    xp, q, l = namespace(U), T_star.dim, T_star.order
    norms = xp.sqrt(xp.vecdot(U, U, axis=-2))
    X = U / xp.where(norms > 0, norms, 1.0)[..., None, :]  # one that has underflowed is absent
    w, G = a * power(norms, recipe.degree(l)), X.mT @ X
    theirs = T_star.contract(X[..., :q, :])
    E = (w[..., None, :] * X) @ power(G, l - 1)
    E[..., :q, :] -= theirs
    # ‖E‖² = ⟨E, T⟩ - ⟨T*, T⟩ + ‖T*‖²; an inner product with T is a sum over components.
    along = xp.vecdot(X, E, axis=-2) - xp.vecdot(X[..., :q, :], theirs, axis=-2)
    square = xp.vecdot(w, along) + T_star.norm**2
    return Runs(U, a, norms, X, w, G, E, xp.sqrt(abs(square)) / T_star.norm)


def step_sizes(now: Runs, l: int, recipe: Recipe) -> Array:
    """The step s_i = l·η_i of each component, (n, m): one for the small ones, one for the large.

    With E_i = E(ū_i^{l-1}, ·) component i changes by s_i ‖u_i‖^{p-1} ‖E_i‖. Within each class s is
    at most turn / max ‖u_i‖^{p-2} ‖E_i‖, so that no direction turns by more than about ``turn``,
    and at most damp / (l max_i sum_k ‖u_k‖^{2p-2} |ū_i·ū_k|^{l-2} + 2 lam) over k in the class,
    which keeps η‖B‖ below 2 (Theorem E, notebook 04). Small ones never move slower than large ones.
    """
    xp, p = namespace(now.norms), recipe.degree(l)
    small = now.norms <= recipe.small
    chosen = xp.stack([small, ~small], axis=-2)
    load = xp.where(chosen, power(now.norms, 2 * p - 2)[..., None, :], 0.0)
    curving = (l * (load @ power(abs(now.gram), l - 2)) + 2 * recipe.lam) / recipe.damp
    speed = xp.sqrt(xp.vecdot(now.field, now.field, axis=-2)) / recipe.turn
    speed = speed * power(now.norms, p - 2) if p > 2 else speed
    stiff = xp.where(chosen, xp.maximum(speed[..., None, :], curving), 0.0)
    stiff = xp.max(stiff, axis=-1)
    stiff = xp.where(small, stiff[..., :1], xp.max(stiff, axis=-1, keepdims=True))
    return 1 / xp.where(stiff > 0, stiff, 1.0)  # 0: nothing moves


def step(now: Runs, l: int, recipe: Recipe) -> Array:
    """The factors u_i - s_i (‖u_i‖^{p-1} a_i E(ū_i^{l-1}, ·) + (2 lam / l) u_i), (n, k, m)."""
    E, s = now.field, step_sizes(now, l, recipe)
    if recipe.model == "differentiated":
        along = namespace(E).vecdot(now.directions, E, axis=-2)
        E = E - (l - 2) / l * along[..., None, :] * now.directions
    push = s * power(now.norms, recipe.degree(l) - 1) * now.signs
    U = now.factors - push[..., None, :] * E
    return U - (2 * recipe.lam / l * s)[..., None, :] * now.factors if recipe.lam else U


def fresh(
    rngs: Rngs,
    dims: int | Dims,
    places: int | np.ndarray,
    recipe: Recipe,
    *,
    used: int | None = None,
    rows: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """For each generator m components delta0 · Unif(S^{d-1}) and their signs: (n, rows, m), (n, m).

    dims: d, or one for each generator. By default all d coordinates are in use. With fewer
    (``used``) the components come in reduced ones, as ``td.backend.gaussians`` says, with zeros in
    rows that a run does not use; places (n, m): their positions there, by default m says how many.
    """
    n, dims = len(rngs), [dims] * len(rngs) if isinstance(dims, int) else dims
    places = np.tile(np.arange(places), (n, 1)) if isinstance(places, int) else places
    used = max(dims) if used is None else used
    U, a = np.zeros((n, rows or used, places.shape[1])), np.ones(places.shape)
    for k, (rng, d, place) in enumerate(zip(rngs, dims, places, strict=True)):
        Z = gaussians(rng, d, used, place)
        U[k, : len(Z)] = Z
    for k, rng in enumerate(rngs if recipe.signs == "random" else []):
        a[k] = rng.choice([-1.0, 1.0], size=len(places[k]))
    return recipe.delta0 * (U / np.linalg.norm(U, axis=1, keepdims=True)), a


def own_parts(now: Runs, l: int, gone: Array | None = None) -> Array:
    """The distance of each w_i ū_i^{⊗l} from the span of the others' powers, (n, m).

    It is |w_i| / sqrt((H⁻¹)_ii) with H_ik = (ū_i·ū_k)^l, the root of what ‖E‖² gains if component i
    is removed and the other weights are fitted again (Proposition 9, notebook 02; the saliency of
    Hassibi and Stork 1993). Components ``gone`` (n, m) are left out, with own part inf. A ridge on
    H makes doubles differ: an own part below 1e-5 |w_i| (float64) is not told from 0.
    """
    xp, gone = namespace(now.gram), now.norms < 0 if gone is None else gone
    own = abs(now.weights) / xp.sqrt(xp.linalg.diagonal(_inverse(now.gram, l, gone)))
    return xp.where(gone, xp.inf, own)


def _inverse(G: Array, l: int, gone: Array) -> Array:
    """The inverse of G^l entrywise plus a ridge, the identity for those ``gone``: (n, m, m)."""
    xp, H = namespace(G), power(G, l)
    stays = xp.astype(~gone, G.dtype)
    H *= stays[..., :, None]
    H *= stays[..., None, :]
    ridge = max(1e-10, 100 * float(xp.finfo(G.dtype).eps))
    H += xp.eye(G.shape[-1], dtype=G.dtype, device=G.device) * (1 - stays + ridge)[..., None, :]
    return xp.linalg.inv(H)


def replaceable(now: Runs, before: Array, l: int, recipe: Recipe) -> Array:
    """The components that the others can replace, and that are redrawn: (n, m) booleans.

    (1) Own parts below reinit^p, the cheapest first, the rest taken anew after each. Own parts are
    at most |w_i| = ‖u_i‖^p, so norms below reinit go at once. (2) If there are none and the error
    is above 1 - stall times that of an epoch ``before`` (n,): the one of smallest own part.
    """
    xp, gone = namespace(before), now.norms < recipe.reinit
    least = recipe.reinit ** recipe.degree(l) if recipe.redraw == "own" else 0.0
    P, place = _inverse(now.gram, l, gone), xp.arange(gone.shape[-1], device=gone.device)
    while True:
        own = abs(now.weights) / xp.sqrt(xp.where(gone, 1.0, xp.linalg.diagonal(P)))
        own = xp.where(gone, xp.inf, own)
        cheapest = place == xp.argmin(own, axis=-1)[:, None]
        if not bool(xp.any(below := cheapest & (own < least))):
            break
        gone, pick = gone | below, xp.astype(below, P.dtype)[..., None]
        column, row = P @ pick, pick.mT @ P  # without it, H's inverse is P's Schur complement
        pivot = row @ pick
        P -= column @ (row / xp.where(pivot > 0, pivot, 1.0))
    stuck = ~xp.any(gone, axis=-1) & (now.error > (1 - recipe.stall) * before)
    return gone | (cheapest & stuck[:, None]) if recipe.stall else gone


def redraw(
    now: Runs,
    gone: Array,
    rngs: Rngs,
    recipe: Recipe,
    *,
    dims: int | Dims | None = None,
    used: int | None = None,
) -> tuple[Array, Array]:
    """Factors (n, k, m) and signs (n, m), with the components ``gone`` (n, m) drawn anew.

    With ``dims`` and ``used`` (see ``fresh``) the factors are in reduced coordinates: those that
    only components that are gone used are freed first.
    """
    xp, k = namespace(gone), now.factors.shape[-2]
    dims, used = k if dims is None else dims, k if used is None else used
    U, places = _freed(now.factors, used, gone)
    V, b = fresh(rngs, dims, to_numpy(places), recipe, used=used, rows=k)
    U = xp.where(gone[..., None, :], from_numpy(V, U), U)
    return U, xp.where(gone, from_numpy(b, U), now.signs)


def _freed(U: Array, used: int, gone: Array) -> tuple[Array, Array]:
    """Free the coordinates that only ``gone`` components use: factors (n, k, m) and places (n, m).

    U (n, k, m), gone (n, m) booleans. The coordinates beyond ``used`` are rotated (a QR) so that
    the s components that stay have them in the first s only; place p of a component is its rank,
    those that stay first. The columns of components that are gone come back without meaning.
    """
    xp = namespace(U)
    order = xp.argsort(xp.astype(gone, xp.int64), axis=-1, stable=True)
    places = xp.argsort(order, axis=-1, stable=True)
    if used == U.shape[-2]:
        return U, places
    sort = xp.astype(places[..., :, None] == xp.arange(U.shape[-1], device=U.device), U.dtype)
    rest = qr(U[..., used:, :] @ sort)[1] @ sort.mT
    return xp.concat([U[..., :used, :], rest], axis=-2), places


class Stage(NamedTuple):
    """The runs that are left at one moment, n of them.

    runs (n,): which of all; steps (n,) each has taken; now: what they see; redraws (n,): components
    drawn anew so far; reason (n,): why each stops here, "" if it goes on.
    """

    runs: np.ndarray
    steps: np.ndarray
    now: Runs
    redraws: np.ndarray
    reason: np.ndarray


def trajectory(
    T_star: Target,
    m: int,
    *,
    seed: Seed,
    runs: int | None = None,
    recipe: Recipe = BASE,
    start: tuple[Array, Array] | None = None,
    dim: int | Sequence[int] | None = None,
    compiled: bool = False,
) -> Iterator[Stage]:
    """Yield every step of ``descend``, whose arguments these are; ``compiled``: every epoch's end.

    Weights are those of T* / ‖T*‖. An epoch's end is shown before components are redrawn, a
    diverged run as it was a step before.
    """
    rngs = np.array(generator(seed).spawn(check.integer("runs", 1 if runs is None else runs, 1)))
    T, dims = _normalised(T_star, len(rngs), recipe.tol), _dims(dim, len(rngs), T_star.dim)
    rows = T.dim + (m := check.integer("m", m, 1)) * (dim is not None)  # whatever d companions have
    U, a = (from_numpy(x, T.norm) for x in fresh(rngs, dims, m, recipe, used=T.dim, rows=rows))
    if start is not None:
        U = check.array("start factors", start[0], U.shape)
        a = check.array("start signs", start[1], a.shape)
    look = importlib.import_module("td.fast").look if compiled else _look
    first, stride = (recipe.steps, recipe.steps) if compiled else (0, 1)
    left, redraws = np.arange(len(rngs)), 0 * dims
    T = T.take(from_numpy(left, U))  # laid out as it will be when runs have left
    good = observe(U, a, T, recipe)
    before = good.error + np.inf
    for t in range(first, recipe.epochs * recipe.steps + 1, stride):
        now, steps, reason = look(U, a, T, recipe, t)
        stopped = bool((ended := reason != "").any())
        if stopped and not compiled:
            now = _blend(from_numpy(reason == DIVERGED, U), good, now)
        yield Stage(left, steps, now, redraws, reason)
        if stopped:
            keep = from_numpy(np.flatnonzero(~ended), U)
            left, redraws = left[~ended], redraws[~ended]
            if not len(left):
                return
            T, now, before = T.take(keep), now.take(keep), namespace(U).take(before, keep, axis=0)
        U, a, good = now.factors, now.signs, now
        if t and t % recipe.steps == 0:
            gone, before = replaceable(now, before, T.order, recipe), now.error
            U, a = redraw(now, gone, rngs[left], recipe, dims=dims[left], used=T.dim)
            redraws, now = redraws + to_numpy(gone).sum(axis=-1), observe(U, a, T, recipe)
        U = U if compiled else step(now, T.order, recipe)


def _look(U: Array, a: Array, T: Target, recipe: Recipe, t: int) -> tuple:
    """What the runs see after ``t`` steps, that number for each, and why each stops there."""
    now = observe(U, a, T, recipe)
    error = to_numpy(now.error)
    reason = np.zeros(len(error), f"<U{len(REACHED)}")
    if t == recipe.epochs * recipe.steps:
        reason[:] = SPENT
    reason[~(error < TOO_LARGE)] = DIVERGED  # NaN diverges too
    reason[error <= recipe.tol] = REACHED
    return now, np.full(len(error), t), reason


def _blend(mask: Array, yes: Runs, no: Runs) -> Runs:
    """The runs of ``yes`` where ``mask`` (n,) is set, else those of ``no``."""
    xp = namespace(mask)
    where = lambda x, y: xp.where(xp.reshape(mask, (-1, *[1] * (x.ndim - 1))), x, y)  # noqa: E731
    return Runs(*map(where, yes, no))


def _normalised(T_star: Target, runs: int, tol: float) -> Target:
    """T* / ‖T*‖, after checking that the runs can use it."""
    if not isinstance(T_star, Target):
        kind = type(T_star).__name__
        raise TypeError(f"T_star must be a SymmetricTensor or CoordinateTensor, got {kind}")
    if T_star.batch not in ((), (runs,)):
        wanted = f"one tensor or a batch of shape ({runs},)"
        raise ValueError(f"T_star must be {wanted}, got batch {T_star.batch}")
    xp, dtype = namespace(T_star.norm), T_star.norm.dtype
    if not bool(xp.all(T_star.norm > 0)):
        raise ValueError("T_star must not be zero: there is nothing to decompose")
    if tol < (finest := 4 * float(xp.finfo(dtype).eps) ** 0.5):
        raise ValueError(f"tol must be at least {finest:.1e} for {dtype}, got {tol:g}")
    return T_star.scaled(1 / T_star.norm)


def _dims(dim: int | Sequence[int] | None, runs: int, least: int) -> np.ndarray:
    """The dimension of every run's space, (n,): by default the ``least``, the coordinates of T*."""
    each = list(dim) if isinstance(dim, Sequence) else [least if dim is None else dim] * runs
    if len(each) != runs:
        raise ValueError(f"dim must be one number or one for each of {runs} runs, got {len(each)}")
    if max(check.integer("dim", d, least) for d in each) > 2**53:
        raise ValueError(f"dim must be at most 2^53, where floats still count, got {max(each)}")
    return np.array(each)


@dataclass(frozen=True)
class Result:
    """What ``descend`` returns; leading axes are runs (absent if it was called without ``runs``).

    T = sum_i weights[..., i] factors[..., :, i]^{⊗l} with unit factors, in the units of the target
    given; error: ‖T - T*‖ / ‖T*‖ in Gram form (honest to about 1e-8); steps taken; redraws; reason
    for stopping.
    """

    weights: Array
    factors: Array
    error: np.ndarray
    steps: np.ndarray
    redraws: np.ndarray
    reason: np.ndarray


def descend(
    T_star: Target,
    m: int,
    *,
    seed: Seed,
    runs: int | None = None,
    recipe: Recipe = BASE,
    start: tuple[Array, Array] | None = None,
    dim: int | Sequence[int] | None = None,
    compiled: bool = False,
) -> Result:
    """Run the algorithm with m components on T*, ``runs`` times from independent initialisations.

    T_star is one tensor for all runs or a batch with one for each. Run k depends on the seed and on
    k, not on the other runs of its batch (bit for bit with numpy). ``start`` is where to begin
    instead of at fresh components: factors (runs, d, m) and signs ±1 (runs, m), in units where
    ‖T*‖ = 1. ``trajectory`` shows every step.

    ``dim``: the dimension d of the space, or one for each run, if T_star is given by coordinates in
    a subspace (``td.tensor.core``). The run is then followed in the min(d, T_star.dim + m) that it
    uses, the first of which are T_star's: exactly the law of a run in R^d, at a cost that does not
    depend on d (Theorem I, notebook 07). Rows that a small d leaves over hold zeros.
    ``compiled``: let numba compile the steps, for numpy arrays. A new install compiles for 15 s;
    then a batch of small runs takes half the time, a single run a small part of it.

    ValueError if T* is zero, if its batch is not (runs,), if start has other shapes, if dim is
    below T_star.dim, or if tol is below what the Gram form of the error resolves (4 sqrt(eps) of
    its dtype); ImportError if ``compiled`` does not find numba.
    """
    ends: dict[int, tuple] = {}
    for left, steps, now, redraws, reason in trajectory(
        T_star, m, seed=seed, runs=runs, recipe=recipe, start=start, dim=dim, compiled=compiled
    ):
        for i in np.flatnonzero(reason != "").tolist():
            own = now.weights[i, ...], now.directions[i, ...], float(now.error[i])
            ends[left[i]] = (*own, steps[i], redraws[i], reason[i])
    weights, factors, *rest = zip(*(ends[k] for k in sorted(ends)), strict=True)
    stack = namespace(T_star.norm).stack
    fields = (stack(weights) * T_star.norm[..., None], stack(factors), *map(np.array, rest))
    return Result(*(x[0, ...] if runs is None else x for x in fields))
