"""The moment operator M_d = E[u^{⊗l} (u^{⊗l})ᵀ], u uniform on the sphere (notebook 01, section 6).

M_d is a scalar on each harmonic block, so its whole spectrum is a closed form in exact fractions.
Its smallest eigenvalue in dimension d bounds what lazy training can reach (Theorem A); its smallest
eigenvalue in dimension r bounds how random directions correlate with a residual (Lemma F).
"""

from fractions import Fraction
from math import comb, factorial, prod
from typing import NamedTuple

from td import check


class Block(NamedTuple):
    """One eigenspace of M_d: harmonic degree j, dimension N_j and eigenvalue mu_j."""

    degree: int
    dim: int
    eigenvalue: Fraction


def sym_dim(d: int, l: int) -> int:
    """D = C(d+l-1, l), the dimension of Sym^l(R^d). ValueError unless d >= 1, l >= 0."""
    return comb(check.integer("d", d, 1) + check.integer("l", l, 0) - 1, l)


def spectrum(d: int, l: int) -> list[Block]:
    """The blocks of M_d on Sym^l, eigenvalues descending (degree ascending), in exact fractions.

    mu_j = l! (d-2)!! / ((l-j)!! (d+l+j-2)!!) on dimension N_j = C(d+j-1, j) - C(d+j-3, j-2), for j
    = l, l-2, ... >= 0; blocks of dimension 0 (d = 1) are left out. Source: notebook 01, section 6.
    """
    check.integer("d", d, 1), check.integer("l", l, 1)
    dims = {j: sym_dim(d, j) - (sym_dim(d, j - 2) if j > 1 else 0) for j in range(l % 2, l + 1, 2)}
    return [Block(j, dims[j], _eigenvalue(d, l, j)) for j in dims if dims[j]]


def _eigenvalue(d: int, l: int, j: int) -> Fraction:
    """mu_j, as l! / ((l-j)!! times the product of d, d+2, ..., d+l+j-2)."""
    return Fraction(factorial(l), _double_factorial(l - j) * prod(range(d, d + l + j - 1, 2)))


def _double_factorial(n: int) -> int:
    """n!! = n (n-2) (n-4) ..., which is 1 for n <= 0."""
    return prod(range(n, 0, -2))


def smallest_eigenvalue(d: int, l: int) -> Fraction:
    """mu_min(d) = l! / (d (d+2) ... (d+2l-2)), the smallest eigenvalue of M_d (d >= 2)."""
    return _eigenvalue(check.integer("d", d, 1), check.integer("l", l, 1), l)


def contraction_weights(d: int, l: int) -> list[Fraction]:
    """a_0, a_1, ... with ⟨S, M_d T⟩ = sum_t a_t ⟨tr^t S, tr^t T⟩, tr contracting one pair of axes.

    By Wick: a_t counts the pairings of l + l axes with l - 2t pairs across, over d(d+2)...(d+2l-2).
    a_0 = mu_min. Source: notebook 01, section 6.
    """
    check.integer("d", d, 1), check.integer("l", l, 1)
    pairings = (
        (comb(l, 2 * t) * _double_factorial(2 * t - 1)) ** 2 * factorial(l - 2 * t)
        for t in range(l // 2 + 1)
    )
    return [n * smallest_eigenvalue(d, l) / factorial(l) for n in pairings]


def lazy_bound(d: int, l: int, m: int, *, sharp: bool = False) -> Fraction:
    """Theorem A: no lazy model with m components has a smaller expected squared error than this.

    The error is dist(u^{⊗l}, V)², u uniform on the sphere, V any tangent space of m components. The
    bound is (1 - dm/D)_+ D mu_min, or if ``sharp`` 1 minus the dm largest eigenvalues of M_d.
    """
    room = check.integer("d", d, 1) * check.integer("m", m, 0)
    if not sharp:
        return max(sym_dim(d, l) - room, 0) * smallest_eigenvalue(d, l)
    left = Fraction(1)
    for block in spectrum(d, l):
        left -= min(room, block.dim) * block.eigenvalue
        room -= min(room, block.dim)
    return left
