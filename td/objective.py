"""The loss f = ½‖T - T*‖² of T = sum_i w_i u_i^{⊗l} and its gradients, from Gram matrices.

Cost O(dm²) flops and O(m² + dm) memory: no array of size d^l. The 2-homogeneous model has
w_i = a_i c_i^{l-2} with c_i = 1/‖u_i‖ and signs a_i = ±1 (notebook 02).
"""

from typing import NamedTuple

from td import check
from td.backend import Array, namespace
from td.tensor import SymmetricTensor, Target, comparable, power


class Residual(NamedTuple):
    """The residual E = T - T* as the components see it: E(u_i^{l-1}, ·), (..., d, m); ½‖E‖²."""

    field: Array
    loss: Array


def bracket(model: SymmetricTensor, T_star: Target) -> Residual:
    """E(u_i^{l-1}, ·) at the components of a model T (batch ..., m components), and the loss.

    Every gradient is a multiple of this field, and the loss comes for free. It is a difference of
    three terms: below about 1e-16 ‖T*‖² it is rounding noise (set to 0 when negative).
    """
    comparable(model=model, T_star=T_star)
    own, theirs = model.contract(model.factors), T_star.contract(model.factors)
    # ‖E‖² = ⟨E, T⟩ - ⟨T*, T⟩ + ‖T*‖²; an inner product with T is one of fields with the w_i u_i.
    xp = namespace(own)
    along = xp.vecdot(model.factors, own - 2 * theirs, axis=-2)
    square = xp.vecdot(model.weights, along) + T_star.norm**2
    return Residual(own - theirs, 0.5 * xp.maximum(square, xp.zeros_like(square)))


def gradient(model: SymmetricTensor, T_star: Target, *, c: str = "constant") -> Array:
    """The gradient of f in the factors, (..., d, m): l w_i E(u_i^{l-1}, ·).

    c="constant" holds the weights fixed while differentiating: in the 2-homogeneous model the
    algorithm's direction. c="differentiated", for such a model, is its true gradient, which adds
    (2-l) w_i (u_i·E_i) u_i / ‖u_i‖². The gradient in the weights is u_i·E(u_i^{l-1}, ·).
    """
    check.choice("c", c, ("constant", "differentiated"))
    comparable(model=model, T_star=T_star)
    w, U, l = model.weights, model.factors, model.order
    E = model.contract(U) - T_star.contract(U)
    g = l * w[..., None, :] * E
    if c == "constant":
        return g
    xp = namespace(U)
    slope = (2 - l) * w * xp.vecdot(U, E, axis=-2) / xp.vecdot(U, U, axis=-2)
    return g + U * slope[..., None, :]


def homogeneous(a: Array, U: Array, l: int) -> SymmetricTensor:
    """The 2-homogeneous model: signs a (..., m), factors U (..., d, m), w_i = a_i ‖u_i‖^{-(l-2)}.

    ValueError if a column of U is zero.
    """
    xp = check.same_library(a=a, U=check.array("U", U, ("d", "m")))
    check.integer("l", l, 2), check.array("a", a, (U.shape[-1],))
    check.batch(a=a.shape[:-1], U=U.shape[:-2])
    norms = xp.sqrt(xp.vecdot(U, U, axis=-2))
    if not bool(xp.all(norms > 0)):
        raise ValueError("U must have no zero column: the 2-homogeneous model divides by its norm")
    return SymmetricTensor(a / power(norms, l - 2), U, l)


def orthogonal_kernel(model: SymmetricTensor) -> Array:
    """B = l diag(w) (UᵀU)^{∘(l-1)} diag(w), (..., m, m).

    The tangent kernel of the components in any one direction orthogonal to them all: positive
    semidefinite. Off the span of T* a gradient that holds w constant is X_⊥ B, X_⊥ being that part
    of U (Theorem E, notebook 04).
    """
    w, U, l = model.weights, model.factors, model.order
    return l * w[..., :, None] * power(U.mT @ U, l - 1) * w[..., None, :]
