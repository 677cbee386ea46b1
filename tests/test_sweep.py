"""Success rates with intervals, and the width that a task needs."""

from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose

from td.sweep import Rate, needed, rate


@pytest.mark.parametrize("wins, n", [(0, 1), (1, 1), (0, 40), (36, 40), (40, 40), (500, 1000)])
def test_wilson_interval(wins, n):
    """The interval is Wilson's: where the score test at 95 % stops rejecting."""
    found, z, p = rate([True] * wins + [False] * (n - wins)), 1.959963984540054, wins / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert (found.successes, found.trials, found.value) == (wins, n, p)
    assert_allclose([found.low, found.high], [middle - half, middle + half], atol=1e-12)


def test_rate_takes_arrays():
    """A numpy array of booleans counts like a list."""
    assert rate(np.array([True, False, True])) == rate([True, False, True])


@pytest.mark.parametrize(
    "wins, expected",
    [
        ([0, 9, 10, 10], 4),
        ([9, 10, 10, 10], 2),
        ([10, 0, 10, 9], 6),  # a width counts only if all wider ones succeed as well
        ([10, 10, 10, 8], None),
        ([0, 0, 0, 10], 8),
    ],
)
def test_needed(wins, expected):
    """The needed width is the first from which on every rate is at least 90 %."""
    rates = [Rate(k, 10, 0.0, 1.0) for k in wins]
    assert needed([2, 4, 6, 8], rates) == expected


def test_needed_at_another_rate():
    """A lower bar needs fewer components."""
    rates = [Rate(k, 10, 0.0, 1.0) for k in (4, 6, 10)]
    assert [needed([1, 2, 3], rates, wanted=p) for p in (0.3, 0.5, 1.0)] == [1, 2, 3]
