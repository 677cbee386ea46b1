"""The user's entry: a symmetric tensor in, few weights and factors out.

Descent finds a rough fit (notebook 02). Few exact components are made of it by least squares,
on the host, in the few coordinates of the tensor's span and in units of its norm.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain, islice
from math import comb, isqrt

import numpy as np
from scipy.optimize import linear_sum_assignment

from td import check
from td.backend import Array, Seed, from_numpy, generator, namespace, to_numpy
from td.descent import BASE, REACHED, Recipe, trajectory
from td.flow import climb, correlation
from td.tensor import (
    CoordinateTensor,
    SymmetricTensor,
    Target,
    comparable,
    distance,
    exponent,
    from_dense,
    monomials,
    power,
    to_dense,
    unit,
)

ROUGH, FINE = 0.1, 5e-3  # relative errors at which polishing takes over: first attempt, later ones
MOST = 2**25  # entries of arrays that polishing may need: 256 MiB
STEPS = 100  # the most that polishing takes
COARSE, CLOSE = 1e-3, 1e-8  # the least relative gain of a step: on the way, and in the end
SMALLEST = 1e-12  # damping over the largest curvature: below it rounding may win
ROUNDING = 1e-15  # a misfit that rounding alone may cause, ‖T‖ being 1

SHORT = "polished, but not to the target error"
STALLED = "stalled: one more attempt found nothing better"
FLOOR = "met a floor: more terms hardly lower the error"
CANCELLING = "weights far above the tensor's norm cancel: there may be no best fit of this rank"

Model = tuple[np.ndarray, np.ndarray]  # weights (n,) and unit factors (d, n)


@dataclass(frozen=True, eq=False, repr=False)
class Decomposition:
    """T ≈ sum_i weights[i] factors[:, i]^{⊗order} with unit factors: weights (n,), factors (d, n).

    Terms come by falling |weight|. At odd order weights are positive, at even order each factor's
    largest entry is. error: ‖approximation - T‖ / ‖T‖ from coordinates, to about 15 digits; reason:
    why the search ended; curve: the least error found (to 0.1 %) with each number of terms tried;
    polished: whether by least squares; steps: of all descents; attempts: how many; warning: a
    doubt, or "".
    """

    weights: Array
    factors: Array
    order: int
    error: float
    reason: str
    curve: dict[int, float]
    polished: bool
    steps: int
    attempts: int
    warning: str

    @property
    def rank(self) -> int:
        """The number of terms n, the effective rank at accuracy ``tol``."""
        return self.weights.shape[-1]

    @property
    def tensor(self) -> SymmetricTensor:
        """The sum of the terms, factored."""
        return SymmetricTensor(self.weights, self.factors, self.order)

    def to_dense(self) -> Array:
        """The sum of the terms, a d x ... x d array."""
        return to_dense(self.tensor)

    def __repr__(self) -> str:
        """One line."""
        terms = f"{self.rank} terms of order {self.order} in dimension {self.factors.shape[0]}"
        return f"<Decomposition: {terms}, error {self.error:.2g}, {self.reason}>"


def decompose(
    T: Array | Target,
    width: int | None = None,
    *,
    rank: int | None = None,
    seed: Seed = 0,
    tol: float | None = None,
    attempts: int = 3,
    start: SymmetricTensor | None = None,
    recipe: Recipe = BASE,
    compiled: bool = False,
    progress: Callable[[str], object] | None = None,
) -> Decomposition:
    """Write T as a sum of few weighted powers of vectors: the fewest found with error <= ``tol``.

    T is a dense symmetric array of any order >= 2 (numpy, cupy, lists, a DataFrame; integers become
    float64), or a SymmetricTensor or CoordinateTensor without batch; ``td.data`` makes moments of
    data into such. Numbers of terms are tried upward. Without ``tol`` the aim is 1e-8 (or 1000 eps
    if that is larger), and the search ends sooner where the error meets a floor, as in noise
    (``reason``; ``curve`` shows it). ``width``: at most so many terms, and components in descent;
    by default chosen inside, more in each further attempt. ``rank``: exactly so many, the best fit.

    An attempt is a run of notebook 02's algorithm in the span of T's components, with the settings
    of ``recipe`` (signs="positive": no negative weights at even order; ``compiled``: see
    ``descend``), until 10 % or an epoch without progress; then least squares, as long as they need
    arrays of at most 2^25 numbers. ``start``: terms to take instead of the first descent's. A
    matrix is decomposed by its eigenvalues. ``progress``, print
    for example, hears of each number of terms. Ctrl-C raises KeyboardInterrupt with the best result
    so far, if there is one, as its argument. ValueError or TypeError for a tensor not symmetric,
    not finite, zero or too large, sizes below 1, tol < 1000 eps, or weights beyond T's dtype.
    """
    target, doublings = _taken(T)
    sizes = {name: n for name, n in (("width", width), ("rank", rank)) if n is not None}
    most = max((check.integer(name, n, 1) for name, n in sizes.items()), default=None)
    frame, rng, tries = target.span(most), generator(seed), check.integer("attempts", attempts, 1)
    search = _Search(target.image(frame.mT), tol, width, rank, recipe)
    own = [] if start is None else [_in_span(start, target, frame, doublings)]
    try:
        for run in islice(chain(own, iter(lambda: search.run(rng, compiled), None)), tries):
            search.attempt(run, progress or str)
            if search.reason:
                break
    except KeyboardInterrupt:
        best = [search.result(target, frame, doublings)] if search.answer()[0] else []
        raise KeyboardInterrupt(*best) from None
    return search.result(target, frame, doublings)


def _taken(T: Array | Target) -> tuple[Target, int]:
    """One tensor, not zero, with entries near 1, and the power of 2 that T's were divided by."""
    if not isinstance(T, Target):
        A = check.given("T", T)
        e = exponent(A)
        scaled: Target = from_dense(A / 2.0**e)
    elif T.batch:
        raise ValueError(f"T must be one tensor, got a batch of shape {T.batch}")
    elif isinstance(T, CoordinateTensor):
        e = exponent(T.coords)
        scaled = CoordinateTensor(T.coords / 2.0**e, T.dim, T.order)
    else:
        e, f = exponent(T.weights), exponent(T.factors)
        scaled = SymmetricTensor(T.weights / 2.0**e, T.factors / 2.0**f, T.order)
        e += T.order * f
    if not float(scaled.norm) > 0:
        raise ValueError("T must not be zero: there is nothing to decompose")
    return scaled, e


def _in_span(start: SymmetricTensor, target: Target, frame: Array, doublings: int) -> Model:
    """The terms of ``start`` as a run gives them: in the target's span and units."""
    if comparable(start=start, T=target):
        raise ValueError(f"start must be one tensor, got a batch of shape {start.batch}")
    U = to_numpy(frame.mT @ start.factors).astype(float)
    w = to_numpy(start.weights) * np.linalg.norm(U, axis=0) ** target.order
    return np.ldexp(w, -doublings) / float(target.norm), unit(U)


class _Search:
    """The search for few terms of T, given in its span, and what it has found so far.

    host: T in double precision, of norm 1; aim: the error wanted; fewest: terms that singular
    values demand; numbers: of terms to try; floors: those at which a floor would end it; limit: the
    most that are polished; width, widest: of the next descent, and of the last; known: the least
    misfit and its model for each number of terms.
    """

    def __init__(
        self, T: Target, tol: float | None, width: int | None, rank: int | None, recipe: Recipe
    ) -> None:
        """Sizes: no tensor needs more than twice the rank of generic ones."""
        d, l, size = T.dim, T.order, comb(T.dim + T.order - 1, T.order)
        if size > MOST:
            raise ValueError(f"T must have at most 2^25 coordinates in its span, got {size:,}")
        coords = T.coordinates()
        host = CoordinateTensor(to_numpy(coords.coords).astype(float), d, l)
        samples = isinstance(T, SymmetricTensor) and T.factors.shape[-1] > size
        self.T = coords if samples else T  # the fewer numbers
        self.host, self.recipe = host.scaled(1 / float(host.norm)), recipe
        self.aim, floors = _aim(T, tol), tol is None and not rank
        self.floors = range(size if floors else 0)
        self.fewest = _least(self.host, self.aim)
        least = rank or min(_least(self.host, self.aim, floors), width or size)
        self.numbers = range(least, 1 + (rank or width or size))
        self.limit = d if l == 2 else min(MOST // size, isqrt(MOST) // d)
        self.width = max(rank or 1, width or max(2 * least + 4, min(2 * d + 4, 24)))
        self.widest = self.width if width else max(self.width, 2 * -(-size // d) + 2)
        self.known = {0: (1.0, (np.zeros(0), np.zeros((d, 0))))}
        self.steps, self.attempts, self.reason = 0, 0, ""

    def run(self, rng: np.random.Generator, compiled: bool) -> Model:
        """A descent to a rough fit, or to the first epoch that does not lower the error by 2 %."""
        if self.T.order == 2:
            return _eigen(self.host)
        tol = max(self.aim, FINE if self.attempts else ROUGH)
        recipe, last = replace(self.recipe, tol=tol), np.inf
        for stage in trajectory(self.T, self.width, seed=rng, recipe=recipe, compiled=compiled):
            if stage.steps[0] and stage.steps[0] % recipe.steps == 0:
                if not stage.now.error[0] < 0.98 * last:
                    break
                last = float(stage.now.error[0])
        self.steps += int(stage.steps[0])
        w, U = (to_numpy(x)[0].astype(float) for x in (stage.now.weights, stage.now.directions))
        return w, U

    def attempt(self, run: Model, tell: Callable) -> None:
        """What can be made of a run: a reason to stop, or more components next time.

        Terms of about as many numbers as T, which any tensor has, are no reason the first time.
        """
        before, stuck = self.answer(), self.attempts and self.width == self.widest
        floor, self.attempts = self._explore(run, tell), self.attempts + 1
        n, misfit = self.answer()
        few = (n + 1) * self.T.dim <= len(self.host.coords) or n in (self.fewest, self.numbers[-1])
        if misfit <= self.aim:
            self.reason = REACHED if few or n == before[0] else ""
        elif floor:
            self.reason = FLOOR
        elif stuck and n == before[0] and misfit > (1 - COARSE) * before[1]:
            self.reason = STALLED
        self.width = min(2 * self.width, self.widest)

    def answer(self) -> tuple[int, float]:
        """The number of terms chosen so far, and their misfit."""
        n = self.chosen() if any(n in self.numbers for n in self.known) else 0
        return n, self.known[n][0]

    def _explore(self, run: Model, tell: Callable) -> bool:
        """Try numbers of terms upward, to the first that does or a floor; whether it is one."""
        for n in self.numbers[: max(len(run[0]) - self.numbers[0], 0) + 1]:
            self._try(run, n)
            tell(f"{n} terms: error {self.known[n][0]:.2g}")
            if self.known[n][0] <= self.aim:
                break
            if floor := self._floor():
                if not self._structured(run, floor):
                    return True
                self.floors = range(floor + 1, self.floors.stop)  # not there
        return False

    def _try(self, run: Model, n: int) -> None:
        """Two models of n terms: what own parts leave of the run, and one more than n - 1 terms.

        The second since light components are lost among the many of a run. For a matrix: its n
        largest eigenvalues, the rest of which is the misfit.
        """
        if self.T.order == 2:
            w, U = run
            self.known[n] = float(np.linalg.norm(w[n:])), (w[:n], U[:, :n])
            return
        self._keep(_reduced(*run, self.T.order, n))
        if self.known[n][0] <= self.aim:
            return
        if n - 1 not in self.known:
            self._keep(_reduced(*run, self.T.order, n - 1))
        self._keep(_enlarged(self.host, *self.known[n - 1][1], self.recipe.signs, self.attempts))

    def _keep(self, start: Model, gain: float = COARSE) -> None:
        """Polish a model, unless it is too large, and keep it if it is the best of its size."""
        n = len(start[0])
        model = _refined(self.host, *start, gain) if n <= self.limit else start
        misfit = _misfit(self.host, *model)
        if n not in self.known or misfit < self.known[n][0]:
            self.known[n] = misfit, model

    def _floor(self) -> int:
        """The number of terms n from which on the error hardly falls, 0 if there is none.

        Some term up to the n-th brought its square down by half, and the next three together bring
        it down by less than in white noise. Of noise in D' dimensions a term's share is below 3 d /
        D' (the best one's is 2.75 d / D' at order 3 and large d: Auffinger, Ben Arous and Černý
        2013); D - n d are left to it. If that is below 12 d, no floor can be told.
        """
        d, size = self.host.dim, len(self.host.coords)
        square = {n: misfit * misfit for n, (misfit, _) in self.known.items()}
        knee = min((n for n in square if 2 * square[n] <= square.get(n - 1, 0.0)), default=size)
        tried = (n for n in self.floors if n >= knee and n in square and n + 3 in square)
        rest = {n: 1 - 9 * d / (size - n * d) for n in tried if size - n * d > 12 * d}
        return min((n for n in rest if square[n + 3] >= rest[n] * square[n]), default=0)

    def _structured(self, run: Model, floor: int) -> bool:
        """Whether terms with ¾ as many numbers as T bring a floor's error down to a tenth.

        They could not if it were noise.
        """
        size, d = len(self.host.coords), self.host.dim
        n = min(len(run[0]), 3 * size // (4 * d), self.limit)
        if self.T.order == 2:
            return bool(np.linalg.norm(run[0][n:]) <= 0.1 * self.known[floor][0])
        model = _refined(self.host, *_reduced(*run, self.T.order, n))
        return _misfit(self.host, *model) <= 0.1 * self.known[floor][0]

    def chosen(self) -> int:
        """The number of terms to return: the fewest that do, those at a floor, else the best."""
        if self.reason == FLOOR:
            return self._floor()
        tried = {n: self.known[n][0] for n in self.known if n in self.numbers}
        enough = max(self.aim, (1 + COARSE) * min(tried.values()))
        return min(n for n in tried if tried[n] <= enough)

    def result(self, target: Target, frame: Array, doublings: int) -> Decomposition:
        """The chosen model, in the coordinates and units of the tensor that the user gave."""
        n, norm, l = self.chosen(), target.norm, target.order
        if self.known[n][0] > self.aim and l > 2:
            self._keep(self.known[n][1], CLOSE)
        w, U = self.known[n][1]
        w, U = _canonical(float(norm) * w, to_numpy(frame).astype(float) @ U, l)
        model = SymmetricTensor(from_numpy(w, norm), from_numpy(U, norm), l)
        error = float(distance(model, target)) / float(norm)
        reason = REACHED if error <= self.aim else self.reason.replace(REACHED, "") or SHORT
        with np.errstate(over="ignore", under="ignore"):
            weights = from_numpy(np.ldexp(w, doublings), norm)
        if not (np.isfinite(to_numpy(weights)) & (to_numpy(weights) != 0)).all():
            raise ValueError(
                f"T's weights leave the range of {norm.dtype}: scale T, or use float64"
            )
        curve = {n: self.known[n][0] for n in sorted(self.known) if n}
        warning = CANCELLING if np.max(np.abs(w)) > 10 * float(norm) else ""
        facts = curve, n <= self.limit, self.steps, self.attempts, warning
        return Decomposition(weights, model.factors, l, error, reason, *facts)


def _aim(T: Target, tol: float | None) -> float:
    """The error wanted: least squares can reach 1000 eps, and no less."""
    finest = 1000 * float(namespace(T.norm).finfo(T.norm.dtype).eps)
    if check.number("tol", max(1e-8, finest) if tol is None else tol, 0.0, strict=True) < finest:
        raise ValueError(f"tol must be at least {finest:.1e} for {T.norm.dtype}, got {tol:g}")
    return max(1e-8, finest) if tol is None else float(tol)


def _eigen(T: CoordinateTensor) -> Model:
    """A matrix's eigenvalues, the largest first, and their vectors."""
    values, vectors = np.linalg.eigh(T.unfolded)
    order = np.argsort(-abs(values))
    return values[order], vectors[:, order]


def _least(T: CoordinateTensor, allowed: float, floors: bool = False) -> int:
    """The fewest terms that singular values allow.

    T's unfolding (d x d^{l-1}) has a singular value for each that cannot be dropped: n terms have
    an unfolding of rank at most n (Eckart and Young 1936). If ``floors`` count, the fewest from
    which the next value brings the square of the rest down by half: more may be noise.
    """
    tails = np.cumsum(np.linalg.svd(T.unfolded, compute_uv=False)[::-1] ** 2)[::-1]
    rest = np.append(tails[1:], 0.0)
    enough = rest <= np.maximum(allowed**2, tails / 2 if floors else 0.0)
    return int(np.argmax(enough)) + 1


def _enlarged(T: CoordinateTensor, w: np.ndarray, U: np.ndarray, signs: str, seed: int) -> Model:
    """The model and the best of ten terms climbed to on the residual, of either sign if allowed."""
    E = CoordinateTensor(T.coords - monomials(U, T.order) @ w, T.dim, T.order)
    X = np.random.default_rng(seed).standard_normal((T.dim, 10))
    both = (1.0, -1.0) if signs == "random" else (1.0,)
    V = np.concatenate([climb(E.scaled(s), X, steps=30) for s in both], axis=1)
    c = correlation(E, V) if signs == "random" else np.maximum(correlation(E, V), 0.0)
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


def _refined(T: CoordinateTensor, w: np.ndarray, U: np.ndarray, gain: float = COARSE) -> Model:
    """A local minimum of f = ½‖sum_i w_i u_i^{⊗l} - T‖² near w (n,), U (d, n): Levenberg-Marquardt.

    In v_i = |w_i|^{1/l} u_i with the signs of w held (l odd: made positive), so no direction of
    scaling is left over. The residual is taken in coordinates, so that on a zero of it the
    iteration reaches rounding error; the normal matrix comes from inner products (scipy's methods
    factor the Jacobian, D x dn: 1.4 times as long at d = 4, 65 times at d = 20). The damping is a
    multiple of f, so that convergence to a zero of f is quadratic (Yamashita and Fukushima 2001),
    with a factor as in Nielsen (1999). It ends when a step gains less than ``gain`` of f, at
    rounding error, or after ``STEPS``.
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
            done, M, E, V = gained <= gain * square, N, F, V + step.reshape(V.shape)
        else:
            done, damp, grow = damp * square > 1e3, damp * grow, 2 * grow
        if done or np.vdot(E, E) <= ROUNDING**2:
            break
    norms = np.linalg.norm(V, axis=0)
    return signs * power(norms, l), unit(V)


def _residual(T: CoordinateTensor, w: np.ndarray, U: np.ndarray) -> Model:
    """The powers u_i^{⊗(l-1)} by coordinates, (D', n), and sum_i w_i u_i^{⊗l} - T, (D', d)."""
    M = monomials(U, T.order - 1)
    return M, (M * w) @ U.T - T.unfolded


def _misfit(T: CoordinateTensor, w: np.ndarray, U: np.ndarray) -> float:
    """The norm of sum_i w_i u_i^{⊗l} - T."""
    return float(np.linalg.norm(_residual(T, w, U)[1]))


def _normal_matrix(V: np.ndarray, signs: np.ndarray, l: int) -> np.ndarray:
    """JᵀJ for the Jacobian J of sum_i signs_i v_i^{⊗l} in V (d, n), row by row: (dn, dn).

    ⟨Sym(v^{l-1} ⊗ a), Sym(w^{l-1} ⊗ b)⟩ = ((v·w)^{l-1} a·b + (l-1) (v·w)^{l-2} (a·w) (b·v)) / l.
    """
    G, both, (d, n) = V.T @ V, l * np.outer(signs, signs), V.shape
    A = V[:, None, None, :] * V.T[None, :, :, None]
    A *= (l - 1) * (both * power(G, l - 2))[:, None, :]
    A[np.arange(d), :, np.arange(d), :] += both * power(G, l - 1)
    return A.reshape(d * n, d * n)


def _canonical(w: np.ndarray, U: np.ndarray, l: int) -> Model:
    """The terms that are not zero, in an order and with signs that do not depend on the run."""
    w, U = w[w != 0], U[:, w != 0]
    largest = np.take_along_axis(U, np.argmax(np.abs(np.round(U, 6)), axis=0)[None], 0)[0]
    flips = np.where((w if l % 2 else largest) < 0, -1.0, 1.0)
    w, U = w * power(flips, l), U * flips
    order = np.lexsort((*np.round(U[::-1], 6), -np.round(np.abs(w) / np.max(np.abs(w)), 6)))
    return w[order], U[:, order]


def align(A: Decomposition | SymmetricTensor, B: Decomposition | SymmetricTensor) -> tuple:
    """Which term of B belongs to each of A's: pairs (k, 2), and the cosines of their factors (k,).

    The matching of largest total |cosine| (Hungarian method, scipy), k the smaller number of terms.
    Host arrays. ValueError if the dimensions differ.
    """
    U, V = (unit(to_numpy(x.factors)) for x in (A, B))
    if len(U) != len(V):
        raise ValueError(f"A and B must share their dimension, got {len(U)} and {len(V)}")
    pairs = np.stack(linear_sum_assignment(-np.abs(U.T @ V)), axis=1)
    return pairs, np.sum(U[:, pairs[:, 0]] * V[:, pairs[:, 1]], axis=0)
