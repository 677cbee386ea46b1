"""The algorithm: a variant of gradient descent that leaves the lazy regime (notebook 03).

The details are our reconstruction. Components are u_i = norms_i · directions_i with signs a_i = ±1,
and T = sum_i a_i ‖u_i‖^p ū_i^{⊗l}, p = 2 (the 2-homogeneous model) or l (plain). Everything is
measured in units of ‖T*‖: targets are scaled to norm 1 inside. Leading axes are independent runs,
each with its own random numbers; a run that has finished leaves the batch.
"""

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from td import check
from td.backend import Array, Seed, generator, like, namespace, to_numpy
from td.objective import Residual, bracket
from td.reduced import compress, directions
from td.symmetric import SymmetricTensor, Target, column_dot, power, powers_product, transpose

REACHED, SPENT, DIVERGED = "reached the target error", "spent its epochs", "diverged"
LARGEST = 2**53  # the largest dimension: up to here floats tell all whole numbers apart
NAMED = 1000  # components of a target that a history follows
TOO_LARGE = 1e3  # relative error above which a run counts as diverged; it starts near 1


@dataclass(frozen=True)
class Recipe:
    """The algorithm's settings, in units where ‖T*‖ = 1 (so norms² are weights).

    tol: relative error to stop at. delta0: norm of a fresh component. epochs, steps: number of
    epochs and gradient steps in each. reinit: at an epoch's start components below this norm are
    redrawn. small: components up to this norm share one step, the larger ones another (the two-step
    rule); small=0 gives all components one step (the shared rule, which Theorem E covers). turn:
    most that a direction turns in one step. damp: step times curvature. lam: adds 2 lam u_i to the
    gradient. signs: "random", or "positive" to keep all a_i = +1. model: "homogeneous" (weights
    a_i‖u_i‖², c_i held constant), or for comparison "differentiated" (the same, c_i differentiated:
    the true gradient) or "plain" (weights a_i‖u_i‖^l). ValueError for values out of range.
    """

    tol: float = 1e-2
    delta0: float = 1e-3
    epochs: int = 20
    steps: int = 300
    reinit: float = 0.1
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
        for name in ("reinit", "small", "lam"):
            check.number(name, getattr(self, name), 0.0)
        check.integer("epochs", self.epochs, 1), check.integer("steps", self.steps, 1)
        check.choice("signs", self.signs, ("random", "positive"))
        check.choice("model", self.model, ("homogeneous", "differentiated", "plain"))

    def degree(self, l: int) -> int:
        """The power of ‖u_i‖ that is component i's weight."""
        return l if self.model == "plain" else 2


BASE = Recipe()


class State(NamedTuple):
    """Runs in progress: factors (n, d, m), signs (n, m), redraws (n,) so far, all on one device."""

    factors: Array
    signs: Array
    redraws: Array


class View(NamedTuple):
    """A state as its residual sees it.

    norms (n, m): ‖u_i‖; directions (n, d, m): ū_i; weights (n, m): a_i‖u_i‖^p; residual: the field
    E(ū_i^{l-1}, ·), loss and Gram matrix of the directions; error (n,): ‖T - T*‖ / ‖T*‖, Gram form.
    """

    norms: Array
    directions: Array
    weights: Array
    residual: Residual
    error: Array

    @property
    def along(self) -> Array:
        """E(ū_i^l), (n, m): how each direction correlates with the residual."""
        return column_dot(self.directions, self.residual.field)


@dataclass(frozen=True)
class Result:
    """What ``descend`` returns; leading axes are runs (absent if it was called without ``runs``).

    T = sum_i weights[..., i] factors[..., :, i]^{⊗l} with unit factors, in the units of the target
    given; error: ‖T - T*‖ / ‖T*‖ in Gram form (honest to about 1e-8); steps taken; redraws; reason
    for stopping; history: if recorded, one dict per run of arrays over steps 0, 1, ... (see
    ``snapshot``).
    """

    weights: Array
    factors: Array
    error: np.ndarray
    steps: np.ndarray
    redraws: np.ndarray
    reason: np.ndarray
    history: list[dict[str, np.ndarray]]


def observe(state: State, T_star: Target, recipe: Recipe) -> View:
    """Everything one step needs to know, from one Gram matrix and one contraction of T*."""
    xp = namespace(state.factors)
    norms = xp.sqrt(column_dot(state.factors, state.factors))
    directions = state.factors / norms[..., None, :]
    weights = state.signs * power(norms, recipe.degree(T_star.order))
    residual = bracket(weights, directions, T_star, embedded=True)
    return View(norms, directions, weights, residual, xp.sqrt(2 * residual.loss) / T_star.norm)


def step_sizes(view: View, l: int, recipe: Recipe) -> Array:
    """The step s_i = l·η_i of each component, (n, m): one for the small ones, one for the large.

    With E_i = E(ū_i^{l-1}, ·) component i changes by s_i ‖u_i‖^{p-1} ‖E_i‖. Within each class s is
    at most turn / max ‖u_i‖^{p-2} ‖E_i‖, so that no direction turns by more than about ``turn``,
    and at most damp / (l max_i sum_k ‖u_k‖^{2p-2} |ū_i·ū_k|^{l-2} + 2 lam) over k in the class,
    which keeps η‖B‖ below 2 (Theorem E, notebook 04). Small ones never move slower than large ones.
    """
    xp, p = namespace(view.norms), recipe.degree(l)
    small = view.norms <= recipe.small
    chosen = xp.stack([small, ~small], axis=-2)
    zero = xp.zeros_like(view.norms)[..., None, :]
    load = xp.where(chosen, power(view.norms, 2 * p - 2)[..., None, :], zero)
    U, E = view.directions, view.residual
    pull = powers_product(load, U, U, l - 2, absolute=True, G=E.gram)
    curving = (l * pull + 2 * recipe.lam) / recipe.damp
    turning = power(view.norms, p - 2) * xp.sqrt(column_dot(E.field, E.field)) / recipe.turn
    stiff = xp.where(chosen, xp.maximum(turning[..., None, :], curving), zero)
    stiff = xp.max(stiff, axis=-1)  # 1 / the step of each class
    return 1 / xp.where(small, stiff[..., :1], xp.max(stiff, axis=-1, keepdims=True))


def step(state: State, view: View, l: int, recipe: Recipe) -> State:
    """One step u_i <- u_i - s_i (‖u_i‖^{p-1} a_i E(ū_i^{l-1}, ·) + (2 lam / l) u_i)."""
    E = view.residual.field
    if recipe.model == "differentiated":
        E = E - (l - 2) / l * view.along[..., None, :] * view.directions
    s = step_sizes(view, l, recipe)
    push = s * power(view.norms, recipe.degree(l) - 1) * state.signs
    U = state.factors - push[..., None, :] * E
    if recipe.lam:
        U = U - (2 * recipe.lam / l * s)[..., None, :] * state.factors
    return state._replace(factors=U)


def fresh(
    rngs: Sequence[np.random.Generator],
    dims: int | Sequence[int],
    m: int,
    recipe: Recipe,
    *,
    used: int | None = None,
    rows: int | None = None,
    places: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """For each generator m components delta0 · Unif(S^{d-1}) and their signs: (n, rows, m), (n, m).

    dims: d, or one for each generator. By default all d coordinates are in use; with fewer
    (``used``) the components come in reduced ones, as ``td.reduced.directions`` says.
    """
    dims = [dims] * len(rngs) if isinstance(dims, int) else dims
    used = max(dims) if used is None else used
    places = np.tile(np.arange(m), (len(rngs), 1)) if places is None else places
    U = recipe.delta0 * directions(rngs, dims, used, places, used if rows is None else rows)
    if recipe.signs == "positive":
        return U, np.ones((len(rngs), m))
    return U, np.stack([rng.choice([-1.0, 1.0], size=m) for rng in rngs])


def reinitialise(
    state: State,
    rngs: Sequence[np.random.Generator],
    recipe: Recipe,
    *,
    dims: Sequence[int] | None = None,
    used: int | None = None,
) -> State:
    """Redraw direction, sign and scale of every component whose norm is below ``reinit``.

    With ``dims`` and ``used`` (see ``fresh``) the state is in reduced coordinates: those that only
    the redrawn components used are freed first.
    """
    xp, (k, m) = namespace(state.factors), state.factors.shape[-2:]
    dims, used = [k] * len(rngs) if dims is None else dims, k if used is None else used
    below = xp.sqrt(column_dot(state.factors, state.factors)) < recipe.reinit
    kept, places = compress(state.factors, used, below)
    new = fresh(rngs, dims, m, recipe, used=used, rows=k, places=to_numpy(places))
    U, a = (like(x, state.factors) for x in new)
    return State(
        xp.where(below[..., None, :], U, kept),
        xp.where(below, a, state.signs),
        state.redraws + xp.sum(xp.astype(below, state.redraws.dtype), axis=-1),
    )


def snapshot(view: View, T_star: Target) -> dict[str, np.ndarray]:
    """What the history keeps of each step: error (n,), norms (n, m), alignment (n, r, m).

    alignment is u*_jᵀ ū_i / ‖u*_j‖, kept only for a factored target, since others name no
    components, and up to ``NAMED`` of them, since samples of data are no names either.
    """
    seen = {"error": view.error, "norms": view.norms}
    if isinstance(T_star, SymmetricTensor) and T_star.factors.shape[-1] <= NAMED:
        U, xp = T_star.factors, namespace(T_star.factors)
        unit = U / xp.sqrt(column_dot(U, U))[..., None, :]
        seen["alignment"] = transpose(unit) @ view.directions[..., : T_star.dim, :]
    return {name: to_numpy(x) for name, x in seen.items()}


class Moment(NamedTuple):
    """One step of a batch: its number, which runs are in it, their state, view and reason to stop.

    reason holds "" for the runs that go on. A diverged run's view is that of its last good step.
    """

    step: int | np.ndarray
    runs: np.ndarray
    state: State
    view: View
    reason: np.ndarray


def trajectory(
    T_star: Target,
    m: int,
    rngs: Sequence[np.random.Generator],
    recipe: Recipe,
    start: tuple[Array, Array] | None = None,
    dim: int | Sequence[int] | None = None,
) -> Iterator[Moment]:
    """Yield every step of one run for each generator; runs that have stopped leave the batch.

    T_star must have norm 1: one tensor for all runs, or one for each. Run k's random numbers come
    from rngs[k] alone, so its path does not depend on which others are there. ``start`` and ``dim``
    are as in ``descend``; without a start the components are fresh ones.
    """
    state, dims = _begin(T_star, m, rngs, recipe, start, dim)
    runs, used = np.arange(len(rngs)), T_star.dim
    good, budget = observe(state, T_star, recipe), recipe.epochs * recipe.steps
    for t in range(budget + 1):
        if 0 < t < budget and t % recipe.steps == 0:
            state = _redrawn(state, runs, rngs, recipe, dims, used)
        view = observe(state, T_star, recipe)
        reason = _verdict(to_numpy(view.error), recipe.tol, last=t == budget)
        if DIVERGED in reason:
            view = _blend(like(reason == DIVERGED, view.error), good, view)
        yield Moment(t, runs, state, view, reason)
        going = np.flatnonzero(reason == "")
        if len(going) < len(runs):
            if not len(going):
                return
            runs, keep = runs[going], like(going, view.error)
            T_star, state, view = T_star.take(keep), _take(state, keep), _take(view, keep)
        state, good = step(state, view, T_star.order, recipe), view


def leaps(
    T_star: Target,
    m: int,
    rngs: Sequence[np.random.Generator],
    recipe: Recipe,
    start: tuple[Array, Array] | None = None,
    dim: int | Sequence[int] | None = None,
) -> Iterator[Moment]:
    """The ends of ``trajectory``'s epochs, whose steps are compiled (``td.compiled``).

    A Moment's step is that of each run (n,). Every step is ``trajectory``'s up to rounding, which a
    long run past saddles can amplify.
    """
    compiled = _compiled()
    (state, dims), used = _begin(T_star, m, rngs, recipe, start, dim), T_star.dim
    runs, reasons = np.arange(len(rngs)), np.array(["", REACHED, DIVERGED])
    for epoch in range(recipe.epochs):
        if epoch:
            state = _redrawn(state, runs, rngs, recipe, dims, used)
        last = epoch == recipe.epochs - 1
        state, steps, ends, errors = compiled.advance(T_star, state, recipe, last=last)
        view = observe(state, T_star, recipe)._replace(error=errors)
        reason = np.where(ends == 0, SPENT if last else "", reasons[ends])
        yield Moment(epoch * recipe.steps + steps, runs, state, view, reason)
        going = np.flatnonzero(reason == "")
        if not len(going):
            return
        runs, state, T_star = runs[going], _take(state, going), T_star.take(going)


def descend(
    T_star: Target,
    m: int,
    *,
    seed: Seed,
    runs: int | None = None,
    recipe: Recipe = BASE,
    record: bool = False,
    start: tuple[Array, Array] | None = None,
    dim: int | Sequence[int] | None = None,
    compiled: bool = False,
) -> Result:
    """Run the algorithm with m components on T*, ``runs`` times from independent initialisations.

    T_star is one tensor for all runs or a batch with one for each. Run k depends on the seed and on
    k, not on the other runs of its batch (bit for bit with numpy). ``start`` is where to begin
    instead of at fresh components: factors (runs, d, m) and signs ±1 (runs, m), in units where
    ‖T*‖ = 1.

    ``dim``: the dimension d of the space, or one for each run, if T_star is given by its
    coordinates in a subspace (``td.reduced.core``). The run is then followed in the min(d,
    T_star.dim + m) coordinates that it uses, the first of which are T_star's: exactly the law of a
    run in R^d, at a cost that does not depend on d (Theorem I, notebook 06). All arrays have
    T_star.dim + m rows; those that a small d leaves over hold zeros.

    ``compiled``: let numba compile the steps, for numpy arrays. The first call of a new install
    takes a quarter of a minute for it; then a batch of small runs takes half the time, and a single
    run a small part of it. Nothing is recorded.

    ValueError if T* is zero, if its batch is not (runs,), if start has other shapes, if dim is
    below T_star.dim, if tol is below what the Gram form of the error resolves (4 sqrt(eps) of its
    dtype), or for ``record`` of compiled runs; ImportError if ``compiled`` does not find numba.
    """
    if compiled and record:
        raise ValueError("compiled=True can't be combined with record=True: it keeps no history")
    check.integer("m", m, 1)
    rngs = generator(seed).spawn(check.integer("runs", 1 if runs is None else runs, 1))
    T, norm = _normalised(T_star, len(rngs), recipe.tol)
    ends: list[dict[str, Any]] = [{}] * len(rngs)
    tapes: list[list[dict]] = [[] for _ in rngs]
    for now in (leaps if compiled else trajectory)(T, m, rngs, recipe, start, dim):
        if record:
            seen = snapshot(now.view, T.take(like(now.runs, T.array)))
            for i, k in enumerate(now.runs.tolist()):
                tapes[k].append({name: x[i] for name, x in seen.items()})
        for i in np.flatnonzero(now.reason != "").tolist():
            ends[now.runs[i]] = _ending(now, i)
    return _result(ends, norm, [_stack(tape) for tape in tapes if tape], single=runs is None)


def _compiled() -> Any:
    """The module of compiled loops, which nothing else needs."""
    try:
        return importlib.import_module("td.compiled")
    except ImportError as err:
        raise ImportError(
            f"compiled=True needs numba (pip install 'beyond-lazy-training[fast]'): {err}"
        ) from err


def _begin(
    T_star: Target,
    m: int,
    rngs: Sequence[np.random.Generator],
    recipe: Recipe,
    start: tuple[Array, Array] | None,
    dim: int | Sequence[int] | None,
) -> tuple[State, list[int]]:
    """Where the runs begin, and the dimension of every run's space."""
    dims, used = _dims(dim, len(rngs), T_star.dim), T_star.dim
    rows = used if dim is None else used + m  # whatever the d of its companions, see ``descend``
    U, a = (like(x, T_star.array) for x in fresh(rngs, dims, m, recipe, used=used, rows=rows))
    U, a = (U, a) if start is None else _checked(start, U.shape)
    return State(U, a, like(np.zeros(len(rngs), dtype=int), U)), dims


def _redrawn(
    state: State,
    runs: np.ndarray,
    rngs: Sequence[np.random.Generator],
    recipe: Recipe,
    dims: list[int],
    used: int,
) -> State:
    """``reinitialise`` for those ``runs`` of all."""
    left, here = ([every[k] for k in runs.tolist()] for every in (rngs, dims))
    return reinitialise(state, left, recipe, dims=here, used=used)


def _normalised(T_star: Target, runs: int, tol: float) -> tuple[Target, Array]:
    """T* / ‖T*‖ and ‖T*‖, after checking that the runs can use them."""
    if not isinstance(T_star, Target):
        kind = type(T_star).__name__
        raise TypeError(f"T_star must be a SymmetricTensor or CoordinateTensor, got {kind}")
    xp, norm = namespace(T_star.array), T_star.norm
    if T_star.batch not in ((), (runs,)):
        raise ValueError(
            f"T_star must be one tensor or a batch of shape ({runs},), got batch {T_star.batch}"
        )
    if not bool(xp.all(norm > 0)):
        raise ValueError("T_star must not be zero: there is nothing to decompose")
    finest = 4 * float(xp.finfo(T_star.array.dtype).eps) ** 0.5
    if tol < finest:
        raise ValueError(f"tol must be at least {finest:.1e} for {T_star.array.dtype}, got {tol:g}")
    return T_star.scaled(1 / norm), norm


def _dims(dim: int | Sequence[int] | None, runs: int, used: int) -> list[int]:
    """The dimension of every run's space: by default just the ``used`` coordinates of T*."""
    dims = [used if dim is None else dim] * runs if not isinstance(dim, Sequence) else list(dim)
    if len(dims) != runs:
        raise ValueError(f"dim must be one number or one for each of {runs} runs, got {len(dims)}")
    dims = [check.integer("dim", d, used) for d in dims]
    if max(dims) > LARGEST:
        raise ValueError(f"dim must be at most {LARGEST}, got {max(dims)}")
    return dims


def _checked(start: tuple[Array, Array], shape: tuple[int, ...]) -> tuple[Array, Array]:
    """The given factors and signs, if they are finite and of the shapes that the runs need."""
    U, a = start
    check.alike(factors=U, signs=a), check.array("start factors", U, shape)
    check.array("start signs", a, (shape[0], shape[2]))
    return U, a


def _verdict(error: np.ndarray, tol: float, *, last: bool) -> np.ndarray:
    """Why each run stops here; "" if it goes on."""
    going_on = np.where(error < TOO_LARGE, SPENT if last else "", DIVERGED)  # NaN diverges too
    return np.where(error <= tol, REACHED, going_on)


def _take(tree: Any, keep: Array) -> Any:
    """The chosen runs of every array in nested tuples."""
    if isinstance(tree, tuple):
        return type(tree)(*(_take(x, keep) for x in tree))
    return None if tree is None else namespace(tree).take(tree, keep, axis=0)


def _blend(mask: Array, yes: Any, no: Any) -> Any:
    """Per run, the arrays of ``yes`` where ``mask``, else those of ``no``, in nested tuples."""
    if isinstance(yes, tuple):
        return type(yes)(*(_blend(mask, x, y) for x, y in zip(yes, no, strict=True)))
    if yes is None:
        return None
    xp = namespace(yes)
    return xp.where(xp.reshape(mask, (-1, *[1] * (yes.ndim - 1))), yes, no)


def _ending(now: Moment, i: int) -> dict[str, Any]:
    """The fields of Result for the i-th run of a batch that stops at this moment."""
    return {
        "weights": now.view.weights[i, ...],
        "factors": now.view.directions[i, ...],
        "error": float(now.view.error[i]),
        "steps": int(np.broadcast_to(now.step, now.runs.shape)[i]),
        "redraws": int(now.state.redraws[i]),
        "reason": now.reason[i],
    }


def _stack(tape: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One array over steps for each name on the tape."""
    return {name: np.stack([seen[name] for seen in tape]) for name in tape[0]}


def _result(ends: list[dict], norm: Array, history: list[dict], *, single: bool) -> Result:
    """Stack the runs' endings, in the units of the target given."""
    xp = namespace(norm)
    stacked = {name: [end[name] for end in ends] for name in ends[0]}
    weights, factors = xp.stack(stacked.pop("weights")), xp.stack(stacked.pop("factors"))
    arrays = {name: np.asarray(values) for name, values in stacked.items()}
    fields = {"weights": weights * norm[..., None], "factors": factors, **arrays}
    return Result(
        **({k: x[0, ...] for k, x in fields.items()} if single else fields), history=history
    )
