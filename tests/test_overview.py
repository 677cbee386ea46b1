"""Notebook 00: a growth of needed m is seen, and its film shows what it says."""

import numpy as np
import pytest
import reference
from PIL import Image, ImageChops, ImageSequence

from td.backend import generator
from td.rates import rate
from tools.ledger import NOTEBOOKS

OVERVIEW = reference.notebook("00_overview")
FILM = NOTEBOOKS / "figures" / "lazy_and_rich.gif"
DIMS = [8, 20, 100, 10**3, 10**4, 10**6, 10**9, 10**12]
WIDTHS = [3, 4, 5, 6, 8]


def fitted(per_decade, seed):
    """The slope found, with its width, where needed m starts at 3 and grows by so much a decade."""
    least = 3 + per_decade * np.log10(np.array(DIMS)[:, None] / DIMS[0])
    p = np.where(np.array(WIDTHS) >= least, 0.98, 0.3)
    wins = generator(seed).random((60, *p.shape)) < p
    rates = [[rate(wins[:, i, j]) for j in range(len(WIDTHS))] for i in range(len(DIMS))]
    return OVERVIEW.growth(DIMS, rates, WIDTHS)


@pytest.mark.parametrize("seed", range(5))
def test_one_component_per_three_decades_is_caught(seed):
    """Slope and width stay below 1/6, says the notebook: without a growth they do, here not."""
    slope, half = fitted(1 / 3, seed)
    assert slope + half > 1 / 6 and slope > 1 / 4
    slope, half = fitted(0.0, seed)
    assert abs(slope) + half < 1 / 6


def test_a_film_has_every_step(tmp_path):
    """As many frames as the shorter run has steps."""
    rng = generator(0)
    views = [(rng.uniform(-0.5, 0.5, (2, 8)), np.full(8, k + 1.0), 1 / (k + 1)) for k in range(4)]
    OVERVIEW.film(tmp_path / "film.gif", {"a": (views, "#cc4524"), "b": (views[:3], "#0b4a8f")})
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 3


def test_the_film_shows_what_it_says():
    """Below 300 kB; the lazy dots, left, stay where they are, and the others do not."""
    with Image.open(FILM) as film:
        first, *others = (x.convert("RGB") for x in ImageSequence.Iterator(film))
    apart = ImageChops.difference(first, others[-1]).convert("L")
    width, top, bottom = first.width, 40, first.height - 40  # without the words
    halves = [(0, top, width // 2, bottom), (width // 2, top, width, bottom)]
    lazy, rich = (apart.crop(half).getextrema()[1] for half in halves)
    assert FILM.stat().st_size < 300_000 and len(others) > 20
    assert lazy < 64 < 128 < rich
