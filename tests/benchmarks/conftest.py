"""The fixture that collects a benchmark's rows and writes the text table beside its file."""

from importlib.util import find_spec

import pytest

from tests.benchmarks.timing import THREADS, heading, render, whole


@pytest.fixture(scope="module")
def table(request):
    """Rows by title; on leaving they become the text table, if the ``whole`` module ran and passed.

    Its heading names the versions of the module's ``PEERS``; nothing is written if one is missing.
    """
    assert THREADS == "1", "set OPENBLAS_NUM_THREADS=1, as make bench does"
    peers, failed, sections = getattr(request.module, "PEERS", ()), request.session.testsfailed, {}
    yield lambda title, **cells: sections.setdefault(title, []).append(cells)
    if whole(request, failed) and all(map(find_spec, peers)):
        text = "\n\n".join([heading(peers), *map(render, sections.items())])
        request.path.with_suffix(".txt").write_text(text + "\n", "utf-8")
