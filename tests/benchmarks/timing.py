"""What the benchmarks share: turns, peaks of memory, and the text table."""

import os
import platform
import sys
import tracemalloc
from importlib.metadata import version
from statistics import median
from time import perf_counter

import numpy as np

THREADS = os.environ.get("OPENBLAS_NUM_THREADS")


def compare(benchmark, ours, *others, rounds):
    """Median seconds of ``ours`` and of each of the ``others``, run in turn."""
    seconds = [[] for _ in others]

    def turn():
        for other, spent in zip(others, seconds, strict=True):
            start = perf_counter()
            other()
            spent.append(perf_counter() - start)

    ours()
    benchmark.pedantic(ours, setup=turn, rounds=rounds)
    return benchmark.stats.stats.median, *map(median, seconds)


def gemm(n=1500):
    """The product of two n x n matrices, as something to time, and its flops."""
    A, B = np.random.default_rng(0).standard_normal((2, n, n))
    return (lambda: A @ B), 2 * n**3


def peak(run):
    """The most memory, in MiB, that ``run`` holds at a time beyond what is there."""
    tracemalloc.start()
    run()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 2**20


def heading(peers):
    """What the numbers depend on."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    python, machine = platform.python_version(), f"{sys.platform} {platform.machine()}"
    lines = [
        "Written by `make bench`. Medians of rounds in which both sides of a ratio take turns.",
        f"Python {python}, numpy {np.__version__}, {blas['name']} {blas['version']}, {machine}, "
        f"float64, BLAS threads: {THREADS}.",
    ]
    if peers:
        lines.append(f"Peers: {', '.join(f'{name} {version(name)}' for name in peers)}.")
    return "\n".join(lines)


def render(section):
    """One title and its rows, right-aligned under the names of their cells."""
    title, rows = section
    lines = [list(rows[0]), *([str(cell) for cell in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    cells = ("   ".join(map(str.rjust, line, widths)) for line in lines)
    return "\n".join([title, *(f"  {line}" for line in cells)])


def whole(request, failed):
    """Whether no test failed after ``failed`` ones, and none was left out by -k or by name."""
    chosen = request.config.option.keyword or any("::" in name for name in request.config.args)
    return request.session.testsfailed == failed and not chosen
