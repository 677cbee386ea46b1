"""The user's entry: a symmetric tensor in, weights and factors out."""

from dataclasses import dataclass, replace

import numpy as np

from td import check
from td.backend import Array, Seed, namespace
from td.descent import BASE, Recipe, descend
from td.reduced import core
from td.symmetric import SymmetricTensor, Target, distance, from_dense, transpose


@dataclass(frozen=True)
class Decomposition:
    """T ≈ sum_i weights[i] factors[:, i]^{⊗l} with unit factors: weights (m,), factors (d, m).

    error: ‖approximation - T‖ / ‖T‖ from the coordinates of the difference (about 15 honest
    digits); reason: why the run stopped; steps: how many it took; history: arrays over its steps:
    "error" (Gram form), "norms" (m,) in units of ‖T‖^½, and for a factored T "alignment" (r, m).
    """

    weights: Array
    factors: Array
    error: float
    reason: str
    steps: int
    history: dict[str, np.ndarray]


def decompose(
    T: Array | SymmetricTensor, m: int, *, seed: Seed, tol: float = 1e-2, recipe: Recipe = BASE
) -> Decomposition:
    """Write T as a sum of m weighted powers of vectors, to relative error ``tol`` if it succeeds.

    T is a dense array of any order >= 2 (numpy or cupy; integers become float64), which must be
    symmetric, or a SymmetricTensor without batch. The run is one of notebook 03's algorithm from
    ``seed`` in the span of T's components, with the settings of ``recipe``; it has not succeeded
    unless ``reason`` says so, and another seed or a larger m may. ValueError or TypeError for a
    tensor that is not symmetric, not finite or zero, for m < 1, for tol below 6e-8 (2e-3 in
    float32).
    """
    recipe = replace(recipe, tol=tol)
    target, inner, frame = _factored(T) if isinstance(T, SymmetricTensor) else _dense(T)
    if not float(target.norm) > 0:
        raise ValueError("T must not be zero: there is nothing to decompose")
    run = descend(inner, m, seed=seed, recipe=recipe, record=True)
    model = SymmetricTensor(run.weights, frame @ run.factors, inner.order)
    error = float(distance(model, target) / target.norm)
    return Decomposition(
        model.weights, model.factors, error, str(run.reason), int(run.steps), run.history[0]
    )


def _factored(T: SymmetricTensor) -> tuple[Target, Target, Array]:
    """A factored target, its core in the span of its factors, and that span's orthonormal frame."""
    if T.batch:
        raise ValueError(f"T must be one tensor, got a batch of shape {T.batch}")
    inner, Q = core(T)
    inside = _frame(inner.factors)
    if inside.shape[1] < inner.dim:  # the components are dependent: Q reaches beyond their span
        R, Q = transpose(inside) @ inner.factors, Q @ inside
        inner = SymmetricTensor(T.weights, R, T.order)
    return T, inner, Q


def _dense(A: Array) -> tuple[Target, Target, Array]:
    """A dense target, its core in the span of its fibres, and that span's orthonormal frame.

    The core is a higher-order SVD: one frame for all axes, from the left singular vectors of the
    unfolding.
    """
    A = _floating(A)
    target, xp = from_dense(A), namespace(A)
    frame, inner = _frame(xp.reshape(A, (A.shape[0], -1))), A
    for _ in range(A.ndim):  # each turn contracts the first axis and appends the core's
        inner = xp.tensordot(inner, frame, axes=((0,), (0,)))
    return target, from_dense(inner), frame


def _frame(A: Array) -> Array:
    """The left singular vectors of A, but for singular values below 1e-12 of the largest."""
    xp = namespace(A)
    left, values, _ = xp.linalg.svd(A, full_matrices=False)
    rank = int(xp.sum(xp.astype(values > 1e-12 * values[0], xp.int64)))
    return left[:, : max(rank, 1)]


def _floating(A: Array) -> Array:
    """A as a real floating array; lists are taken as numpy arrays."""
    A = A if hasattr(A, "shape") else np.asarray(A)
    xp = check.alike(T=A)
    if xp.isdtype(A.dtype, "integral"):
        return xp.astype(A, xp.float64)
    return check.array("T", A, A.shape)
