"""Sweeps: the same table however the cells are run; no finished cell lost, run again or stale."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from pathlib import Path
from types import ModuleType

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from td import sweep as engine
from td.sweep import sweep

GRID, ORDER = {"name": ["b", "a"], "d": [3, 1, 2], "step": [0.5, 0.1]}, ["name", "d", "step", "run"]
PATHS = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])


def draw(seed, name, d, step):
    """As many random numbers as the dimension says, and what came in."""
    x = np.random.default_rng(seed).standard_normal(d)
    return {"run": np.arange(d), "x": step * x, "found": x > 0, "label": name * d, "one": 1}


def where(seed, k):
    """The process that runs the cell, and with how many threads."""
    time.sleep(0.1)
    return {"pid": os.getpid(), "threads": [pool["num_threads"] for pool in threadpool_info()]}


def logged(seed, log, k):
    """A cell that takes a while and tells a file that it ran."""
    time.sleep(0.05)
    with open(log, "a") as file:
        file.write(f"{k}\n")
    return {"x": np.random.default_rng(seed).random(3)}


def runs(log):
    """How often each cell has run, by what it told the file."""
    return Counter(log.read_text().split()) if log.exists() else Counter()


def test_table():
    """Parameters first, rows in the order of the grid and then of the runs, plain dtypes."""
    table = sweep(draw, GRID)
    points = [[n, d, s, i] for n in "ba" for d in (3, 1, 2) for s in (0.5, 0.1) for i in range(d)]
    assert table[ORDER].to_numpy().tolist() == points
    assert list(table.columns) == [*ORDER, "x", "found", "label", "one"]
    assert [x.dtype.kind for _, x in table.items() if x.dtype.kind in "ifb"] == list("ififbi")
    assert list(table.index) == list(range(24)) and table["x"].nunique() == 24


def test_seeds():
    """By the function's name, the parameters and the seed: the notebooks' numbers rest on it."""
    text = json.dumps(["draw", {"d": 1, "name": "a", "step": 0.1}, 5])
    own = np.random.SeedSequence(int(hashlib.sha256(text.encode()).hexdigest(), 16))
    table = sweep(draw, {"step": 0.1, "name": "a", "d": np.array([1])}, seed=5)
    assert table["x"].tolist() == [0.1 * np.random.default_rng(own).standard_normal()]


@pytest.mark.parametrize("jobs", [1, 2])
def test_neither_jobs_nor_order_matter(jobs, tmp_path):
    """Any number of jobs, the grid backwards or with more values, kept or not: the same rows."""
    table, back = sweep(draw, GRID), {name: x[::-1] for name, x in reversed(GRID.items())}
    found = sweep(draw, back, jobs=jobs)[table.columns].sort_values(ORDER, ignore_index=True)
    assert found.equals(table.sort_values(ORDER, ignore_index=True))
    more = sweep(draw, {**GRID, "d": [3, 4, 1, 2]}, jobs=jobs, folder=tmp_path)
    assert more[more["d"] != 4].reset_index(drop=True).equals(table)
    assert sweep(draw, GRID, folder=tmp_path).equals(table)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_cell_has_one_thread(jobs):
    table = sweep(where, {"k": [1, 2, 3]}, jobs=jobs)
    assert set(table["threads"]) == {1} and (os.getpid() in set(table["pid"])) == (jobs == 1)


@pytest.mark.slow
def test_the_same_call_on_a_cluster(tmp_path):
    """Inside joblib's configuration the workers of a Dask cluster run the cells."""
    import distributed

    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=tmp_path
    )
    with cluster, distributed.Client(cluster) as client, joblib.parallel_config("dask"):
        workers = set(client.run(os.getpid).values())
        assert set(sweep(where, {"k": list(range(6))})["pid"]) == workers and len(workers) == 2
        table = sweep(draw, GRID, folder=tmp_path / "cells")
    assert table.equals(sweep(draw, GRID))


def test_kept_cells_are_not_run_again(tmp_path, monkeypatch):
    """In a relative folder as well, unless the seed or what the results depend on is another."""
    monkeypatch.chdir(tmp_path)
    for k, seed, depends in ([1, 2], 0, 0), ([0, 1, 2, 3], 0, 0), ([2], 1, 0), ([3], 0, "new"):
        sweep(logged, {"log": "log", "k": k}, seed=seed, folder="cells", depends=depends)
    assert runs(Path("log")) == {"0": 1, "1": 1, "2": 2, "3": 2}


@pytest.mark.slow
def test_a_killed_sweep_goes_on(tmp_path):
    """What was finished is neither lost nor run again."""
    log, folder = tmp_path / "log", tmp_path / "cells"
    grid = {"log": str(log), "k": list(range(12))}
    code = f"import test_sweep as t; t.sweep(t.logged, {grid}, folder={str(folder)!r})"
    child = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": PATHS})
    while len(list(folder.glob("**/output.pkl"))) < 4 and child.poll() is None:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    child.wait()
    kept = {str(joblib.load(path)["k"][0]) for path in folder.glob("**/output.pkl")}
    table = sweep(logged, grid, folder=folder)
    assert 4 <= len(kept) < len(runs(log)) == 12 and {runs(log)[k] for k in kept} == {1}
    assert table.equals(sweep(logged, grid))


@pytest.mark.slow
@pytest.mark.parametrize("jobs, fatal", [(1, ValueError), (2, SystemExit)])
def test_a_failing_cell_is_named_and_finished_ones_kept(jobs, fatal, tmp_path):
    log, mended = tmp_path / "log", tmp_path / "mended"

    def cell(seed, k):
        if k == 3 and not mended.exists():
            while len(runs(log)) < 3:
                time.sleep(0.01)
            time.sleep(0.3)  # the others are kept
            raise fatal(5)
        return logged(seed, log, k)

    with pytest.raises(RuntimeError, match=rf"cell {{'k': 3}} failed: {fatal.__name__}: 5"):
        sweep(cell, {"k": [0, 1, 2, 3]}, folder=tmp_path / "cells", jobs=jobs)
    mended.touch()
    sweep(cell, {"k": [0, 1, 2, 3]}, folder=tmp_path / "cells", jobs=jobs)
    assert runs(log) == dict.fromkeys("0123", 1)


ENDS = {
    "exit": lambda: os._exit(3),
    "signal": lambda: os.kill(os.getpid(), signal.SIGSEGV),
}


def fatal(how, log):
    """A cell that ends the process it runs in at k = 3, once the three before it are kept."""

    def cell(seed, k):
        if k == 3:
            while len(runs(log)) < 3:
                time.sleep(0.01)
            time.sleep(0.3)
            ENDS[how]()
        return logged(seed, log, k)

    return cell


@pytest.mark.slow
@pytest.mark.parametrize("how", ENDS)
def test_a_cell_that_ends_its_process_is_named_and_finished_ones_kept(how, tmp_path):
    """Exactly that one, whichever others ran beside it; what was finished does not run again."""
    log, grid = tmp_path / "log", {"k": [0, 1, 2, 3]}
    with pytest.raises(RuntimeError, match=r"^cell {'k': 3} killed the process"):
        sweep(fatal(how, log), grid, folder=tmp_path / "cells", jobs=2)
    assert runs(log) == dict.fromkeys("012", 1)


def killed_once(seed, log, k):
    """A cell that kills its process the first time that it runs."""
    seen = str(k) in runs(Path(log))
    table = logged(seed, log, k)
    if k == 1 and not seen:
        os._exit(9)
    return table


@pytest.mark.slow
def test_a_process_that_is_killed_once_costs_no_sweep(tmp_path):
    grid = {"log": str(tmp_path / "log"), "k": list(range(8))}
    table = sweep(killed_once, grid, folder=tmp_path / "cells", jobs=2)
    assert table["k"].unique().tolist() == list(range(8)) and runs(tmp_path / "log")["1"] == 2


@pytest.mark.weekly
def test_on_a_cluster_too_a_cell_that_ends_its_process_is_named(tmp_path):
    """Dask gives up after the fourth worker that dies; joblib's backend would wait for good."""
    import distributed

    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=tmp_path
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        with pytest.raises(distributed.KilledWorker, match=r"cell {'k': 3} "):
            sweep(fatal("exit", tmp_path / "log"), {"k": [0, 1, 2, 3]}, folder=tmp_path / "cells")


def test_what_cannot_be_written_is_an_error_that_names_the_place(tmp_path):
    """A file where the folder should be, or where a cell's should."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "file"))):
        sweep(draw, GRID, folder=tmp_path / "file")
    sweep(draw, GRID, folder=tmp_path / "cells")
    for path in (tmp_path / "cells").glob("*/*/output.pkl"):
        path.unlink()
        path.parent.rmdir()
        path.parent.touch()
    with warnings.catch_warnings(action="ignore"), pytest.raises(OSError, match=str(tmp_path)):
        sweep(draw, GRID, folder=tmp_path / "cells")


def test_a_spoilt_file_is_computed_again(tmp_path):
    """Cut, emptied or with one bit flipped: only that cell runs again, to the same table."""
    grid, folder = {"log": str(tmp_path / "log"), "k": [0, 1, 2, 3]}, tmp_path / "cells"
    table = sweep(logged, grid, folder=folder)
    cut, empty, flipped, _ = folder.glob("**/output.pkl")
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    for path, spoilt in (cut, cut.read_bytes()[:40]), (empty, b""), (flipped, content):
        path.write_bytes(spoilt)
    assert sweep(logged, grid, folder=folder).equals(table)
    assert sorted(runs(tmp_path / "log").values()) == [1, 2, 2, 2]


def test_a_result_that_is_no_table_is_refused():
    """Nothing, no columns, no names, the grid's names, unequal lengths, more than one axis."""
    unequal, square = {"x": [1, 2], "y": [1, 2, 3]}, {"x": np.ones((2, 2))}
    for result in (None, {}, {1: 2}, {"k": 1}, unequal, square):
        with pytest.raises(RuntimeError, match=r"cell {'k': 7} failed: \w+Error"):
            sweep(lambda seed, k, x=result: x, {"k": 7})


HELPERS = """
STEP, far = 10.0, lambda x: 11.0
"""
CELLS = """
import enum, functools, numba, numpy as np
from dataclasses import dataclass
from typing import NamedTuple
import helpers as alias
from helpers import far
NUMBER, ARRAY, TABLE, NAMES = 12.0, np.array([13.0, 1.0]), {"a": [14.0]}, {"b", "c"}
def inner(x): return helper(x - 9.0) if x else 15.0
def helper(x): return inner(x) + 16.0
cached = functools.cache(lambda x: 17.0)
def wrap(f): return functools.wraps(f)(lambda *args: f(*args) + 18.0)
@wrap
def decorated(x): return 19.0
class Base: common = lambda self: 20.0
class Model(Base):
    rate = 21.0
    half = property(lambda self: 22.0)
    third = functools.cached_property(lambda self: 23.0)
    fourth, fifth = staticmethod(lambda: 24.0), classmethod(lambda cls: 25.0)
    def go(self): return type(self).third.func(self) + 26.0  # left unfilled: a filled one counts
@dataclass
class Point: x: float; y: float = 27.0
class Pair(NamedTuple): a: float = 28.0
class Mode(enum.Enum): A = 29.0
MODEL, POINT = Model(), Point(30.0)
def product(x, y): return x * y + 31.0
part = functools.partial(product, 32.0)
LAMBDAS, LIST = {"f": lambda x: 33.0}, [lambda x: 34.0, np.sin]
def generator(): yield 35.0
vector, compiled = np.vectorize(lambda x: 36.0), numba.njit(lambda x: 37.0)
closed, go = (lambda k: lambda x: k + 38.0)(39.0), MODEL.go
def cell(seed, log, default=40.0, *, keyword=41.0):
    def nested(x): return [x + 42.0 for _ in range(2)]
    def read():
        import helpers as late
        return (NUMBER, ARRAY, TABLE, NAMES, decorated, Point, POINT, Pair, Mode.A, part, LAMBDAS,
                LIST, generator, compiled, closed, go, far, alias.STEP, log in {"d", "e", "f"})
    with open(log, "a") as file:
        file.write("run ")
    return {"x": 43.0 + helper(0.0) + cached(1) + MODEL.go() + vector([1.0])[0]}
"""
# Each kind of change is another value for one of the numbers above, or one of these edits.
EDITS = {
    **{"partial(product": "partial(max", "product(x, y)": "product(y, x)", "range(2)": "range(3)"},
    **{'{"b", "c"}': '{"b", "z"}', '"e", "f"}': '"e", "z"}', "Model(Base)": "Model(object)"},
    **{"@wrap": "@functools.cache", "np.array([13.0, 1.0]": "np.array([13, 1]"},
    **{number: "99.0" for number in re.findall(r"\d\d\.0", HELPERS + CELLS)},
}


def load(cells=CELLS, helpers=HELPERS):
    """The cell of a module with the text ``cells``, imported together with its helpers."""
    for name, text in (("helpers", helpers), ("cells", cells)):
        sys.modules[name] = ModuleType(name)
        exec(compile(text, name, "exec"), vars(sys.modules[name]))
    return sys.modules["cells"].cell


@pytest.mark.parametrize("old", EDITS)
def test_a_change_of_what_the_cell_reads_is_seen(old, tmp_path):
    """Whatever a change does, it makes the cell run again."""
    edited = [text.replace(old, EDITS[old]) for text in (CELLS, HELPERS)]
    for texts in ([CELLS, HELPERS], edited):
        sweep(load(*texts), {"log": str(tmp_path / "log")}, folder=tmp_path / "cells")
    assert runs(tmp_path / "log")["run"] == 2 and edited != [CELLS, HELPERS]


@pytest.mark.slow
def test_nothing_changed_and_nothing_is_run_again(tmp_path):
    """With caches filled, further down in the file, in another process with other hashes."""
    grid, folder, moved = {"log": str(tmp_path / "log")}, tmp_path / "cells", f"# moved\n{CELLS}"
    for cells in (CELLS, moved):
        cell = load(cells)
        for _ in range(2):
            sweep(cell, grid, folder=folder)
    (tmp_path / "cells.py").write_text(moved)
    (tmp_path / "helpers.py").write_text(HELPERS)
    code = f"import cells, td.sweep; td.sweep.sweep(cells.cell, {grid}, folder={str(folder)!r})"
    env = os.environ | {"PYTHONPATH": f"{PATHS}{os.pathsep}{tmp_path}", "PYTHONHASHSEED": "1"}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    assert runs(tmp_path / "log")["run"] == 1


@pytest.mark.parametrize("held", [threading.Lock(), (k for k in "ab")], ids=["lock", "generator"])
def test_what_cannot_be_told_is_refused(held, tmp_path):
    with pytest.raises(
        TypeError, match=r"cell and depends must be code and data, .* cannot pickle"
    ):
        sweep(lambda seed, k: {"x": held}, {"k": [1]}, folder=tmp_path)


def test_a_change_of_td_is_seen(tmp_path, monkeypatch):
    """All cells run again; a worker that has read other files refuses to run any."""
    for source in (engine.SOURCE, "edited"):
        monkeypatch.setattr(engine, "SOURCE", source)
        sweep(logged, {"log": str(tmp_path / "log"), "k": 1}, folder=tmp_path)
    assert runs(tmp_path / "log")["1"] == 2
    with pytest.raises(RuntimeError, match=r"cell .* failed: .* the worker's td is not the caller"):
        sweep(draw, GRID, jobs=2)
