"""Memory: a few arrays of m² and dm numbers, whatever the order l; under 1 GiB where m is huge."""

import tracemalloc

import numpy as np
import pytest

from td import symmetric, targets
from td.descent import Recipe, descend
from td.objective import bracket, plain_gradient

SIZES = [(30, 400), (100, 1000), (300, 300), (1000, 50), (2000, 20)]  # d, m


def most_held(work):
    """The most bytes that ``work()`` holds at a time."""
    tracemalloc.start()
    work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def peak(d, m, l):
    """The most that one gradient holds at a time, in units of 8(m² + dm) bytes."""
    rng, T = np.random.default_rng(0), targets.random(d, 3, l, seed=1)
    w, U = rng.standard_normal(m), rng.standard_normal((d, m)) / np.sqrt(d)
    plain_gradient(w, U, T)
    return most_held(lambda: plain_gradient(w, U, T)) / (8 * (m * m + d * m))


@pytest.mark.parametrize(("d", "m"), SIZES)
def test_gradient_needs_a_few_arrays(d, m):
    found = [peak(d, m, l) for l in (2, 3, 4, 5, 6)]
    assert max(found) < 4
    assert max(found[1:]) < 1.01 * min(found[1:])  # d^l grows by d³ from l = 3 to 6


@pytest.mark.slow
@pytest.mark.parametrize("l", [3, 4])
def test_huge_width(l):
    """m = 20,000, where a Gram matrix alone is 3.2 GB: the field in under 1 GiB, and right."""
    d, m, few = 50, 20_000, [0, 7, 19_999]
    rng, T = np.random.default_rng(0), targets.random(d, 3, l, seed=1)
    w, U = rng.standard_normal(m) / m, rng.standard_normal((d, m)) / np.sqrt(d)
    found = []
    assert most_held(lambda: found.append(bracket(w, U, T))) < 2**30
    (residual,) = found
    assert residual.gram is None
    theirs = (T.factors * T.weights) @ (T.factors.T @ U[:, few]) ** (l - 1)
    expected = (U * w) @ (U.T @ U[:, few]) ** (l - 1) - theirs
    np.testing.assert_allclose(residual.field[:, few], expected, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("l", [2, 3, 4])
def test_descent_without_a_gram_matrix(monkeypatch, l):
    """A run so wide that no Gram matrix is kept takes the steps that it takes with one."""
    T, recipe = targets.orthogonal(30, 3, l, seed=0), Recipe(epochs=2, steps=8, reinit=9e-4)
    options = {"seed": 0, "recipe": recipe, "record": True}
    wide = descend(T, 2100, **options)
    assert most_held(lambda: descend(T, 2100, **options)) < 4 * 8 * 2100**2
    monkeypatch.setattr(symmetric, "TILE", 10_000)
    kept = descend(T, 2100, **options)
    for name in ("error", "norms"):
        np.testing.assert_allclose(wide.history[0][name], kept.history[0][name], rtol=1e-9)
