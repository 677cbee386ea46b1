"""Moment tensors of data against dense arrays, and what comes out of them."""

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose
from test_memory import most_held

import td
from td import data
from td.tensor import to_dense

real = reference.notebook("10_real_data")  # the functions that it shows
RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 4)) ** 3 @ RNG.standard_normal((4, 4)) + 2.0
EYE, N = np.eye(4), len(X)


@pytest.mark.parametrize("l", [2, 3, 4, 5])
def test_moment(l):
    """The mean of the samples' powers."""
    assert_allclose(to_dense(data.moment(X, l)), reference.dense(np.ones(N) / N, X.T, l))


def test_fourth_cumulant():
    """E x^4 minus its three pairings of covariances, for the centred samples."""
    Z = X - X.mean(0)
    S = Z.T @ Z / N
    pairings = reference.symmetrised(np.multiply.outer(S, S))
    expected = reference.dense(np.ones(N) / N, Z.T, 4) - 3 * pairings
    assert_allclose(to_dense(data.fourth_cumulant(X)), expected, atol=1e-12 * abs(expected).max())


def test_contraction_of_the_fourth_cumulant():
    """E[(x·z)³ z] - 3 (xᵀΣx) Σx, which forms nothing but products with the data."""
    Z, Y = X - X.mean(0), RNG.standard_normal((4, 3))
    S = Z.T @ Z / N
    expected = Z.T @ (Z @ Y) ** 3 / N - 3 * np.sum(Y * (S @ Y), axis=0) * (S @ Y)
    found = data.fourth_cumulant(X).contract(Y)
    assert_allclose(found, expected, atol=1e-12 * abs(expected).max())


@pytest.mark.parametrize("data_", [X, X * [1e4, 1, 1, 1], X - X.mean(0)])
def test_mixture_moment(data_):
    """E x^3 minus the three placements of σ² E x ⊗ I."""
    pairings = reference.symmetrised(np.multiply.outer(data_.mean(0), EYE))
    expected = reference.dense(np.ones(N) / N, data_.T, 3) - 3 * 0.7 * pairings
    found = to_dense(data.mixture_moment(data_, 0.7))
    assert_allclose(found, expected, atol=1e-12 * abs(expected).max())


def test_a_gaussian_has_no_fourth_cumulant():
    """Its sample size only: with 40,000 samples the cumulant is under 5 % of the moment."""
    Z = np.random.default_rng(1).standard_normal((40_000, 3))
    cumulant, moment = (T.coordinates().norm for T in (data.fourth_cumulant(Z), data.moment(Z, 4)))
    assert cumulant < 0.05 * moment


def test_whitening():
    """It makes the matrix the identity on the directions kept, and ``back`` undoes it there."""
    S = np.cov(X.T)
    there, back = data.whitening(S, 3)
    assert_allclose(there @ S @ there.T, np.eye(3), atol=1e-12)
    assert_allclose(there @ back, np.eye(3), atol=1e-12)
    there, back = data.whitening(S, 4)
    assert_allclose(back @ there, EYE, atol=1e-10)


def test_image():
    """Applying a matrix to each axis is applying it to each sample."""
    A = RNG.standard_normal((2, 4))
    found, expected = data.moment(X, 3).image(A), data.moment(X @ A.T, 3)
    assert (found - expected).norm < 1e-6 * expected.norm


def test_independent_sources_are_found():
    """Of mixed independent sources the cumulant's components are the mixing matrix's columns."""
    rng = np.random.default_rng(2)
    sources = np.stack([rng.laplace(size=9000), rng.exponential(size=9000)], axis=1)
    mixing = np.array([[1.0, 0.5, 0.0], [0.2, -1.0, 0.7]]).T
    T = data.fourth_cumulant(sources @ mixing.T)
    fit = td.decompose(T, 8, seed=0, tol=0.15)
    cosines = abs((mixing / np.linalg.norm(mixing, axis=0)).T @ fit.factors)
    assert fit.rank == 2 and np.all(cosines.max(axis=1) > 0.99)


def sparse_and_flat():
    """Two heavy sources (κ = 47) and two light ones (κ = -1.2): hidden under the heavy's error."""
    rng, n = np.random.default_rng(4), 20_000
    heavy = rng.choice([-1.0, 0.0, 1.0], p=[0.01, 0.98, 0.01], size=(2, n))
    return np.vstack([heavy, rng.uniform(-1, 1, size=(2, n))])


def test_rounds_find_what_one_round_hides():
    """`unmix` finds all four sources, heavy ones first, their number not given."""
    S = sparse_and_flat()
    mixed = (np.random.default_rng(5).standard_normal((4, 4)) @ S).T
    directions, rounds = real.unmix(mixed, seed=0)
    assert rounds == [2, 2]
    cosines = abs(np.corrcoef(S, directions.T @ mixed.T)[:4, 4:])
    assert np.all(cosines.max(axis=1) > 0.99)


def test_standard_error():
    """From ten bands, that of a mean: the samples' spread over the root of their number."""
    Z = np.random.default_rng(6).exponential(size=(9000, 2))
    cubes = np.einsum("na,nb,nc->nabc", Z, Z, Z)
    expected = np.sqrt(np.sum(np.var(cubes, axis=0)) / 9000) / np.linalg.norm(cubes.mean(axis=0))
    assert_allclose(real.standard_error(lambda X: data.moment(X, 3), Z), expected, rtol=0.5)


def test_means_of_a_mixture_are_found():
    """Of two spherical Gaussians in R^6: their means and proportions, after whitening and back."""
    rng, means = np.random.default_rng(3), np.zeros((6, 2))
    means[:2] = [[3.0, -1.0], [1.0, 2.0]]
    labels = rng.choice(2, size=9000, p=[0.7, 0.3])
    Y = means.T[labels] + 0.5 * rng.standard_normal((9000, 6))
    there, back = data.whitening(Y.T @ Y / len(Y) - 0.25 * np.eye(6), 2)
    fit = td.decompose(data.mixture_moment(Y, 0.25).image(there), 8, seed=0, tol=0.1)
    proportions, centres = data.mixture(fit.tensor, back)
    order = np.argsort(-proportions)
    assert fit.rank == 2
    assert_allclose(proportions[order], [0.7, 0.3], atol=0.03)
    assert_allclose(centres[:, order], means, atol=0.06)


@pytest.mark.parametrize("l", [3, 4])
def test_memory(l):
    """6,000 samples in R^60, 20 directions: no array of 60^l numbers, no Gram matrix of n²."""
    rng = np.random.default_rng(0)
    Y = rng.standard_normal((6000, 60))
    there, _ = data.whitening(np.cov(Y.T), 20)
    make = data.fourth_cumulant if l == 4 else lambda Z: data.mixture_moment(Z, 1.0)

    def work():
        T = make(Y @ there.T)
        T.contract(np.eye(20)), T.norm

    assert most_held(work) < 2**26 < 8 * 6000**2 / 4


def test_decomposition_in_bounded_memory():
    """Descent on 6,000 samples: the contraction does not grow with their number."""
    Z = np.random.default_rng(0).exponential(size=(6000, 6)) - 1
    assert most_held(lambda: td.decompose(data.moment(Z, 3), 12, seed=0)) < 2**24


def test_coordinates_in_bounded_memory():
    """A tensor of many components gets its coordinates block by block."""
    T = data.moment(np.random.default_rng(0).standard_normal((10_000, 15)), 4)
    assert most_held(T.coordinates) < 2**24 < 8 * 3060 * 10_000 / 14
