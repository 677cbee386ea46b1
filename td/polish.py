"""From a rough fit to few exact components: merging, then least squares in isometric coordinates.

On the host, for one tensor in its few coordinates: the targets are scaled to norm 1.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from td.symmetric import CoordinateTensor, monomials, power, unfold

STEPS = 100  # the most that polishing takes
SMALLEST = 1e-12  # damping over the largest curvature: below it rounding may win
ROUNDING = 1e-15  # a misfit that rounding alone may cause, ‖T‖ being 1

Model = tuple[np.ndarray, np.ndarray]  # weights (n,) and unit factors (d, n)


def misfit(T: CoordinateTensor, w: np.ndarray, U: np.ndarray) -> float:
    """‖sum_i w_i u_i^{⊗l} - T‖, from coordinates."""
    return float(np.linalg.norm(monomials(U, T.order) @ w - T.coords))


def fewest(T: CoordinateTensor, w: np.ndarray, U: np.ndarray, allowed: float) -> Model:
    """The fewest components, merged from w (m,), U (d, m) and polished, with misfit <= ``allowed``.

    Numbers of components are tried upward from the least that is possible (``least_rank``) to m. If
    none will do, the polished model of least misfit.
    """
    best, least = (w, U), misfit(T, w, U)
    for n in range(least_rank(T, allowed), len(w) + 1):
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
    """A local minimum of f = ½‖sum_i w_i u_i^{⊗l} - T‖² near w (n,), U (d, n): Levenberg-Marquardt.

    In v_i = |w_i|^{1/l} u_i with the signs of w held (l odd: made positive), so no direction of
    scaling is left over. The residual is taken in coordinates, so that on a zero of it the
    iteration reaches rounding error; the normal matrix comes from inner products, so that no
    Jacobian (D x dn) is formed. The damping is a multiple of f, so that convergence to
    a zero of f is quadratic (Yamashita and Fukushima 2001), with a factor chosen as in Nielsen
    (1999). It ends when a step gains less than 1e-8 of f, at rounding error, or after ``STEPS``.
    """
    l, d, damp, grow = T.order, T.dim, 1.0, 2.0
    V = U * np.abs(w) ** (1 / l) * np.where(w < 0, -1.0, 1.0) ** l  # l odd: the factor takes it
    signs = np.where((w < 0) & (l % 2 == 0), -1.0, 1.0)
    E = monomials(V, l) @ signs - T.coords
    for _ in range(STEPS):
        step, predicted = _damped_step(CoordinateTensor(E, d, l), V, signs, damp)
        trial = V + step
        F = monomials(trial, l) @ signs - T.coords
        gained = (E @ E - F @ F) / 2
        if gained > 0:
            done, agreement = gained <= 1e-8 * (E @ E) / 2, 2 * gained / predicted - 1
            V, E, grow = trial, F, 2.0
            damp = max(damp * max(1 / 3, 1 - agreement * agreement * agreement), SMALLEST)
        else:
            done, damp, grow = damp * (E @ E) > 1e3, damp * grow, 2 * grow
        done = done or E @ E <= ROUNDING**2
        if done:
            break
    norms = np.linalg.norm(V, axis=0)
    return signs * power(norms, l), V / np.where(norms > 0, norms, 1)


def _damped_step(
    E: CoordinateTensor, V: np.ndarray, signs: np.ndarray, damp: float
) -> tuple[np.ndarray, float]:
    """The step in V (d, n) at the residual E, and the gain that the linear model predicts for it.

    The normal matrix gets ``damp`` ‖E‖² times its largest diagonal entry on its diagonal.
    """
    gradient = (E.order * signs * E.contract(V)).ravel()
    A = normal_matrix(V, signs, E.order)
    damping = max(damp * float(E.norm) ** 2, SMALLEST) * A.diagonal().max()
    A[np.diag_indices_from(A)] += damping
    factor = cho_factor(A, overwrite_a=True, check_finite=False)
    step = -cho_solve(factor, gradient, check_finite=False)
    return step.reshape(V.shape), float(step @ (damping * step - gradient) / 2)


def normal_matrix(V: np.ndarray, signs: np.ndarray, l: int) -> np.ndarray:
    """JᵀJ for the Jacobian J of sum_i signs_i v_i^{⊗l} in V (d, n), row by row: (dn, dn).

    ⟨Sym(v^{l-1} ⊗ a), Sym(w^{l-1} ⊗ b)⟩ = ((v·w)^{l-1} a·b + (l-1) (v·w)^{l-2} (a·w) (b·v)) / l.
    """
    G, both, (d, n) = V.T @ V, l * np.outer(signs, signs), V.shape
    A = V[:, None, None, :] * V.T[None, :, :, None]
    A *= (l - 1) * (both * power(G, l - 2))[:, None, :]
    A[np.arange(d), :, np.arange(d), :] += both * power(G, l - 1)
    return A.reshape(d * n, d * n)
