"""Other methods for the same problem, in short form, to compare with (notebook 08): numpy only.

Each takes a dense symmetric array T of order l >= 3, with axes of length d, and a number of terms.
ValueError or TypeError for an array that is not such, or is zero, and for numbers out of range.
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from td import check
from td.backend import Seed, generator
from td.decompose import span
from td.flow import field
from td.objective import bracket
from td.symmetric import (
    CoordinateTensor,
    SymmetricTensor,
    from_dense,
    monomials,
    power,
    triangle,
)


def compress(
    T: np.ndarray, r: int | None = None, *, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The core of T in the span of its r leading singular vectors, and their frame (d, r).

    Without r: in its whole span (``td.decompose.span``), which takes less time if it has at most
    ``most`` dimensions. The core's components, times the frame, are those of T (Tucker 1966; De
    Lathauwer, De Moor and Vandewalle 2000).
    """
    given = {name: n for name, n in (("r", r), ("most", most)) if n is not None}
    target = _checked(T, **given)
    d, l = target.dim, target.order
    if r is None:
        frame = span(target, d if most is None else most)
    elif r > d:
        raise ValueError(f"r must be at most d = {d}, got {r}")
    else:  # the triangle first: a fourth of the time of svd alone
        frame = np.linalg.svd(triangle(T.reshape(d, -1).T).T)[0][:, :r]
    return reduce(lambda B, _: np.tensordot(B, frame, axes=(0, 0)), range(l), T), frame


def deflation(
    T: np.ndarray, r: int, *, seed: Seed, starts: int = 10, steps: int = 30
) -> SymmetricTensor:
    """The tensor power method: x <- T(x^{l-1}, ·) / ‖·‖; the best of ``starts`` is subtracted.

    Right for orthogonal components. Source: Anandkumar, Ge, Hsu, Kakade and Telgarsky (2014).
    """
    E, rng, found = _checked(T, r=r, starts=starts, steps=steps), generator(seed), []
    for _ in range(r):
        X = rng.standard_normal((E.dim, starts))
        for _ in range(steps):
            X = _unit(E.contract(X))
        values = field(E, X)[1]
        best = np.argmax(abs(values))
        found.append((values[best], X[:, best]))
        coords = E.coords - values[best] * monomials(X, E.order)[:, best]
        E = CoordinateTensor(coords, E.dim, E.order)
    return _collected(found, E.order)


def jennrich(T: np.ndarray, r: int, *, seed: Seed) -> SymmetricTensor:
    """Simultaneous diagonalisation: components are the eigenvectors of M_a M_b⁻¹.

    M_a = T(a^{l-2}, ·, ·) for random a and b, in the span of T's r leading singular vectors; the
    weights are least-squares ones. Right for r <= d independent components. Source: Harshman
    (1970), who names Jennrich; Leurgans, Ross and Abel (1993).
    """
    (core, frame), l = compress(T, check.integer("r", r, 1)), T.ndim
    M, N = (_at(core, x, l - 2) for x in generator(seed).standard_normal((2, r)))
    U = _unit(np.linalg.eig(M @ np.linalg.pinv(N))[1].real)
    values = field(from_dense(core), U)[1]
    weights = np.linalg.lstsq(power(U.T @ U, l), values)[0]
    return SymmetricTensor(weights, frame @ U, l)


def subspace_power(
    T: np.ndarray, r: int, *, seed: Seed, starts: int = 3, steps: int = 1000
) -> SymmetricTensor:
    """The subspace power method, for even l = 2n: find x with x^{⊗n} in the range of T's matrix.

    The d^n x d^n matrix of T has r eigenvectors V with values Λ. Climbs |Vᵀ x^{⊗n}|², which is 1
    at the components, from at most ``starts`` points, then subtracts w (x^{⊗n})^{⊗2} with the w
    that takes a rank from the matrix. Source: Kileel and Pereira (2019).
    """
    d, n, rng = _checked(T, r=r, starts=starts, steps=steps).dim, T.ndim // 2, generator(seed)
    if T.ndim % 2:
        raise ValueError(f"T must have even order for the subspace power method, got {T.ndim}")
    found, (values, V) = [], _leading(T.reshape(d**n, d**n), r)
    for left in range(r - 1, -1, -1):
        x, y = _highest(V, n, rng, starts, steps)
        found.append((1 / (y @ (y / values)), x))
        values, Q = _leading(np.diag(values) - found[-1][0] * np.outer(y, y), left)
        V = V @ Q
    return _collected(found, T.ndim)


def lbfgs(T: np.ndarray, m: int, *, seed: Seed, tol: float, steps: int = 2000) -> SymmetricTensor:
    """L-BFGS on ½‖sum_i w_i u_i^{⊗l} - T‖² in all w_i and u_i at once, by ``objective.bracket``.

    From w = 0 and random unit u_i. Stops at relative error ``tol`` (above 6e-8), where the gradient
    vanishes, or after ``steps``.
    """
    target, l, rng = _checked(T, m=m, steps=steps), T.ndim, generator(seed)
    d, norm, scaled = target.dim, target.norm, target.scaled(1 / target.norm)
    check.number("tol", tol, 0.0, strict=True)

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        w, U = x[:m], x[m:].reshape(d, m)
        E = bracket(w, U, scaled)
        slopes = np.sum(U * E.field, axis=0), np.ravel(l * w * E.field)
        return float(E.loss), np.concatenate(slopes)

    def enough(intermediate_result: OptimizeResult) -> None:
        if intermediate_result.fun <= 0.5 * tol * tol:
            raise StopIteration

    start = np.concatenate([np.zeros(m), np.ravel(_unit(rng.standard_normal((d, m))))])
    options = {"maxiter": steps, "maxfun": 2 * steps, "ftol": 0.0, "gtol": 1e-3 * tol}
    x = minimize(loss, start, jac=True, method="L-BFGS-B", callback=enough, options=options).x
    return SymmetricTensor(norm * x[:m], x[m:].reshape(d, m), l)


def als(
    T: np.ndarray, m: int, *, seed: Seed, tol: float, sweeps: int = 1000
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Alternating least squares: each of the l factor matrices in turn, the others fixed.

    Does not keep the symmetry: returns weights (m,) and l different matrices (d, m), with unit
    columns. Stops at relative error ``tol`` (above 6e-8), where a sweep changes the error by less
    than a thousandth of it, or after ``sweeps``. Source: Carroll and Chang (1970); Harshman (1970).
    """
    d, l, flat = _checked(T, m=m, sweeps=sweeps).dim, T.ndim, T.reshape(len(T), -1)
    check.number("tol", tol, 0.0, strict=True)
    factors = list(generator(seed).standard_normal((l, d, m)))
    norm, last = np.linalg.norm(T), np.inf
    for _ in range(sweeps):
        for _ in range(l):  # T is symmetric: the first matrix is always next, then put last
            rest = factors[1:]
            pull = flat @ reduce(lambda X, Y: (X[:, None] * Y).reshape(-1, m), rest)
            G = reduce(np.multiply, [U.T @ U for U in rest])
            new = np.linalg.lstsq(G, pull.T)[0].T
            weights = np.linalg.norm(new, axis=0)
            factors = [*rest, new / weights]
        error = np.sqrt(max(norm**2 + np.sum(new * (new @ G - 2 * pull)), 0.0)) / norm
        if error <= tol or abs(last - error) <= 1e-3 * tol:
            break
        last = error
    return weights, factors


def recovers(T: SymmetricTensor, factors: Sequence[np.ndarray], *, cosine: float = 0.99) -> bool:
    """Whether each component of T is matched by one term of a fit, |cosine| >= ``cosine``.

    factors: the l matrices (d, m) of a fit, or one that serves all; a term matches if all do.
    """
    if not 0 <= check.number("cosine", cosine) < 1:
        raise ValueError(f"cosine must be in [0, 1), got {cosine}")
    ours = [check.array("factors", U, (T.dim, "m")) for U in factors]
    least = reduce(np.minimum, [abs(_unit(T.factors).T @ _unit(U)) for U in ours])
    return bool(np.all(least.max(axis=1) >= cosine))


def _checked(T: np.ndarray, **counts: int) -> CoordinateTensor:
    """T by its coordinates, if it is what all methods take and the ``counts`` are positive."""
    for name, value in counts.items():
        check.integer(name, value, 1)
    if type(T) is not np.ndarray or T.ndim < 3 or not np.any(T):
        raise TypeError("T must be a numpy array of order >= 3 that is not zero")
    return from_dense(T)


def _collected(found: list[tuple[float, np.ndarray]], l: int) -> SymmetricTensor:
    """The tensor of the weights and unit vectors found one by one."""
    weights, factors = zip(*found, strict=True)
    return SymmetricTensor(np.stack(weights), np.stack(factors, axis=1), l)


def _unit(X: np.ndarray) -> np.ndarray:
    """Columns divided by their norms."""
    return X / np.linalg.norm(X, axis=0)


def _at(B: np.ndarray, x: np.ndarray, n: int) -> np.ndarray:
    """B with its last n axes contracted with x."""
    return reduce(np.matmul, [x] * n, B)


def _leading(M: np.ndarray, r: int) -> tuple[np.ndarray, np.ndarray]:
    """The r eigenvalues of largest modulus of a symmetric matrix, and their eigenvectors."""
    values, V = np.linalg.eigh(M)
    keep = np.argsort(-abs(values))[:r]
    return values[keep], V[:, keep]


def _highest(
    V: np.ndarray, n: int, rng: np.random.Generator, starts: int, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """A maximiser x of |Vᵀ x^{⊗n}|² on the sphere, by a shifted power method, and Vᵀ x^{⊗n}."""
    d, found = round(len(V) ** (1 / n)), []
    lift = lambda x: V.T @ reduce(np.multiply.outer, [x] * n).ravel()  # noqa: E731
    for _ in range(starts):
        x = _unit(rng.standard_normal(d))
        for _ in range(steps):
            pull = _at((V @ lift(x)).reshape((d,) * n), x, n - 1)
            last, x = x, _unit(pull + np.sqrt(1 - 1 / n) * x)
            if np.max(abs(x - last)) < 1e-12:
                break
        found.append((x, lift(x)))
        if np.sum(found[-1][1] ** 2) > 1 - 1e-8:
            break
    return max(found, key=lambda pair: np.sum(pair[1] ** 2))
