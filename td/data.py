"""Moment tensors of data, in factored form: one component for each sample, and no d^l array.

A Gaussian part, such as 3 Sym(Σ ⊗ Σ), is itself a sum of powers (polarisation), so that a cumulant
is a ``SymmetricTensor`` like any other: its contraction with x costs what the samples cost.
"""

import numpy as np

from td import check
from td.backend import Array, from_numpy, namespace
from td.tensor import SymmetricTensor, exponent, from_dense


def moment(X: Array, l: int) -> SymmetricTensor:
    """The mean of x^{⊗l} over the rows x of X (n, d). If they are centred, l = 3: the cumulant."""
    X = check.given("X", X)
    n = check.array("X", X, ("n", "d")).shape[-2]
    weights = namespace(X).full((n,), 1 / n, dtype=X.dtype, device=X.device)
    return SymmetricTensor(weights, X.mT, check.integer("l", l, 2))


def fourth_cumulant(X: Array) -> SymmetricTensor:
    """The fourth cumulant of the rows of X (n, d), which are centred first: n + p² components.

    It is E x^{⊗4} - 3 Sym(Σ ⊗ Σ), Σ of rank p <= min(n, d) the covariance. For x = A s with
    independent s_i it is sum_i κ_i a_i^{⊗4}, κ_i the fourth cumulant of s_i. Where d² exceeds n,
    whiten first.
    """
    X, scale = _scaled(X)
    xp = namespace(X)
    X = X - xp.mean(X, axis=-2, keepdims=True)
    _, values, axes = xp.linalg.svd(X / X.shape[-2] ** 0.5, full_matrices=False)
    return _rescaled(moment(X, 4) - _squared(axes.mT, values * values).scaled(3.0), scale)


def mixture_moment(X: Array, variance: float) -> SymmetricTensor:
    """E x^{⊗3} - 3 σ² Sym(E x ⊗ I) over the rows of X (n, d): n + 2d + 1 components.

    For a mixture of spherical Gaussians of one ``variance`` σ² >= 0, with proportions π_i and means
    μ_i, its expectation is sum_i π_i μ_i^{⊗3} (Anandkumar et al. 2014; notebook 10).
    """
    X, scale = _scaled(X)
    variance = check.number("variance", variance, 0) / scale / scale
    mean = namespace(X).mean(X, axis=-2)
    return _rescaled(moment(X, 3) - _with_identity(mean).scaled(3 * variance), scale)


def mixture(terms: SymmetricTensor, back: Array) -> tuple[Array, Array]:
    """The proportions (k,) and means (d, k) of a mixture, from its whitened third moment's terms.

    ``back`` (d, n) is ``whitening``'s, for the second moment less σ² I. In its coordinates the
    means times the roots of their proportions are orthonormal, so that a term's weight is one over
    such a root. ValueError for weights that are not positive.
    """
    if not bool(namespace(back).all(terms.weights > 0)):
        raise ValueError(f"terms must have positive weights, got {terms.weights}")
    return terms.weights**-2, back @ (terms.factors * terms.weights)


def whitening(S: Array, k: int) -> tuple[Array, Array]:
    """Maps there (k, d) and back (d, k): there @ S @ thereᵀ = I, from S's k largest eigenvalues.

    ``back`` inverts ``there`` on the k directions kept: it takes components to the original
    coordinates. ValueError unless S is symmetric and these eigenvalues are positive (above 1e-12 of
    the largest, 30 eps if that is more).
    """
    from_dense(S := check.given("S", S), name="S")  # complains if it isn't symmetric
    values, vectors = namespace(S).linalg.eigh(S)
    least = max(1e-12, 30 * float(namespace(S).finfo(S.dtype).eps)) * float(values[-1])
    rank = int(np.sum([float(v) > max(least, 0.0) for v in values]))
    if check.integer("k", k, 1) > rank:
        raise ValueError(f"k must be at most {rank}, the positive eigenvalues of S, got {k}")
    root, axes = values[-k:] ** 0.5, vectors[:, -k:]
    return (axes / root).mT, axes * root


def _scaled(X: Array) -> tuple[Array, float]:
    """X (n, d) with entries near 1, and the power of 2 that it was divided by."""
    X = check.array("X", check.given("X", X), ("n", "d"))
    return X / 2.0 ** exponent(X), 2.0 ** exponent(X)


def _rescaled(T: SymmetricTensor, scale: float) -> SymmetricTensor:
    """The tensor of data ``scale`` times as large: no power is taken that leaves the floats."""
    return SymmetricTensor(T.weights, T.factors * scale, T.order)


def _squared(V: Array, values: Array) -> SymmetricTensor:
    """Sym(S ⊗ S) of S = V diag(values) Vᵀ, from Sym(aabb) = ((a+b)⁴ + (a-b)⁴ - 2a⁴ - 2b⁴) / 12."""
    xp = namespace(V)
    i, j = (from_numpy(x, V) for x in np.triu_indices(V.shape[-1], 1))
    a, b = xp.take(V, i, axis=-1), xp.take(V, j, axis=-1)
    both = xp.take(values, i, axis=-1) * xp.take(values, j, axis=-1) / 6
    alone = values * (4 * values - xp.sum(values, axis=-1, keepdims=True)) / 3
    weights = xp.concat([alone, both, both], axis=-1)
    return SymmetricTensor(weights, xp.concat([V, a + b, a - b], axis=-1), 4)


def _with_identity(mu: Array) -> SymmetricTensor:
    """Sym(mu ⊗ I) = sum_a Sym(mu ⊗ e_a ⊗ e_a), from Sym(abb) = ((a+b)³ + (a-b)³ - 2a³) / 6.

    The direction of mu is paired with the axes, and its length is in the weights: no digits lost.
    """
    xp, d = namespace(mu), mu.shape[-1]
    length = xp.sqrt(xp.sum(mu * mu, axis=-1, keepdims=True))
    a = (mu / xp.where(length > 0, length, xp.ones_like(length)))[..., None]
    axes = xp.eye(d, dtype=mu.dtype, device=mu.device)
    each = length * xp.ones((d,), dtype=mu.dtype, device=mu.device) / 6
    weights = xp.concat([-length * d / 3, each, each], axis=-1)
    return SymmetricTensor(weights, xp.concat([a, a + axes, a - axes], axis=-1), 3)
