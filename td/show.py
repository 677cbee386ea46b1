"""The one plotting style of the edition: large type, few colours that also differ in grey."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

INK, BLUE, RED, GOLD, GREY = "#222222", "#0b4a8f", "#cc4524", "#8f6a00", "#6f6f6f"
CYCLE = (BLUE, RED, GOLD, INK, GREY)
MARKERS = ("o", "s", "^", "D", "v")


def figure(panels: int = 1, **options: Any) -> tuple[Any, Any]:
    """A figure and its axes: one, or an array of ``panels`` side by side, in ``nrows``."""
    plt.style.use("td.edition")
    width = {1: 7.2, 2: 10.5}.get(panels, 4.2 * panels)
    return plt.subplots(**{"nrows": 1, "ncols": panels, "figsize": (width, 4.3), **options})


def label(ax: Any, x: float, y: float, text: str, color: str, **options: Any) -> None:
    """Write ``text`` beside a curve at data point (x, y), in the curve's colour."""
    place = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", **options}
    ax.annotate(text, (x, y), color=color, **place)


def points(ax: Any, x: Sequence[float], y: Any, low: Any, high: Any, **options: Any) -> None:
    """Measurements as points, with the interval from ``low`` to ``high`` as bars."""
    y, low, high = (np.asarray(v, dtype=float) for v in (y, low, high))
    bars = {"fmt": "o", "capsize": 2.5, "markersize": 5, "elinewidth": 1.2, **options}
    ax.errorbar(x, y, yerr=[np.maximum(y - low, 0), np.maximum(high - y, 0)], **bars)
