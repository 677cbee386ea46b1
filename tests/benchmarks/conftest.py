"""The fixture that collects a benchmark's rows and writes the text table beside its file."""

import pytest

from tests.benchmarks.timing import THREADS, heading, render


@pytest.fixture(scope="module")
def table(request):
    """Rows by title; on leaving they become the text table, unless a bound failed.

    Its heading names the versions of the packages in the module's ``PEERS``, if it has any.
    """
    assert THREADS == "1", "set OPENBLAS_NUM_THREADS=1, as make bench does"
    sections, peers = {}, getattr(request.module, "PEERS", ())
    yield lambda title, **cells: sections.setdefault(title, []).append(cells)
    if not request.session.testsfailed:
        text = "\n\n".join([heading(peers), *map(render, sections.items())]) + "\n"
        request.path.with_suffix(".txt").write_text(text, "utf-8")
