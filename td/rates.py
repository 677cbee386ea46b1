"""Success rates with their intervals, the width that a task needs, the size of an experiment."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

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

    def __str__(self) -> str:
        """Such as "38 of 40 = 0.95 ± 0.12": the interval's farther end."""
        half = max(self.high - self.value, self.value - self.low)
        return f"{self.successes} of {self.trials} = {self.value:.2f} ± {half:.2f}"


def rate(success: Sequence[bool] | np.ndarray) -> Rate:
    """The success rate over independent trials, given as booleans; ValueError if there are none."""
    from scipy.stats import binomtest  # slow to import

    wins, trials = int(np.sum(success)), check.integer("the length of success", len(success), 1)
    low, high = binomtest(wins, trials).proportion_ci(0.95, method="wilson")
    return Rate(wins, trials, float(low), float(high))


def mean(values: Sequence[float] | np.ndarray, digits: int = 2) -> str:
    """Such as "1.03 ± 0.04": the mean of independent values, and 1.96 of its standard errors."""
    half = 1.96 * np.std(values, ddof=1) / np.sqrt(np.size(values))
    return f"{np.mean(values):,.{digits}f} ± {half:,.{digits}f}"


def needed(widths: Sequence[int], rates: Sequence[Rate], *, wanted: float = 0.9) -> list[float]:
    """The first width from which on all rates are ``wanted``, and the ends of its bar.

    The bar goes from where an interval first reaches ``wanted`` to where from on all lie above it;
    infinite is what lies beyond the grid. ValueError unless widths ascend, one for each rate.
    """
    if list(widths) != sorted(widths) or len(widths) != len(rates):
        raise ValueError(f"widths must ascend, one for each rate, got {widths} and {len(rates)}")
    middle = (w for k, w in enumerate(widths) if all(r.value >= wanted for r in rates[k:]))
    reached = (w for w, r in zip(widths, rates, strict=True) if r.high >= wanted)
    above = (w for k, w in enumerate(widths) if all(r.low >= wanted for r in rates[k:]))
    return [next(ends, np.inf) for ends in (middle, reached, above)]


def budget(quick: Any, ci: Any, paper: Any) -> Any:
    """The one of three values that the variable TD_BUDGET names, by default ci; else ValueError."""
    size = check.choice("TD_BUDGET", os.environ.get("TD_BUDGET") or "ci", ("quick", "ci", "paper"))
    return {"quick": quick, "ci": ci, "paper": paper}[size]
