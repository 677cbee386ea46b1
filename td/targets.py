"""Ground truths T* = sum_j c_j u_j^{⊗l}, made on the host; ``moved`` takes them to a device.

``options`` of every family: signs="positive" (weights +1) or "mixed" (independent ±1), and batch,
the shape of a batch of independent targets, () by default.
"""

from collections.abc import Callable
from math import comb, prod
from typing import Any

import numpy as np

from td import check
from td.backend import Seed, gaussians, generator
from td.tensor import SymmetricTensor, core, monomials, qr, unit


def orthogonal(d: int, r: int, l: int, *, seed: Seed, **options: Any) -> SymmetricTensor:
    """r <= d orthonormal components, uniform among such frames, weights ±1."""
    if check.integer("r", r, 1) > check.integer("d", d, 1):
        raise ValueError(f"r must be at most d = {d} for orthogonal components, got {r}")
    # (``qr`` fixes the signs: left to a library they would not be uniform.)
    return _drawn(lambda rng, batch: qr(rng.standard_normal((*batch, d, r)))[0], l, seed, **options)


def random(d: int, r: int, l: int, *, seed: Seed, **options: Any) -> SymmetricTensor:
    """r independent uniform unit components, weights ±1. Nearly orthogonal when d >> r²."""
    check.integer("d", d, 1), check.integer("r", r, 1)
    return _drawn(lambda rng, batch: unit(rng.standard_normal((*batch, d, r))), l, seed, **options)


def correlated(
    d: int, r: int, l: int, *, seed: Seed, cosine: float = 0.5, **options: Any
) -> SymmetricTensor:
    """r < d unit components, any two with inner product ``cosine`` in [0, 1), weights ±1.

    They are one shared direction plus r orthogonal ones.
    """
    if not 0 <= check.number("cosine", cosine) < 1:
        raise ValueError(f"cosine must be in [0, 1), got {cosine}")
    if check.integer("r", r, 1) >= check.integer("d", d, 1):
        raise ValueError(f"r must be below d = {d} for correlated components, got {r}")
    T = orthogonal(d, r + 1, l, seed=seed, **options)
    U = np.sqrt(cosine) * T.factors[..., :1] + np.sqrt(1 - cosine) * T.factors[..., 1:]
    return SymmetricTensor(T.weights[..., 1:], U, l)


def spanned(kind: str, d: int, r: int, l: int, *, seed: Seed, **options: Any) -> SymmetricTensor:
    """A target of R^d by coordinates in the span of its components: for ``descend(dim=d)``, any d.

    Up to a rotation of R^d it has the law of the function named by ``kind``: "orthogonal",
    "random" or "correlated". Source: notebook 07, "Targets".
    """
    least = {"orthogonal": r, "random": 1, "correlated": check.integer("r", r, 1) + 1}
    if check.integer("d", d, 1) < least[check.choice("kind", kind, tuple(least))]:
        raise ValueError(f"d must be at least {least[kind]} for {r} {kind} components, got {d}")
    if kind == "orthogonal":  # the span is R^r, and the frame uniform there
        return orthogonal(r, r, l, seed=seed, **options)
    if kind == "correlated":
        return core(correlated(r + 1, r, l, seed=seed, **options))[0]

    def draw(rng: np.random.Generator, batch: tuple[int, ...]) -> np.ndarray:
        U = np.stack([gaussians(rng, d, 0, np.arange(r)) for _ in range(prod(batch))])
        return unit(U.reshape(*batch, *U.shape[1:]))

    return _drawn(draw, l, seed, **options)


def trap(d: int, l: int, *, copies: int = 1) -> SymmetricTensor:
    """The tensor of Theorem C (notebook 03): e_1^{⊗l} - Q, or several orthogonal copies of it.

    Q is the sum of the C(l, 2) placements of e_1^{⊗(l-2)} ⊗ e_2 ⊗ e_2. A copy lives in a plane, so
    l + 1 directions there span it: those at angles kπ/(l+1). It needs l >= 3, d >= 2 copies.
    """
    check.integer("l", l, 3), check.integer("d", d, 2 * check.integer("copies", copies, 1))
    angles = np.pi * np.arange(l + 1) / (l + 1)
    V, U = np.stack([np.cos(angles), np.sin(angles)]), np.zeros((d, copies * (l + 1)))
    coords = np.zeros(l + 1)  # of powers of e_1 and e_2: l - k and k times
    coords[0], coords[2] = 1.0, -np.sqrt(comb(l, 2))
    U[: 2 * copies] = np.kron(np.eye(copies), V)
    return SymmetricTensor(np.tile(np.linalg.solve(monomials(V, l), coords), copies), U, l)


def _drawn(
    draw: Callable, l: int, seed: Seed, *, signs: str = "positive", batch: tuple[int, ...] = ()
) -> SymmetricTensor:
    """The tensor of unit columns draw(generator, batch), weights +1 or independent ±1 ("mixed")."""
    check.choice("signs", signs, ("positive", "mixed")), check.integer("l", l, 2)
    rng, batch = generator(seed), tuple(check.integer("batch", n, 1) for n in batch)
    U = draw(rng, batch)
    shape = (*batch, U.shape[-1])
    weights = np.ones(shape) if signs == "positive" else rng.choice([-1.0, 1.0], size=shape)
    return SymmetricTensor(weights, U, l)
