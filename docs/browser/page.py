"""Python's side of the page "Run it here": no terminal, and figures become files (worker.js)."""

import logging
import sys
import warnings

sys.stdout.isatty = sys.stderr.isatty = lambda: False  # so no progress bars
warnings.filterwarnings("ignore", message="tqdm:disabling monitor")  # there are no threads
logging.getLogger("matplotlib").setLevel("ERROR")  # nor a folder for its fonts


def show(*_, **__):
    """Save every open figure for the page, and close it."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        for number in pyplot.get_fignums():
            pyplot.figure(number).savefig(f"/tmp/figure-{number}.png", dpi=110)
        pyplot.close("all")
