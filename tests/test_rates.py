"""Success rates and their intervals, the width that a task needs, and the size of an experiment."""

import re
from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose

from td.rates import Rate, budget, mean, needed, rate


@pytest.mark.parametrize("wins, n", [(0, 1), (1, 1), (0, 40), (36, 40), (40, 40), (500, 1000)])
def test_wilson_interval(wins, n):
    """The interval is Wilson's: where the score test at 95 % stops rejecting."""
    found, z, p = rate([True] * wins + [False] * (n - wins)), 1.959963984540054, wins / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert (found.successes, found.trials, found.value) == (wins, n, p)
    assert_allclose([found.low, found.high], [middle - half, middle + half], atol=1e-12)
    assert found == rate(np.arange(n) < wins)


def test_a_rate_says_how_far_its_interval_reaches():
    for wins in (0, 12, 38, 40):
        one = rate(np.arange(40) < wins)
        count, value, half = re.fullmatch(r"(\d+) of 40 = (\S+) ± (\S+)", str(one)).groups()
        assert (int(count), float(value)) == (wins, round(wins / 40, 2))
        assert abs(float(half) - max(one.high - wins / 40, wins / 40 - one.low)) <= 0.005
    assert str(rate(np.arange(40) < 38)) == "38 of 40 = 0.95 ± 0.12"


def test_needed():
    """The first width from which on every rate is at least what is wanted, by default 90 %."""
    for expected, *wins in (4, 0, 9, 10, 10), (2, 9, 10, 10, 10), (6, 10, 0, 10, 9), (np.inf, 9, 8):
        rates = [Rate(k, 10, 0.0, 1.0) for k in wins]
        assert needed([2, 4, 6, 8][: len(wins)], rates)[0] == expected
    rates = [Rate(k, 10, 0.0, 1.0) for k in (4, 6, 10)]
    assert [needed([1, 2, 3], rates, wanted=p)[0] for p in (0.3, 0.5, 1.0)] == [1, 2, 3]


def test_the_bar_of_needed():
    """From where an interval reaches 90 % (of 40: with 33 wins) to where all are above (40)."""
    never, always = ([np.inf] * 3, 0, 0, 0, 0), ([2] * 3, 40, 40, 40, 40)
    for bar, *wins in ([6, 4, 8], 20, 33, 38, 40), ([8, 4, 8], 10, 40, 33, 40), never, always:
        assert needed([2, 4, 6, 8], [rate(np.arange(40) < k) for k in wins]) == bar


def test_budget(monkeypatch):
    """The variable TD_BUDGET chooses; ci without it."""
    for name, size in [("quick", 1), ("ci", 2), ("paper", 3), ("", 2)]:
        monkeypatch.setenv("TD_BUDGET", name)
        assert budget(1, 2, 3) == budget(quick=1, ci=2, paper=3) == size
    monkeypatch.setenv("TD_BUDGET", "huge")
    with pytest.raises(ValueError, match=r"TD_BUDGET must be one of 'quick', .*, got 'huge'"):
        budget(1, 2, 3)


def test_a_mean_says_its_standard_errors():
    """Of n values that are 0 and 2 alike often: 1 ± 1.96 / sqrt(n - 1)."""
    assert mean([0, 2] * 50) == "1.00 ± 0.20" and mean([0, 2] * 5000, 3) == "1.000 ± 0.020"
    assert mean(np.full((2, 3), 12345.0), 0) == "12,345 ± 0"
