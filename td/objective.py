"""The loss f = ½‖T - T*‖² of T = sum_i w_i u_i^{⊗l} and its gradients, from Gram matrices.

Cost O(dm²) flops and O(m² + dm) memory: no array of size d^l. The 2-homogeneous model has
w_i = a_i c_i^{l-2} with c_i = 1/‖u_i‖ and signs a_i = ±1 (notebook 03).
"""

from typing import NamedTuple

from td import check
from td.backend import Array, namespace
from td.symmetric import Target, column_dot, gram, power, powers_product, transpose


class Residual(NamedTuple):
    """The residual E = T - T* as the components see it.

    field (..., d, m): E(u_i^{l-1}, ·); loss (...): ½‖E‖²; gram (..., m, m): UᵀU, or None where m is
    so large that it was not formed.
    """

    field: Array
    loss: Array
    gram: Array | None


def bracket(w: Array, U: Array, T_star: Target, *, embedded: bool = False) -> Residual:
    """E(u_i^{l-1}, ·) for weights w (..., m) and factors U (..., d, m), with the loss for free.

    The loss is a difference of three terms: below about 1e-16 ‖T*‖² it is rounding noise (set to 0
    when negative). Every gradient of this module is a multiple of this field. ``embedded``: T* lies
    in the span of the first axes, and has only those coordinates (``td.reduced``).
    """
    wU, field, theirs, G = _field(w, U, T_star, finite=False, embedded=embedded)
    # ‖E‖² = ⟨E, T⟩ - ⟨T*, T⟩ + ‖T*‖²; an inner product with T is one of fields with w_i u_i.
    squares = _dot(wU, field) - _dot(wU[..., : T_star.dim, :], theirs) + T_star.norm**2
    xp = namespace(U)
    return Residual(field, 0.5 * xp.maximum(squares, xp.zeros_like(squares)), G)


def plain_gradient(w: Array, U: Array, T_star: Target) -> tuple[Array, Array]:
    """The gradient of f in w (..., m) and in U (..., d, m), weights and factors independent."""
    _, E, _, _ = _field(w, U, T_star, finite=True)
    return column_dot(U, E), T_star.order * w[..., None, :] * E


def homogeneous_weights(a: Array, U: Array, l: int) -> Array:
    """w_i = a_i ‖u_i‖^{-(l-2)} for signs a (..., m) and factors U (..., d, m): (..., m).

    ValueError if a column of U is zero.
    """
    xp = check.alike(a=a, U=U)
    check.array("U", U, ("d", "m")), check.array("a", a, (U.shape[-1],)), check.integer("l", l, 2)
    check.batched(a=a.shape[:-1], U=U.shape[:-2])
    norms = xp.sqrt(column_dot(U, U))
    if not bool(xp.all(norms > 0)):
        raise ValueError("U must have no zero column: the 2-homogeneous model divides by its norm")
    return a / power(norms, l - 2)


def homogeneous_gradient(a: Array, U: Array, T_star: Target, *, c: str = "constant") -> Array:
    """The gradient in U (..., d, m) of the 2-homogeneous loss with signs a (..., m).

    c="constant" holds c_i = 1/‖u_i‖ fixed while differentiating (the algorithm's direction);
    c="differentiated" is the true gradient, which adds (2-l) w_i (u_i·E_i) u_i / ‖u_i‖².
    """
    check.choice("c", c, ("constant", "differentiated"))
    w = homogeneous_weights(a, U, T_star.order)
    _, E, _, _ = _field(w, U, T_star, finite=False)
    g = T_star.order * w[..., None, :] * E
    return g if c == "constant" else g + _through_norm(w, U, E, T_star.order)


def orthogonal_kernel(w: Array, U: Array, l: int) -> Array:
    """B = l diag(w) (UᵀU)^{∘(l-1)} diag(w), (..., m, m), for w (..., m) and U (..., d, m).

    The tangent kernel of the components in any one direction orthogonal to them all: positive
    semidefinite. Off the span of T* a gradient that holds w constant is X_⊥ B, X_⊥ being that part
    of U (Theorem E, notebook 04). ValueError or TypeError for shapes or dtypes that do not match.
    """
    check.alike(w=w, U=U), check.integer("l", l, 2)
    check.array("U", U, ("d", "m")), check.array("w", w, (U.shape[-1],))
    check.batched(w=w.shape[:-1], U=U.shape[:-2])
    return l * w[..., :, None] * power(transpose(U) @ U, l - 1) * w[..., None, :]


def _field(
    w: Array, U: Array, T_star: Target, *, finite: bool, embedded: bool = False
) -> tuple[Array, Array, Array, Array | None]:
    """The w_i u_i, E(u_i^{l-1}, ·), the part T*(u_i^{l-1}, ·) of it, and the Gram matrix."""
    check.alike(w=w, U=U, T_star=T_star.array)
    check.array("U", U, ("d" if embedded else T_star.dim, "m"), finite=finite)
    check.array("w", w, (U.shape[-1],), finite=finite)
    check.batched(w=w.shape[:-1], U=U.shape[:-2], T_star=T_star.batch)
    G = gram(U, U, T_star.order - 1)
    wU = w[..., None, :] * U
    own = powers_product(wU, U, U, T_star.order - 1, G=G)
    if T_star.dim == U.shape[-2]:
        theirs = T_star.contract(U)
        return wU, own - theirs, theirs, G
    theirs = T_star.contract(U[..., : T_star.dim, :])
    own[..., : T_star.dim, :] -= theirs
    return wU, own, theirs, G


def _dot(X: Array, Y: Array) -> Array:
    """The sum of x_i·y_i over all columns: (..., d, m) twice -> (...)."""
    xp = namespace(X)
    flat = (xp.reshape(Z, (*Z.shape[:-2], -1)) for Z in (X, Y))
    return xp.vecdot(*flat)


def _through_norm(w: Array, U: Array, field: Array, l: int) -> Array:
    """What differentiating w_i = a_i ‖u_i‖^{-(l-2)} adds to the gradient in u_i."""
    along = column_dot(U, field) / column_dot(U, U)
    return (2 - l) * U * (w * along)[..., None, :]
