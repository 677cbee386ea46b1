"""td.decompose on tensors of any kind, scale and shape: it says what is true, or why it can't."""

import re
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import td
from td import data, targets
from td.descent import REACHED
from td.tensor import SymmetricTensor, to_dense


@st.composite
def arrays(draw):
    """Dense arrays of rank at most 5, of any order to 8 and any scale, some spoilt a little."""
    l, d = draw(st.sampled_from([(l, d) for l in range(2, 9) for d in range(1, 7) if d**l <= 4096]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    r, noise = draw(st.integers(1, 5)), draw(st.sampled_from([0.0, 0.0, 1e-9, 1e-3, 0.3]))
    A = reference.dense(rng.choice([-1.0, 0.01, 1.0], size=r), rng.standard_normal((d, r)), l)
    A = A / max(np.abs(A).max(), 1e-300)
    A = A + noise * reference.symmetrised(rng.standard_normal(A.shape))
    A = A + draw(st.sampled_from([0.0, 1e-12, 1e-8, 1e-7])) * rng.standard_normal(A.shape)
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    exponent = draw(st.integers(-200, 200) if dtype == np.float64 else st.integers(-30, 30))
    return (A * 10.0**exponent).astype(dtype)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(arrays(), st.sampled_from([None, 1e-2]), st.sampled_from([None, 3]))
def test_anything(A, tol, width):
    """Never a wrong "reached", and complaints only about what was given."""
    try:
        fit = td.decompose(A, width, tol=tol, attempts=2)
    except ValueError as complaint:
        assert re.search(r"T must|T's weights leave", str(complaint))
        return
    scale = np.abs(A).max().astype(np.float64)
    w = fit.weights.astype(np.float64) / scale
    B = reference.dense(w, fit.factors.astype(np.float64), A.ndim)
    error = np.linalg.norm(B - A / scale) / np.linalg.norm(A / scale)
    slack = 1e-7 if A.dtype == np.float64 else 1e-5  # the asymmetry allowed, and rounding
    assert abs(error - fit.error) < slack * max(1.0, np.abs(w).max())
    aim = tol or (1e-8 if A.dtype == np.float64 else 1.2e-4)
    assert (fit.reason == REACHED) == (fit.error <= aim * 1.001)


@pytest.mark.parametrize("l", [2, 3, 4])
@pytest.mark.parametrize("form", ["dense", "factored", "coordinates"])
def test_scales(l, form):
    """Powers of two change no bit but the weights' exponents, and powers of ten hardly more."""
    T = targets.random(4, 3, l, seed=0, signs="mixed")
    take = {"dense": to_dense, "factored": lambda T: T, "coordinates": SymmetricTensor.coordinates}
    plain = td.decompose(take[form](T))
    for factor in (2.0**-600, 2.0**40, 2.0**600):
        fit = td.decompose(take[form](T.scaled(factor)))
        assert np.array_equal(fit.factors, plain.factors) and fit.error == plain.error
        assert np.array_equal(fit.weights, plain.weights * factor)
    for factor in (1e-200, 1e-163, 1e155, 1e290):
        fit = td.decompose(take[form](T.scaled(factor)))
        assert_allclose(fit.factors, plain.factors, atol=1e-9)
        assert_allclose(fit.weights / factor, plain.weights, rtol=1e-9)


def test_scales_of_factors():
    """Lengths of factors may be anything whose powers' weights are floats."""
    T = targets.random(4, 3, 4, seed=0)
    small = SymmetricTensor(T.weights * 1e200, T.factors * 1e-50, 4)
    assert_allclose(td.decompose(small).weights, td.decompose(T).weights, rtol=1e-9)
    with pytest.raises(ValueError, match="T's weights leave the range of float32"):
        td.decompose(SymmetricTensor(T.weights, T.factors * 1e-15, 4).moved(np, dtype=np.float32))


@pytest.mark.parametrize("scale", [1e-6, 1e-120, 1e120])
@pytest.mark.parametrize("make", ["moment", "fourth_cumulant", "mixture_moment"])
def test_scales_of_data(make, scale):
    """Volts or microvolts: the same terms, and the error is not lost in powers of small numbers."""
    rng = np.random.default_rng(0)
    X = rng.exponential(size=(400, 3)) @ rng.standard_normal((3, 3))
    options = {"moment": (4,), "mixture_moment": (0.1,)}.get(make, ())
    there = {"moment": (4,), "mixture_moment": (0.1 * scale * scale,)}.get(make, ())
    first = td.decompose(getattr(data, make)(X, *options), tol=0.1)
    again = getattr(data, make)(X * scale, *there)
    if scale == 1e-6:
        again = td.decompose(again, tol=0.1)
        assert_allclose(again.factors, first.factors, atol=1e-6)
        assert_allclose(again.error, first.error, rtol=1e-6)
    else:
        with pytest.raises(ValueError, match="T's weights leave the range of float64"):
            td.decompose(again, tol=0.1)


def test_single_precision_volts():
    """Data of 1e-6 in float32: squares of their fourth powers would leave its range."""
    rng = np.random.default_rng(0)
    X = rng.exponential(size=(2000, 3)).astype(np.float32)
    plain, volts = (data.fourth_cumulant(x) for x in (X, X * np.float32(1e-6)))
    fits = [td.decompose(T, rank=3) for T in (plain, volts)]
    assert fits[0].error > 1e-3
    assert_allclose(fits[1].error, fits[0].error, rtol=0.01)
    assert_allclose(abs(fits[0].factors.T @ fits[1].factors).max(axis=0), 1, atol=1e-3)


def test_what_means_the_same_is_taken():
    """Lists, integers, DataFrames, memory maps, legacy random states."""
    A = np.array([[2, 1, 0], [1, 3, 1], [0, 1, 4]])
    plain = td.decompose(A.astype(float))
    for same in (A.tolist(), A, pd.DataFrame(A), A.view(np.memmap)):
        fit = td.decompose(same, seed=np.random.RandomState(0))
        assert type(fit.weights) is np.ndarray and np.array_equal(fit.factors, plain.factors)
    for same in (A.tolist(), pd.DataFrame(A)):
        assert np.array_equal(data.moment(same, 3).factors, A.T)


def test_symmetrize():
    """The mean over all permutations; the complaint about an array that needs it names it."""
    A = np.random.default_rng(0).standard_normal((3,) * 4)
    mean = sum(A.transpose(p) for p in permutations(range(4))) / 24
    assert_allclose(td.symmetrize(A), mean, atol=1e-14)
    with pytest.raises(ValueError, match=r"td\.symmetrize"):
        td.decompose(A)
    assert td.decompose(td.symmetrize(A)).error < 1e-8
