"""Lazy (NTK) training: what the tangent space at the initialisation can reach (notebook 01).

Linearised at U_0, the model moves in V = span{Sym(u_i^{⊗(l-1)} ⊗ x) : i <= m, x in R^d}.
"""

from functools import cache
from typing import NamedTuple

import flint
import numpy as np

from td import check
from td.backend import Array, Seed, generator, like, namespace
from td.moments import contraction_weights, sym_dim
from td.objective import bracket
from td.symmetric import (
    SymmetricTensor,
    Target,
    insertion,
    monomials,
    multi_indices,
    power,
    transpose,
)

DEFECTIVE = {(3, 5): 7, (4, 3): 5, (4, 4): 9, (4, 5): 14}  # (l, d): m, Alexander-Hirschowitz 1995
PRIME = 2**31 - 1  # products of two residues fit in int64


def tangent_features(U: Array, l: int) -> Array:
    """Coordinates of Sym(u_i^{⊗(l-1)} ⊗ e_a), which span V: (..., d, m) -> (..., D, d m).

    Column a m + i belongs to axis a and component i.
    """
    check.array("U", U, ("d", "m")), check.integer("l", l, 2)
    xp, d = namespace(U), U.shape[-2]
    where, coefficient = removal(d, l)
    rows = xp.take(monomials(U, l - 1), like(where.ravel(), U), axis=-2)
    features = (
        xp.reshape(rows, (*U.shape[:-2], *where.shape, U.shape[-1]))
        * like(coefficient, U)[..., None]
    )
    return xp.reshape(features, (*features.shape[:-2], d * U.shape[-1]))


@cache
def removal(d: int, l: int) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of ``insertion``: for alpha, a the position of alpha - e_a and sqrt(alpha_a / l).

    Both (D, d); where alpha_a = 0 the coefficient is 0 and the position is arbitrary.
    """
    where, coefficient = insertion(d, l)
    shape = (sym_dim(d, l), d)
    back, weight = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    back[where, np.arange(d)] = np.arange(len(where))[:, None]
    weight[where, np.arange(d)] = coefficient
    return back, weight


def tangent_basis(U: Array, l: int) -> Array:
    """An orthonormal basis of V as columns in R^D, padded with zeros: (..., D, min(dm, D)).

    QR where the features are independent; where one of the batch is rank deficient (relative
    tolerance 1e-10), the left singular vectors with the null ones set to zero.
    """
    F, xp = tangent_features(U, l), namespace(U)
    Q, R = xp.linalg.qr(F)
    pivots = xp.abs(xp.linalg.diagonal(R))
    if bool(xp.all(xp.min(pivots, axis=-1) > 1e-10 * xp.max(pivots, axis=-1))):
        return Q
    left, values, _ = xp.linalg.svd(F, full_matrices=False)
    return xp.where((values > 1e-10 * values[..., :1])[..., None, :], left, xp.zeros_like(left))


def expected_error(U: Array, l: int) -> Array:
    """E dist(u^{⊗l}, V)² over u uniform on the sphere, exactly, for each initialisation: (...).

    It is tr(P M) with P the projector on the complement of V; tr(P_V M) = sum_t a_t ‖tr^t Q‖² for
    an orthonormal basis Q of V, so neither M nor any target is formed. Source: notebook 01.
    """
    return 1.0 - _moment_energy(tangent_basis(U, l), U.shape[-2], l)


def _moment_energy(Q: Array, d: int, l: int) -> Array:
    """tr(Qᵀ M Q) = sum_t a_t ‖tr^t Q‖² for Q of shape (..., D, q)."""
    xp, energy = namespace(Q), 0.0
    for t, a in enumerate(contraction_weights(d, l)):
        Q = trace(Q, d, l - 2 * t + 2) if t else Q
        energy = energy + float(a) * xp.sum(Q * Q, axis=(-2, -1))
    return energy


def trace(T: Array, d: int, l: int) -> Array:
    """Contract a pair of axes of each column, Sym^l to Sym^{l-2}: (..., D, q) to (..., D'', q)."""
    check.integer("l", l, 2)
    xp = namespace(check.array("T", T, (sym_dim(d, l), "q"), finite=False))
    inner, inner_coefficient = insertion(d, l - 1)
    where, coefficient = insertion(d, l)
    pair = np.arange(d)  # put e_a in twice: gamma -> gamma + e_a -> gamma + 2 e_a
    rows = xp.take(T, like(where[inner, pair].ravel(), T), axis=-2)
    rows = xp.reshape(rows, (*T.shape[:-2], *inner.shape, T.shape[-1]))
    return xp.sum(rows * like(coefficient[inner, pair] * inner_coefficient, T)[..., None], axis=-2)


def lazy_error(U: Array, targets: Array, l: int) -> Array:
    """dist(T, V) for each column of ``targets``, coordinates (..., D, n) of tensors: (..., n).

    No lazy training from U (..., d, m) ends closer to T than this. A target u^{⊗l} has the
    coordinates ``monomials(u, l)``. ValueError if D is not C(d+l-1, l).
    """
    xp, Q = check.alike(U=U, targets=targets), tangent_basis(U, l)
    check.array("targets", targets, (Q.shape[-2], "n"))
    check.batched(U=U.shape[:-2], targets=targets.shape[:-2])
    rest = targets - Q @ (transpose(Q) @ targets)
    return xp.sqrt(xp.sum(rest * rest, axis=-2))


def tangent_kernel(U: Array, w: Array, l: int) -> Array:
    """The neural tangent kernel's Gram matrix: (..., d, m), weights (..., m) -> (..., dm, dm).

    Entry (a, i), (b, j) is l² w_i w_j ⟨Sym(u_i^{⊗(l-1)} ⊗ e_a), Sym(u_j^{⊗(l-1)} ⊗ e_b)⟩, written
    with the Gram matrix of U alone: no array of size D. Rows are ordered as in tangent_features.
    """
    xp = check.alike(U=U, w=w)
    check.array("U", U, ("d", "m")), check.array("w", w, (U.shape[-1],)), check.integer("l", l, 2)
    check.batched(U=U.shape[:-2], w=w.shape[:-1])
    d, m = U.shape[-2:]
    G, ww = transpose(U) @ U, l * w[..., :, None] * w[..., None, :]
    eye = xp.eye(d, dtype=U.dtype, device=U.device)[:, None, :, None]
    same, cross = ww * power(G, l - 1), (l - 1) * ww * power(G, l - 2)
    swap = (
        transpose(U)[..., None, :, :, None] * U[..., :, None, None, :]
    )  # u_ib u_ja at [a, i, b, j]
    kernel = eye * same[..., None, :, None, :] + swap * cross[..., None, :, None, :]
    return xp.reshape(kernel, (*kernel.shape[:-4], d * m, d * m))


def linearised_error(
    U: Array, w: Array, T_star: Target, *, alpha: Array, step: float, steps: int
) -> Array:
    """‖residual‖ after ``steps`` gradient steps on the LINEARISED model alpha T(U): (...).

    U (..., d, m), w (..., m), alpha (...). The residual alpha T(U_0) - T* is multiplied by
    (1 - step σ²) per step along each left singular vector of the Jacobian, σ its singular value.
    """
    _trainable(U, w, T_star, alpha, step), check.integer("steps", steps, 0)
    xp, model = namespace(U), SymmetricTensor(w, U, T_star.order)
    J = (
        tangent_features(U, T_star.order)
        * T_star.order
        * xp.concat([w] * U.shape[-2], axis=-1)[..., None, :]
    )
    residual = alpha[..., None] * model.coordinates().coords - T_star.coordinates().coords
    left, values, _ = xp.linalg.svd(J, full_matrices=False)
    part = (transpose(left) @ residual[..., None])[..., 0]
    lost = 1.0 - (1.0 - step * values * values) ** (2 * steps)
    square = xp.sum(residual * residual, axis=-1) - xp.sum(lost * part * part, axis=-1)
    return xp.sqrt(xp.where(square < 0, xp.zeros_like(square), square))


class LazyRun(NamedTuple):
    """What ``train`` saw: error and movement, each (..., t), at ``times``; the last factors."""

    times: tuple[int, ...]
    error: Array
    movement: Array
    factors: Array


def train(
    U: Array, w: Array, T_star: Target, *, alpha: Array, step: float, times: tuple[int, ...]
) -> LazyRun:
    """Gradient descent from U on ½‖alpha T(U) - T*‖² / alpha² (Chizat-Oyallon-Bach 2019).

    U (..., d, m), fixed weights w (..., m), alpha (...), recorded after the step counts ``times``.
    Dividing by alpha² makes ``step`` a step of kernel time: the same at every alpha. Error is
    ‖alpha T(U) - T*‖, movement ‖U - U_0‖ / ‖U_0‖. RuntimeError if the run diverges.
    """
    batch, xp, l = _trainable(U, w, T_star, alpha, step), namespace(U), T_star.order
    if not times or list(times) != sorted({check.integer("times", t, 0) for t in times}):
        raise ValueError(f"times must be one or more ascending step counts, got {times}")
    U = start = xp.broadcast_to(U, (*batch, *U.shape[-2:]))
    scale, seen = alpha[..., None], []
    limit = 1e6 * bracket(scale * w, U, T_star).loss
    for t in range(max(times) + 1):
        E = bracket(scale * w, U, T_star)
        if t in times:
            moved = xp.sqrt(
                xp.sum((U - start) ** 2, axis=(-2, -1)) / xp.sum(start * start, axis=(-2, -1))
            )
            seen.append((xp.sqrt(2 * E.loss), moved))
        if not bool(xp.all(E.loss <= limit)):
            raise RuntimeError(f"lazy training diverged at step {t}: decrease step (got {step})")
        U = U - (step * l / scale * w)[..., None, :] * E.field if t < max(times) else U
    error, movement = (xp.stack(list(x), axis=-1) for x in zip(*seen, strict=True))
    return LazyRun(tuple(times), error, movement, U)


def _trainable(U: Array, w: Array, T_star: Target, alpha: Array, step: float) -> tuple[int, ...]:
    """Check what training takes; return the shape of the joint batch."""
    check.array("U", U, (T_star.dim, "m")), check.array("w", w, (U.shape[-1],))
    check.array("alpha", alpha, ()), check.number("step", step, 0.0, strict=True)
    check.alike(U=U, w=w, T_star=T_star.array, alpha=alpha)
    return check.batched(U=U.shape[:-2], w=w.shape[:-1], T_star=T_star.batch, alpha=alpha.shape)


def paired(V: Array) -> tuple[Array, Array]:
    """The initialisation [V, V] with weights +1, -1, whose tensor is 0: factors and weights.

    V (..., d, n) gives m = 2n components but only n distinct directions: n counts in Theorems A, B.
    """
    xp = namespace(check.array("V", V, ("d", "n")))
    ones = xp.ones_like(V[..., 0, :])
    return xp.concat([V, V], axis=-1), xp.concat([ones, -ones], axis=-1)


def generic_dim(d: int, l: int, m: int) -> int:
    """Theorem B: dim V at a generic U_0 of m components (Alexander-Hirschowitz 1995)."""
    D = sym_dim(d, l)
    check.integer("l", l, 2), check.integer("m", m, 1)
    if l == 2:
        n = min(m, d)
        return d * n - n * (n - 1) // 2
    return min(d * m, D) - (DEFECTIVE.get((l, d)) == m)


def threshold(d: int, l: int) -> int:
    """The fewest components with which lazy training reaches every tensor, from generic U_0."""
    m = -(-sym_dim(d, check.integer("l", l, 2)) // d)
    return d if l == 2 else m + (DEFECTIVE.get((l, d)) == m)


def rank_modulo_prime(d: int, l: int, m: int, *, seed: Seed) -> int:
    """Rank of the tangent features at random integer u_i, in exact arithmetic modulo 2^31 - 1.

    The generic dim V is at least this number: a minor that is not 0 modulo a prime is not 0.
    """
    check.integer("l", l, 2), check.integer("m", m, 1)
    u = generator(seed).integers(1, PRIME, size=(check.integer("d", d, 1), m))
    where, _ = removal(d, l)
    value = np.ones((sym_dim(d, l - 1), m), dtype=np.int64)
    for k in range(l - 1):
        value = value * u[multi_indices(d, l - 1)[:, k]] % PRIME
    alpha = np.stack([(multi_indices(d, l) == a).sum(axis=1) for a in range(d)], axis=1)
    entries = (value[where] * alpha[..., None] % PRIME).reshape(len(where), d * m)
    rows, columns = entries.shape
    return flint.nmod_mat(rows, columns, entries.ravel().tolist(), PRIME).rank()
