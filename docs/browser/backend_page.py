"""matplotlib's backend for the page "Run it here"."""

from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas
from page import show

__all__ = ["FigureCanvas", "show"]
