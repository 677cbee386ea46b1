"""Lazy (NTK) training: what the tangent space at the initialisation can reach (notebook 01).

Linearised at U_0, the model moves in V = span{Sym(u_i^{⊗(l-1)} ⊗ x) : i <= m, x in R^d}.
"""

from functools import cache

import numpy as np

from td import check
from td.backend import Array, from_numpy, namespace
from td.moments import sym_dim
from td.tensor import SymmetricTensor, insertion, monomials, power, unit

DEFECTIVE = {(3, 5): 7, (4, 3): 5, (4, 4): 9, (4, 5): 14}  # (l, d): m, Alexander-Hirschowitz 1995


def tangent_features(U: Array, l: int) -> Array:
    """Coordinates of Sym(u_i^{⊗(l-1)} ⊗ e_a), which span V: (..., d, m) -> (..., D, d m).

    Column a m + i belongs to axis a and component i.
    """
    check.array("U", U, ("d", "m")), check.integer("l", l, 2)
    xp, (where, coefficient) = namespace(U), _removal(U.shape[-2], l)
    rows = xp.take(monomials(U, l - 1), from_numpy(where.ravel(), U), axis=-2)
    rows = xp.reshape(rows, (*U.shape[:-2], *where.shape, U.shape[-1]))
    features = rows * from_numpy(coefficient, U)[..., None]
    return xp.reshape(features, (*features.shape[:-2], U.shape[-2] * U.shape[-1]))


@cache
def _removal(d: int, l: int) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of ``insertion``: for alpha, a the position of alpha - e_a and sqrt(alpha_a / l).

    Both (D, d); where alpha_a = 0 the coefficient is 0 and the position is arbitrary.
    """
    where, coefficient = insertion(d, l)
    back, weight = np.zeros((sym_dim(d, l), d), dtype=np.int64), np.zeros((sym_dim(d, l), d))
    back[where, np.arange(d)] = np.arange(len(where))[:, None]
    weight[where, np.arange(d)] = coefficient
    return back, weight


def tangent_basis(U: Array, l: int) -> Array:
    """An orthonormal basis of V as columns in R^D, padded with zeros: (..., D, min(dm, D)).

    QR where the features are independent; where one of the batch is rank deficient (relative
    tolerance 1e-10), the left singular vectors with the null ones set to zero.
    """
    unit_U = unit(check.array("U", U, ("d", "m")))  # V does not depend on lengths
    F, xp = tangent_features(unit_U, l), namespace(U)
    Q, R = xp.linalg.qr(F)
    pivots = xp.abs(xp.linalg.diagonal(R))
    if bool(xp.all(xp.min(pivots, axis=-1) > 1e-10 * xp.max(pivots, axis=-1))):
        return Q
    left, values, _ = xp.linalg.svd(F, full_matrices=False)
    return xp.where((values > 1e-10 * values[..., :1])[..., None, :], left, xp.zeros_like(left))


def lazy_error(U: Array, targets: Array, l: int) -> Array:
    """dist(T, V) for each column of ``targets``, coordinates (..., D, n) of tensors: (..., n).

    No lazy training from U (..., d, m) ends closer to T than this. A target u^{⊗l} has the
    coordinates ``monomials(u, l)``. ValueError if D is not C(d+l-1, l).
    """
    xp, Q = check.same_library(U=U, targets=targets), tangent_basis(U, l)
    check.array("targets", targets, (Q.shape[-2], "n"))
    check.batch(U=U.shape[:-2], targets=targets.shape[:-2])
    rest = targets - Q @ (Q.mT @ targets)
    return xp.sqrt(xp.sum(rest * rest, axis=-2))


def tangent_kernel(model: SymmetricTensor) -> Array:
    """The neural tangent kernel's Gram matrix of m components: (..., dm, dm).

    Entry (a, i), (b, j) is l² w_i w_j ⟨Sym(u_i^{⊗(l-1)} ⊗ e_a), Sym(u_j^{⊗(l-1)} ⊗ e_b)⟩, written
    with the Gram matrix of U alone: no array of size D. Rows are ordered as in tangent_features.
    """
    w, U, l, xp = model.weights, model.factors, model.order, namespace(model.factors)
    G, ww, (d, m) = U.mT @ U, l * w[..., :, None] * w[..., None, :], U.shape[-2:]
    same, cross = ww * power(G, l - 1), (l - 1) * ww * power(G, l - 2)
    eye = xp.eye(d, dtype=U.dtype, device=U.device)[:, None, :, None]
    swap = U.mT[..., None, :, :, None] * U[..., :, None, None, :]  # u_ib u_ja at [a, i, b, j]
    kernel = eye * same[..., None, :, None, :] + swap * cross[..., None, :, None, :]
    return xp.reshape(kernel, (*kernel.shape[:-4], d * m, d * m))


def threshold(d: int, l: int) -> int:
    """The fewest components with which lazy training reaches every tensor, from generic U_0."""
    m = -(-sym_dim(d, check.integer("l", l, 2)) // d)
    return d if l == 2 else m + (DEFECTIVE.get((l, d)) == m)
