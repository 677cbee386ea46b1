"""What batches of runs say: success rates with intervals, and the width that a task needs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from td import check


class Rate(NamedTuple):
    """A success rate with its 95 % Wilson interval."""

    successes: int
    trials: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Successes per trial."""
        return self.successes / self.trials


def rate(success: Sequence[bool] | np.ndarray) -> Rate:
    """The success rate over independent trials, given as booleans. ValueError if there are none."""
    wins, trials = int(np.sum(success)), check.integer("the length of success", len(success), 1)
    interval = binomtest(wins, trials).proportion_ci(0.95, method="wilson")
    return Rate(wins, trials, float(interval.low), float(interval.high))


def needed(widths: Sequence[int], rates: Sequence[Rate], *, wanted: float = 0.9) -> int | None:
    """The smallest width of the grid from which on every rate is at least ``wanted``; else None.

    ``widths`` must ascend: ValueError otherwise, or if there is not one rate for each.
    """
    if list(widths) != sorted(widths) or len(widths) != len(rates):
        raise ValueError(
            f"widths must ascend, one rate for each, got {len(widths)} and {len(rates)}"
        )
    last_bad = max((k for k, r in enumerate(rates) if r.value < wanted), default=-1)
    return widths[last_bad + 1] if last_bad + 1 < len(widths) else None
