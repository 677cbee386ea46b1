"""From a rough fit to few exact components: merging, then least squares in isometric coordinates.

On the host, for one tensor in its few coordinates: the targets are scaled to norm 1.
"""

import numpy as np

from td.symmetric import CoordinateTensor, monomials, power

STEPS = 100  # the most that polishing takes
SMALLEST = 1e-12  # damping over the largest curvature: below it rounding may win
ROUNDING = 1e-15  # a misfit that rounding alone may cause, ‖T‖ being 1

Model = tuple[np.ndarray, np.ndarray]  # weights (n,) and unit factors (d, n)


def residual(T: CoordinateTensor, w: np.ndarray, U: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The powers u_i^{⊗(l-1)} by coordinates, (D', n), and sum_i w_i u_i^{⊗l} - T, (D', d)."""
    M = monomials(U, T.order - 1)
    return M, (M * w) @ U.T - T.unfolded


def misfit(T: CoordinateTensor, w: np.ndarray, U: np.ndarray) -> float:
    """‖sum_i w_i u_i^{⊗l} - T‖, from coordinates."""
    return float(np.linalg.norm(residual(T, w, U)[1]))


def fewest(T: CoordinateTensor, w: np.ndarray, U: np.ndarray, allowed: float) -> Model:
    """The fewest components, merged from w (m,), U (d, m) and polished, with misfit <= ``allowed``.

    Numbers of components are tried upward from the least that is possible (``least_rank``) to m. If
    none will do, the polished model of least misfit.
    """
    best, least = (w, U), np.inf
    for n in range(min(least_rank(T, allowed), len(w)), len(w) + 1):
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
    values = np.linalg.svd(T.unfolded, compute_uv=False)
    tails = np.sqrt(np.cumsum(values[::-1] ** 2))
    return max(int(np.sum(tails > allowed)), 1)


def merge(w: np.ndarray, U: np.ndarray, l: int, n: int) -> Model:
    """Merge or drop components one at a time, the one that costs least first, until n are left.

    Moving component j onto another, i, that is as large or larger changes the tensor by
    |w_j| sqrt(2 - 2|u_i·u_j|^l) in norm; dropping it, by |w_j|. The merged weight is
    w_i + w_j sign(u_i·u_j)^l, and its direction the mean of both, weighted by |w|.
    """
    while len(w) > n:
        size, cosines = np.abs(w), U.T @ U
        moved = np.sqrt(np.maximum(2 - 2 * power(np.abs(cosines), l), 0))
        cost = np.where(size[:, None] <= size, size[:, None] * moved, np.inf)
        cost.flat[:: len(w) + 1] = size  # to drop it
        j, i = divmod(int(cost.argmin()), len(w))
        if i != j:
            sign = np.sign(cosines[i, j])
            w, U, mean = w.copy(), U.copy(), size[i] * U[:, i] + size[j] * sign * U[:, j]
            w[i], U[:, i] = w[i] + w[j] * sign**l, mean / np.linalg.norm(mean)
        others = np.arange(len(w)) != j
        w, U = w[others], U[:, others]
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
    l, damp, grow = T.order, 1.0, 2.0
    signs = np.where(w < 0, -1.0, 1.0)
    flips = power(signs, l)  # l odd: the factor takes the sign
    signs, V = signs * flips, U * (np.abs(w) ** (1 / l) * flips)
    M, E = residual(T, signs, V)
    for _ in range(STEPS):
        square = np.vdot(E, E)  # 2f
        step, predicted = damped_step(M, E, V, signs, l, damp * square)
        N, F = residual(T, signs, V + step)
        gained = square - np.vdot(F, F)
        if gained > 0:
            done, agreement = gained <= 1e-8 * square, 2 * gained / predicted - 1
            M, E, V, damp, grow = N, F, V + step, damp * max(1 / 3, 1 - power(agreement, 3)), 2.0
        else:
            done, damp, grow = damp * square > 1e3, damp * grow, 2 * grow
        if done or np.vdot(E, E) <= ROUNDING**2:
            break
    norms = np.linalg.norm(V, axis=0)
    return signs * power(norms, l), V / np.where(norms > 0, norms, 1)


def damped_step(
    M: np.ndarray, E: np.ndarray, V: np.ndarray, signs: np.ndarray, l: int, damping: float
) -> tuple[np.ndarray, float]:
    """The step in V (d, n) at the ``residual`` M, E, and twice the gain that its model predicts.

    The normal matrix gets ``damping`` times its largest diagonal entry on its diagonal.
    """
    gradient, A = (l * signs * (E.T @ M)).ravel(), normal_matrix(V, signs, l)
    damping = max(damping, SMALLEST) * A.diagonal().max()
    step = -np.linalg.solve(A + damping * np.eye(len(A)), gradient)
    return step.reshape(V.shape), step @ (damping * step - gradient)


def normal_matrix(V: np.ndarray, signs: np.ndarray, l: int) -> np.ndarray:
    """JᵀJ for the Jacobian J of sum_i signs_i v_i^{⊗l} in V (d, n), row by row: (dn, dn).

    ⟨Sym(v^{l-1} ⊗ a), Sym(w^{l-1} ⊗ b)⟩ = ((v·w)^{l-1} a·b + (l-1) (v·w)^{l-2} (a·w) (b·v)) / l.
    """
    G, both, (d, n) = V.T @ V, l * np.outer(signs, signs), V.shape
    A = V[:, None, None, :] * V.T[None, :, :, None]
    A *= (l - 1) * (both * power(G, l - 2))[:, None, :]
    A[np.arange(d), :, np.arange(d), :] += both * power(G, l - 1)
    return A.reshape(d * n, d * n)
