"""The gradient's memory: a few arrays of m² and dm numbers, whatever the order l."""

import tracemalloc

import numpy as np
import pytest

from td import targets
from td.objective import plain_gradient

SIZES = [(30, 400), (100, 1000), (300, 300), (1000, 50), (2000, 20)]  # d, m


def peak(d, m, l):
    """The most that one gradient holds at a time, in units of 8(m² + dm) bytes."""
    rng, T = np.random.default_rng(0), targets.random(d, 3, l, seed=1)
    w, U = rng.standard_normal(m), rng.standard_normal((d, m)) / np.sqrt(d)
    plain_gradient(w, U, T)
    tracemalloc.start()
    plain_gradient(w, U, T)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / (8 * (m * m + d * m))


@pytest.mark.parametrize(("d", "m"), SIZES)
def test_gradient_needs_a_few_arrays(d, m):
    found = [peak(d, m, l) for l in (2, 3, 4, 5, 6)]
    assert max(found) < 4
    assert max(found[1:]) < 1.01 * min(found[1:])  # d^l grows by d³ from l = 3 to 6
