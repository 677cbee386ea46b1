"""Numbers printed with their uncertainty are compared within it, and everything else exactly."""

import pytest

from tools.agree import agree

SAME = [
    ("38 of 40 = 0.95 ± 0.12", "38 of 40 = 0.95 ± 0.12"),
    ("38 of 40 = 0.95 ± 0.12", "39 of 40 = 0.97 ± 0.10"),
    ("slope  9.9 ± 0.4, theory 10", "slope 10.2 ± 0.5, theory 10"),
    ("1,200 ± 100", "1,150 ± 90"),
    ("-2.0e-03 ± 1e-04", "-2.1e-03 ± 1e-04"),
    ("", ""),
]
OTHER = [
    ("38 of 40 = 0.95 ± 0.12", "32 of 40 = 0.80 ± 0.15"),  # outside the interval
    ("38 of 40 = 0.95 ± 0.12", "18 of 40 = 0.95 ± 0.12"),  # the count alone
    ("38 of 40 = 0.95 ± 0.12", "38 of 41 = 0.95 ± 0.12"),  # other trials
    ("38 of 40 = 0.95 ± 0.12", "38 of 40 = 0.95 ± 0.31"),  # another width
    ("-2.0 ± 0.1", "2.0 ± 0.1"),
    ("1.0 ± 0.0", "1.1 ± 0.0"),
    ("d = 8: 1.0 ± 0.1", "d = 9: 1.0 ± 0.1"),  # other text
    ("1.0 ± 0.1", "1.0 ± 0.1\n1.0 ± 0.1"),
    ("1.25", "1.26"),
    ("38 of 40", "39 of 40"),
]


@pytest.mark.parametrize("one, other", SAME)
def test_within_the_uncertainty(one, other):
    assert agree(one, other) and agree(other, one)


@pytest.mark.parametrize("one, other", OTHER)
def test_outside_of_it(one, other):
    assert not agree(one, other) and not agree(other, one)
