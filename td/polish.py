"""From a rough fit to few exact components: merging, then least squares in isometric coordinates.

On the host, for one tensor in its few coordinates: the targets are scaled to norm 1.
"""

import numpy as np
from scipy.optimize import least_squares

from td.lazy import tangent_features
from td.symmetric import MOST, CoordinateTensor, monomials, unfold

Model = tuple[np.ndarray, np.ndarray]  # weights (n,) and unit factors (d, n)


def misfit(T: CoordinateTensor, w: np.ndarray, U: np.ndarray) -> float:
    """‖sum_i w_i u_i^{⊗l} - T‖, from coordinates."""
    return float(np.linalg.norm(monomials(U, T.order) @ w - T.coords))


def fewest(T: CoordinateTensor, w: np.ndarray, U: np.ndarray, allowed: float) -> Model:
    """The fewest components, merged from w (m,), U (d, m) and polished, with misfit <= ``allowed``.

    Numbers of components are tried upward from the least that is possible (``least_rank``) to m. If
    none will do, the polished model of least misfit; numbers whose Jacobian would have more than
    ``MOST`` entries are left out, and if that leaves none the model comes back as it was.
    """
    best, least = (w, U), misfit(T, w, U)
    widest = min(len(w), MOST // (len(T.coords) * T.dim))
    for n in range(least_rank(T, allowed), widest + 1):
        model = polish(T, *merge(w, U, T.order, n))
        error = misfit(T, *model)
        if error <= allowed:
            return model
        best, least = (model, error) if error < least else (best, least)
    return best


def least_rank(T: CoordinateTensor, allowed: float) -> int:
    """A lower bound on the number of components of any model with misfit <= ``allowed``.

    It is the number of singular values of T's unfolding (d x d^{l-1}) that cannot be dropped: n
    components have an unfolding of rank at most n (Eckart and Young).
    """
    values = np.linalg.svd(unfold(T.coords, T.dim, T.order), compute_uv=False)
    tails = np.sqrt(np.cumsum(values[::-1] ** 2))[::-1]
    return max(int(np.sum(tails > allowed)), 1)


def merge(w: np.ndarray, U: np.ndarray, l: int, n: int) -> Model:
    """Merge or drop components one at a time, the one that costs least first, until n are left.

    Moving component j onto a larger one, i, changes the tensor by |w_j| sqrt(2 - 2|u_i·u_j|^l) in
    norm; dropping it, by |w_j|. The merged weight is w_i + w_j sign(u_i·u_j)^l, and its direction
    the mean of both, weighted by |w|.
    """
    w, U = w.copy(), U.copy()
    while len(w) > n:
        order = np.argsort(-np.abs(w), kind="stable")
        w, U = w[order], U[:, order]
        cosines = np.tril(U.T @ U, -1)  # of each with the larger ones
        onto = np.abs(cosines).argmax(axis=1)
        cosine = cosines[np.arange(len(w)), onto]
        moved = np.sqrt(np.maximum(2 - 2 * np.abs(cosine) ** l, 0))
        j = int((np.abs(w) * np.minimum(moved, 1))[1:].argmin()) + 1
        if moved[j] < 1:
            i, sign = onto[j], np.sign(cosine[j])
            mean = abs(w[i]) * U[:, i] + abs(w[j]) * sign * U[:, j]
            w[i], U[:, i] = w[i] + w[j] * sign**l, mean / np.linalg.norm(mean)
        w, U = np.delete(w, j), np.delete(U, j, axis=1)
    return w, U


def polish(T: CoordinateTensor, w: np.ndarray, U: np.ndarray) -> Model:
    """A local minimum of ‖sum_i w_i u_i^{⊗l} - T‖ near w (n,), U (d, n): trust region Gauss-Newton.

    In v_i = |w_i|^{1/l} u_i with the signs of w held, so no direction of scaling is left over. The
    residual is taken in coordinates, so that on a zero of it the iteration reaches rounding error.
    """
    l, shape, signs = T.order, U.shape, np.where(w < 0, -1.0, 1.0)
    slopes = np.tile(l * signs, shape[0])
    result = least_squares(
        lambda v: monomials(v.reshape(shape), l) @ signs - T.coords,
        (U * np.abs(w) ** (1 / l)).ravel(),
        jac=lambda v: tangent_features(v.reshape(shape), l) * slopes,
        **{"ftol": 1e-10, "xtol": 1e-14, "gtol": 1e-15, "max_nfev": 200},
    )
    V = result.x.reshape(shape)
    norms = np.linalg.norm(V, axis=0)
    return signs * norms**l, V / np.where(norms > 0, norms, 1)
