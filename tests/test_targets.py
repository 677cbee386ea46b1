"""Ground truths: their geometry, their signs, and the trap of Theorem C."""

from functools import partial
from itertools import combinations
from math import comb

import numpy as np
import pytest
from numpy.testing import assert_allclose

from td import targets
from td.tensor import to_dense

FAMILIES = {
    "orthogonal": targets.orthogonal,
    "random": targets.random,
    "correlated": partial(targets.correlated, cosine=0.3),
}
families = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def gram(T):
    return T.factors.mT @ T.factors


@families
@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_components(family, batch):
    """Components are unit vectors with weight +1, in the shapes asked for."""
    T = family(6, 4, 3, seed=1, batch=batch)
    assert (T.factors.shape, T.weights.shape) == ((*batch, 6, 4), (*batch, 4))
    assert (T.dim, T.order) == (6, 3) and np.all(T.weights == 1)
    assert_allclose(np.linalg.norm(T.factors, axis=-2), 1, rtol=1e-14)


@families
def test_mixed_signs(family):
    """Mixed signs are ±1, both about equally often."""
    weights = family(6, 4, 3, seed=1, signs="mixed", batch=(100,)).weights
    assert set(np.unique(weights)) == {-1.0, 1.0} and abs(weights.mean()) < 0.2


@families
def test_seeds(family):
    """A seed reproduces its target, another gives another, and batch members differ."""
    make = lambda seed: family(6, 4, 3, seed=seed, signs="mixed", batch=(2,))  # noqa: E731
    first, again, other = make(1), make(np.random.default_rng(1)), make(2)
    assert np.array_equal(first.factors, again.factors)
    assert np.array_equal(first.weights, again.weights)
    assert not np.allclose(first.factors, other.factors)
    assert not np.allclose(first.factors[0], first.factors[1])


@pytest.mark.parametrize("r", [1, 3, 5])
def test_orthogonal(r):
    """Orthogonal components are orthonormal, up to r = d of them."""
    T = targets.orthogonal(5, r, 3, seed=1, batch=(4,))
    assert_allclose(gram(T), np.broadcast_to(np.eye(r), (4, r, r)), atol=1e-14)


def test_orthogonal_frames_are_uniform():
    """The first component of 2,000 frames has mean 0 and second moments 1/d."""
    u = targets.orthogonal(3, 2, 3, seed=1, batch=(2000,)).factors[..., 0]
    assert np.max(np.abs(u.mean(axis=0))) < 4 * np.sqrt(1 / 3 / 2000)
    assert_allclose(u.T @ u / 2000, np.eye(3) / 3, atol=4 * np.sqrt(0.09 / 2000))


@pytest.mark.parametrize("cosine", [0.0, 0.5, 0.99])
def test_correlated(cosine):
    """Any two correlated components have exactly the cosine asked for."""
    expected = np.full((4, 4), cosine) + (1 - cosine) * np.eye(4)
    T = targets.correlated(6, 4, 3, cosine=cosine, seed=1, batch=(2,))
    assert_allclose(gram(T), np.broadcast_to(expected, (2, 4, 4)), atol=1e-14)


@pytest.mark.parametrize("l", [3, 4, 5])
@pytest.mark.parametrize("copies", [1, 2])
def test_trap(l, copies):
    """The trap's dense array is e_1^{⊗l} minus every placement of two e_2, once per copy."""
    d = 2 * copies + 1
    expected = np.zeros((d,) * l)
    for j in range(copies):
        expected[(2 * j,) * l] = 1.0
        for pair in combinations(range(l), 2):
            expected[tuple(2 * j + (k in pair) for k in range(l))] = -1.0
    T = targets.trap(d, l, copies=copies)
    assert T.factors.shape == (d, copies * (l + 1))
    assert_allclose(to_dense(T), expected, atol=1e-13)
    assert_allclose(T.norm**2, copies * (1 + comb(l, 2)), rtol=1e-12)
