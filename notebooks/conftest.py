"""What the comparison of a recomputed notebook with the stored one leaves out, and what it adds."""

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from tools import agree, figures


def pytest_collectstart(collector):
    """Drop stderr: progress bars and warnings are no part of a result, and aren't stored."""
    if isinstance(collector, IPyNbFile):
        collector.skip_compare += ("stderr",)


def pytest_itemcollected(item):
    """Compare numbers that a cell prints with their uncertainty, as "0.95 ± 0.12", within it."""
    if isinstance(item, IPyNbCell):
        exactly = item.compare_outputs
        item.compare_outputs = lambda new, stored, *skip: exactly(
            agree.settled(new, stored), stored, *skip
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Compare a cell's figures with those stored: as many, as large, no difference to be seen.

    Unless another version of matplotlib draws them, which may place the text elsewhere.
    """
    result = yield
    if isinstance(item, IPyNbCell) and figures.COMPARABLE:
        stored, found = map(figures.images, (item.cell.outputs, item.test_outputs))
        apart = [figures.difference(*pair) for pair in zip(stored, found, strict=False)]
        if len(stored) != len(found) or max(apart, default=0) >= figures.SAME:
            item.raise_cell_error(f"{len(found)} figures for {len(stored)}, apart by {apart}")
    return result
