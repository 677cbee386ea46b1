"""The spectrum of the moment operator, against the moments of the sphere."""

from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

from td.moments import contraction_weights, lazy_bound, smallest_eigenvalue, spectrum, sym_dim
from td.tensor import SymmetricTensor, to_dense

over_sizes = pytest.mark.parametrize("d, l", [(d, l) for l in range(2, 7) for d in range(1, 5)])
wide = pytest.mark.parametrize("d", [2, 3, 8, 100])


@pytest.mark.parametrize("l", range(1, 8))
@pytest.mark.parametrize("d", [1, 2, 3, 10, 1000])
def test_spectrum_sums(d, l):
    """The dimensions sum to D and the eigenvalues to the trace 1, as exact fractions."""
    blocks = spectrum(d, l)
    assert sum(b.dim for b in blocks) == sym_dim(d, l) == comb(d + l - 1, l)
    assert sum(b.dim * b.eigenvalue for b in blocks) == 1
    assert all(a.eigenvalue > b.eigenvalue for a, b in pairwise(blocks))


@wide
def test_block_energies(d):
    """The energies N_j mu_j at orders 3 and 4 are the known coefficients."""
    energies = [{b.degree: b.dim * b.eigenvalue for b in spectrum(d, l)} for l in (3, 4)]
    assert energies == [
        {1: Fraction(3, d + 2), 3: Fraction(d - 1, d + 2)},
        {
            0: Fraction(3, d * (d + 2)),
            2: Fraction(6 * (d - 1), d * (d + 4)),
            4: Fraction(d * d - 1, (d + 2) * (d + 4)),
        },
    ]


@over_sizes
def test_spectrum_is_that_of_the_moment_matrix(d, l):
    """The explicit matrix E[u^a u^b] has the closed form's eigenvalues, with multiplicities."""
    expected = [float(b.eigenvalue) for b in spectrum(d, l) for _ in range(b.dim)]
    found = np.linalg.eigvalsh(reference.moment_matrix(d, l))[::-1]
    assert_allclose(found, expected, rtol=1e-11)


@pytest.mark.parametrize("d, l", [(d, l) for l in range(1, 6) for d in (2, 3, 7)])
def test_smallest_eigenvalue(d, l):
    """The smallest eigenvalue is that of the last block."""
    assert smallest_eigenvalue(d, l) == spectrum(d, l)[-1].eigenvalue
    assert smallest_eigenvalue(d, l) == contraction_weights(d, l)[0]


@over_sizes
def test_contraction_weights(d, l):
    """The sum of a_t ‖tr^t S‖² over dense traces is the quadratic form of the moment matrix."""
    T = SymmetricTensor(np.ones(d), np.random.default_rng(l).standard_normal((d, d)), l)
    A, energy = to_dense(T), 0.0
    for a in contraction_weights(d, l):
        energy += float(a) * np.sum(A * A)
        A = np.trace(A) if A.ndim > 1 else A
    coords = T.coordinates().coords
    assert_allclose(energy, coords @ reference.moment_matrix(d, l) @ coords, rtol=1e-12)


@pytest.mark.parametrize("d, l", [(2, 3), (3, 3), (4, 4), (3, 5)])
@pytest.mark.parametrize("m", range(0, 9))
def test_lazy_bound(d, l, m):
    """Plain and sharp bounds are sums over the explicit matrix's smallest eigenvalues."""
    values = np.linalg.eigvalsh(reference.moment_matrix(d, l))
    left = max(len(values) - d * m, 0)
    assert_allclose(float(lazy_bound(d, l, m, sharp=True)), values[:left].sum(), atol=1e-13)
    assert_allclose(float(lazy_bound(d, l, m)), left * values[0], atol=1e-13)


@wide
@pytest.mark.parametrize("l", [3, 4, 5])
def test_sharp_lazy_bound_is_better_exactly_below_its_width(d, l):
    """The sharp bound is larger unless dm reaches C(d+l-3, l-2), which it does at l = 3."""
    for m in range(1, 12):
        better = lazy_bound(d, l, m, sharp=True) > lazy_bound(d, l, m)
        assert better == (d * m < comb(d + l - 3, l - 2))


def test_lazy_bound_example():
    """The worked example: l = 3, d = 8, m = 7 leaves 0.4."""
    assert lazy_bound(8, 3, 7) == Fraction(2, 5)
