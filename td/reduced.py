"""Runs in R^d for any d, in the few coordinates that matter (Theorem I, notebook 06).

A run sees its components and T* through inner products alone. So it may be followed in coordinates
of their span: first those of T*, then one for each fresh direction, at most min(d, rank T* + m).
The dimension d enters only where directions are drawn, and no array has d rows.
"""

from collections.abc import Sequence

import numpy as np

from td.backend import Array, namespace
from td.symmetric import SymmetricTensor, transpose


def gaussians(rng: np.random.Generator, d: int, used: int, place: np.ndarray) -> np.ndarray:
    """Standard normal vectors of R^d by coordinates, ``used`` <= d of which are in use: (k, m).

    k = min(d, used + m). Vector j, at position place[j] of a permutation of 0, ..., m-1, has
    standard normals in the coordinates of ``used`` and of the positions before its own, and in a
    coordinate of its own the length of the rest: chi with d - used - place[j] degrees of freedom.
    No rest is left from position d - used on. Source: notebook 06, "A fresh direction".
    """
    k, own = min(d, used + len(place)), used + place
    Z = rng.standard_normal((len(place), k)).T
    Z[np.arange(k)[:, None] > own] = 0.0
    new = np.flatnonzero(own < k)
    Z[own[new], new] = np.sqrt(rng.chisquare(d - own[new]))
    return Z


def directions(
    rngs: Sequence[np.random.Generator],
    dims: Sequence[int],
    used: int,
    places: np.ndarray,
    rows: int,
) -> np.ndarray:
    """Uniform directions in R^d by coordinates, for each generator, d in ``dims``: (n, rows, m).

    As in ``gaussians``, with zeros in the rows that a run does not use; ``places`` is (n, m).
    """
    U = np.zeros((len(rngs), rows, places.shape[1]))
    for k, (rng, d, place) in enumerate(zip(rngs, dims, places, strict=True)):
        Z = gaussians(rng, d, used, place)
        U[k, : len(Z)] = Z
    return U / np.linalg.norm(U, axis=1, keepdims=True)


def compress(U: Array, used: int, gone: Array) -> tuple[Array, Array]:
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
    rest = qr(U[..., used:, :] @ sort)[1] @ transpose(sort)
    return xp.concat([U[..., :used, :], rest], axis=-2), places


def core(T: SymmetricTensor) -> tuple[SymmetricTensor, Array]:
    """T in the min(d, r) coordinates of its factors' span, and that span's frame (..., d, min)."""
    Q, R = qr(T.factors)
    return SymmetricTensor(T.weights, R, T.order), Q


def qr(A: Array) -> tuple[Array, Array]:
    """The QR decomposition of A (..., d, m) with no negative number on R's diagonal.

    Libraries choose these signs differently; so fixed, runs take one path on a CPU and on a GPU.
    """
    xp = namespace(A)
    Q, R = xp.linalg.qr(A)
    diagonal = xp.linalg.diagonal(R)
    signs = xp.where(diagonal < 0, -xp.ones_like(diagonal), xp.ones_like(diagonal))
    return Q * signs[..., None, :], signs[..., :, None] * R
