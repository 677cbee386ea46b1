"""Memory: a few arrays like the factors and a few blocks, whatever the order l."""

import tracemalloc

import numpy as np
import pytest

from td import targets, tensor
from td.descent import Recipe, descend
from td.objective import bracket, gradient

SIZES = [(30, 400), (100, 1000), (300, 300), (1000, 50), (2000, 20), (50, 5000)]  # d, m
HUGE = (50, 20_000)


def most_held(work):
    """The most bytes that ``work()`` holds at a time."""
    tracemalloc.start()
    work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def problem(d, m, l):
    """A model of m components, which has nothing computed yet, and a target."""
    model = targets.random(d, m, l, seed=0, signs="mixed").scaled(1 / m)
    return model, targets.random(d, 3, l, seed=1)


def peak(d, m, l):
    """The most that one gradient holds at a time, in units of 8(m² + dm) bytes."""
    model, T = problem(d, m, l)
    return most_held(lambda: gradient(model, T)) / (8 * (m * m + d * m))


@pytest.mark.slow
@pytest.mark.parametrize(
    "d, m, l", [(*size, l) for size in SIZES for l in (2, 3, 4, 6)] + [(*HUGE, 3)]
)
def test_a_gradient_needs_no_gram_matrix(d, m, l):
    """Eight arrays of dm numbers and four blocks: of HUGE, 69 MB where a Gram matrix is 3.2 GB."""
    assert peak(d, m, l) * (m * m + d * m) < 8 * d * m + 4 * tensor.BLOCK


@pytest.mark.slow
def test_the_field_of_a_huge_model():
    """What is never held as a whole is right where it is computed again."""
    (model, T), few = problem(*HUGE, 3), [0, 7, 19_999]
    found, X = bracket(model, T).field[:, few], model.factors[:, few]
    own, theirs = ((S.factors * S.weights) @ (S.factors.T @ X) ** 2 for S in (model, T))
    np.testing.assert_allclose(found, own - theirs, atol=1e-12)


@pytest.mark.parametrize("l", [2, 3, 4])
def test_descent_keeps_a_few_gram_matrices(l):
    """At m = 1000 and d = 30 they are nearly all that a run needs: fewer than five."""
    T, recipe = targets.orthogonal(30, 3, l, seed=0), Recipe(epochs=2, steps=4, reinit=9e-4)
    assert most_held(lambda: descend(T, 1000, seed=0, recipe=recipe)) < 5 * 8 * 1000**2
