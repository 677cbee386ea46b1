"""What the comparison of a recomputed notebook with the stored one leaves out."""

from nbval.plugin import IPyNbFile


def pytest_collectstart(collector):
    """Drop stderr: progress bars and warnings are no part of a result, and aren't stored."""
    if isinstance(collector, IPyNbFile):
        collector.skip_compare += ("stderr",)
