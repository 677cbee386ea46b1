"""Ground truths T* = sum_j c_j u_j^{⊗l}, made on the host; ``to`` moves them to a device."""

from math import comb, prod

import numpy as np

from td import check
from td.backend import Array, Namespace, Seed, generator
from td.reduced import core, directions, qr
from td.symmetric import SymmetricTensor, monomials


def orthogonal(
    d: int, r: int, l: int, *, seed: Seed, signs: str = "positive", batch: tuple[int, ...] = ()
) -> SymmetricTensor:
    """r <= d orthonormal components, uniform among such frames, weights ±1."""
    _sizes(d, r, l, batch)
    if r > d:
        raise ValueError(f"r must be at most d = {d} for orthogonal components, got {r}")
    rng = generator(seed)
    U = qr(rng.standard_normal((*batch, d, r)))[0]  # signs left to a library: not uniform
    return SymmetricTensor(_weights(rng, signs, (*batch, r)), U, l)


def random(
    d: int, r: int, l: int, *, seed: Seed, signs: str = "positive", batch: tuple[int, ...] = ()
) -> SymmetricTensor:
    """r independent uniform unit components, weights ±1. Nearly orthogonal when d >> r²."""
    _sizes(d, r, l, batch)
    rng = generator(seed)
    U = rng.standard_normal((*batch, d, r))
    return SymmetricTensor(_weights(rng, signs, (*batch, r)), _unit(U), l)


def correlated(
    d: int,
    r: int,
    l: int,
    *,
    cosine: float,
    seed: Seed,
    signs: str = "positive",
    batch: tuple[int, ...] = (),
) -> SymmetricTensor:
    """r < d unit components, any two with inner product ``cosine`` in [0, 1), weights ±1.

    They are one shared direction plus r orthogonal ones.
    """
    if not 0 <= check.number("cosine", cosine) < 1:
        raise ValueError(f"cosine must be in [0, 1), got {cosine}")
    _sizes(d, r, l, batch)
    if r >= d:
        raise ValueError(f"r must be below d = {d} for correlated components, got {r}")
    frame = orthogonal(d, r + 1, l, seed=seed, signs=signs, batch=batch)
    shared, own = frame.factors[..., :1], frame.factors[..., 1:]
    U = np.sqrt(cosine) * shared + np.sqrt(1 - cosine) * own
    return SymmetricTensor(frame.weights[..., 1:], U, l)


def subspace(
    d: int,
    r: int,
    l: int,
    *,
    span: int,
    seed: Seed,
    signs: str = "positive",
    batch: tuple[int, ...] = (),
) -> SymmetricTensor:
    """r independent uniform unit components in one uniform subspace of dimension ``span``."""
    _sizes(d, r, l, batch)
    if check.integer("span", span, 1) > d:
        raise ValueError(f"span must be at most d = {d}, got {span}")
    rng = generator(seed)
    inside = random(span, r, l, seed=rng, signs=signs, batch=batch)
    frame = orthogonal(d, span, l, seed=rng, batch=batch)
    return SymmetricTensor(inside.weights, frame.factors @ inside.factors, l)


def spanned(
    kind: str,
    d: int,
    r: int,
    l: int,
    *,
    seed: Seed,
    cosine: float = 0.5,
    signs: str = "positive",
    batch: tuple[int, ...] = (),
) -> SymmetricTensor:
    """A target of R^d by coordinates in the span of its components: for ``descend(dim=d)``, any d.

    Up to a rotation of R^d it has the law of the function named by ``kind``: "orthogonal",
    "random" or "correlated" (with ``cosine``). Source: notebook 06, "Targets".
    """
    check.choice("kind", kind, ("orthogonal", "random", "correlated"))
    _sizes(d, r, l, batch)
    if d < (least := {"orthogonal": r, "random": 1, "correlated": r + 1}[kind]):
        raise ValueError(f"d must be at least {least} for {r} {kind} components, got {d}")
    if kind == "orthogonal":  # the span is R^r, and the frame uniform there
        return orthogonal(r, r, l, seed=seed, signs=signs, batch=batch)
    if kind == "correlated":
        T = correlated(r + 1, r, l, cosine=cosine, seed=seed, signs=signs, batch=batch)
        return core(T)[0]
    rng, runs = generator(seed), prod(batch)
    U = directions([rng] * runs, [d] * runs, 0, np.tile(np.arange(r), (runs, 1)), min(d, r))
    return SymmetricTensor(_weights(rng, signs, (*batch, r)), U.reshape(*batch, *U.shape[1:]), l)


def trap(d: int, l: int, *, copies: int = 1) -> SymmetricTensor:
    """The tensor of Theorem C (notebook 02): e_1^{⊗l} - Q, or several orthogonal copies of it.

    Q is the sum of the C(l, 2) placements of e_1^{⊗(l-2)} ⊗ e_2 ⊗ e_2. A copy lives in a plane, so
    l + 1 directions there span it: those at angles kπ/(l+1). ValueError unless l >= 3, d >= 2
    copies.
    """
    check.integer("l", l, 3), check.integer("d", d, 2 * check.integer("copies", copies, 1))
    angles = np.pi * np.arange(l + 1) / (l + 1)
    V = np.stack([np.cos(angles), np.sin(angles)])
    coords = np.zeros(l + 1)  # of powers of e_1 and e_2: l - k and k times
    coords[0], coords[2] = 1.0, -np.sqrt(comb(l, 2))
    weights, U = np.linalg.solve(monomials(V, l), coords), np.zeros((d, copies * (l + 1)))
    for j in range(copies):
        U[2 * j : 2 * j + 2, j * (l + 1) : (j + 1) * (l + 1)] = V
    return SymmetricTensor(np.tile(weights, copies), U, l)


def to(T: SymmetricTensor, xp: Namespace, **options: object) -> SymmetricTensor:
    """Copy a host tensor to the namespace ``xp``; ``options`` (device, dtype) go to xp.asarray."""
    move = lambda x: xp.asarray(x, **options)  # noqa: E731
    return SymmetricTensor(move(T.weights), move(T.factors), T.order)


def _sizes(d: int, r: int, l: int, batch: tuple[int, ...]) -> None:
    """Check what every family of targets takes."""
    check.integer("d", d, 1), check.integer("r", r, 1), check.integer("l", l, 2)
    for n in batch:
        check.integer("batch", n, 1)


def _weights(rng: np.random.Generator, signs: str, shape: tuple[int, ...]) -> Array:
    """Weights +1, or independent ±1 when ``signs`` is "mixed"."""
    check.choice("signs", signs, ("positive", "mixed"))
    return np.ones(shape) if signs == "positive" else rng.choice([-1.0, 1.0], size=shape)


def _unit(U: Array) -> Array:
    """Columns divided by their norms."""
    return U / np.linalg.norm(U, axis=-2, keepdims=True)
