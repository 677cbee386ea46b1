"""Times td's inner loops side by side with the plain alternatives: `make bench`.

The two of a pair take turns, so that a slow spell of the machine hits both; medians are compared.
The table beside this file is written when all bounds hold.
"""

import numpy as np
import pytest

from td import targets
from td.objective import gradient
from td.tensor import SymmetricTensor, power
from tests.benchmarks.timing import compare
from tests.test_memory import SIZES, peak


def by_hand(w, U, c, V, l):
    """The gradient of the plain loss in U: four products, the rest in place."""
    G, H = U.T @ U, V.T @ U
    P, Q = (G * G, H * H) if l > 2 else (G, H)
    for _ in range(l - 3):
        P *= G
        Q *= H
    E = (U * w) @ P
    E -= (V * c) @ Q
    E *= l * w
    return E


@pytest.mark.parametrize(
    ("l", "d", "m", "rounds", "bound"),
    [
        (3, 100, 1000, 100, 1.3),
        (5, 100, 1000, 100, 1.3),
        (3, 1000, 50, 1000, 1.3),
        (4, 30, 100, 3000, 2.5),  # microseconds: checking the arguments shows
    ],
)
def test_gradient(benchmark, table, l, d, m, rounds, bound):
    rng, T = np.random.default_rng(0), targets.random(d, 10, l, seed=1)
    w, U = rng.standard_normal(m), rng.standard_normal((d, m)) / np.sqrt(d)
    ours = lambda: gradient(SymmetricTensor(w, U, l), T)  # noqa: E731
    hand = lambda: by_hand(w, U, T.weights, T.factors, l)  # noqa: E731
    np.testing.assert_allclose(ours(), hand(), atol=1e-10 * np.abs(hand()).max())
    td, plain = compare(benchmark, ours, hand, rounds=rounds)
    table(
        "One gradient (td.objective.gradient, r = 10) against one written by hand for BLAS",
        **{"l": l, "d": d, "m": m, "rounds": rounds},
        **{"td [us]": f"{1e6 * td:.0f}", "by hand [us]": f"{1e6 * plain:.0f}"},
        ratio=f"{td / plain:.2f}",
    )
    assert td < bound * plain


@pytest.mark.parametrize(("d", "m"), SIZES)
def test_memory(table, d, m):
    table(
        "Most memory that one gradient holds at a time, in units of 8(m² + dm) bytes",
        **{"d": d, "m": m},
        **{f"l = {l}": f"{peak(d, m, l):.2f}" for l in (2, 3, 4, 5, 6)},
    )


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_power(benchmark, table, n):
    x = np.random.default_rng(0).standard_normal((1000, 1000))
    td, plain = compare(benchmark, lambda: power(x, n), lambda: x**n, rounds=15)
    table(
        "Powers of a 1000 x 1000 array: td.tensor.power(x, n) against x**n (15 rounds)",
        **{"n": n, "td [ms]": f"{1e3 * td:.2f}", "x**n [ms]": f"{1e3 * plain:.2f}"},
        **{"x**n / td": f"{plain / td:.1f}"},
    )
    assert n == 2 or 5 * td < plain
