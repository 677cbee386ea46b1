"""Sweeps: the same table however the cells are run; success rates; the width that a task needs."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from math import sqrt
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose

from td import sweep as engine
from td.sweep import Rate, budget, needed, needed_bar, rate, sweep

GRID = {"name": ["b", "a"], "d": [3, 1, 2], "step": [0.5, 0.1]}
SLOW = {"k": list(range(12))}


def draw(seed, name, d, step):
    """As many random numbers as the dimension says, and what came in."""
    x = np.random.default_rng(seed).standard_normal(d)
    return {"run": np.arange(d), "x": step * x, "found": x > 0, "label": name * d}


def slow(seed, k):
    """A cell that takes a while and tells a file that it ran."""
    time.sleep(0.05)
    with open(os.environ["SWEEP_LOG"], "a") as log:
        log.write(f"{k}\n")
    return {"x": np.random.default_rng(seed).random(3)}


def where(seed, k):
    """Which process ran the cell, with how many BLAS threads."""
    time.sleep(0.1)
    return {"pid": os.getpid(), "threads": os.environ.get("OPENBLAS_NUM_THREADS", "")}


def bits(table):
    """All that a table holds, so that -0.0 differs from 0.0 and NaN equals itself."""
    return [(name, str(x.dtype), [repr(v) for v in x.tolist()]) for name, x in table.items()]


def ordered(table):
    """The table in one order of columns and rows."""
    names = sorted(table.columns)
    return table[names].sort_values(["name", "d", "step", "run"], ignore_index=True)


def stored(folder):
    """The values of k whose cells have a file."""
    return {json.loads(path.read_text())["key"]["params"]["k"] for path in folder.glob("*.json")}


def child(code, folder, **options):
    """Start another Python that runs ``code`` with this module imported."""
    code = f"import test_sweep as t, os, signal, sys\n{code}"
    paths = [str(Path(__file__).parent), str(Path(engine.__file__).parents[1])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "SWEEP_LOG": f"{folder}.log"}
    env["JOBLIB_TEMP_FOLDER"] = str(folder.parent)  # where nothing is left of killed workers
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], env=env, start_new_session=True, **options
    )


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The file that the slow cells write to."""
    monkeypatch.setenv("SWEEP_LOG", f"{tmp_path / 'cells'}.log")
    return tmp_path / "cells.log"


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The table of the slow cells, run in one go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_LOG", str(tmp_path_factory.mktemp("whole") / "log"))
        return bits(sweep(slow, SLOW))


def test_table():
    """Parameters first, rows in the order of the grid and then of the runs, plain dtypes."""
    table = sweep(draw, GRID)
    points = [(n, d, s, i) for n in "ba" for d in (3, 1, 2) for s in (0.5, 0.1) for i in range(d)]
    names = ["name", "d", "step", "run"]
    assert list(table[names].itertuples(index=False, name=None)) == points
    assert list(table.columns) == [*names, "x", "found", "label"]
    assert [table[name].dtype.kind for name in ("d", "step", "run", "x", "found")] == list("ififb")
    assert table["label"].tolist() == [n * d for n, d, _, _ in points]
    assert list(table.index) == list(range(24)) and table["x"].nunique() == 24


def test_scalars_stand_for_every_run():
    table = sweep(lambda seed, k: {"k2": k * k, "x": [0.0] * k}, {"k": np.array([1, 3])})
    assert table.to_dict("list") == {"k": [1, 3, 3, 3], "k2": [1, 9, 9, 9], "x": [0.0] * 4}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("back", [False, True])
def test_order_of_execution_does_not_matter(jobs, back):
    """Any number of jobs, any order of the grid's keys and values: the same rows."""
    grid = {k: v[::-1] for k, v in reversed(GRID.items())} if back else GRID
    table = sweep(draw, grid, jobs=jobs)
    assert bits(ordered(table)) == bits(ordered(sweep(draw, GRID)))
    assert back or bits(table) == bits(sweep(draw, GRID))


def test_adding_a_value_changes_no_other_row():
    more = sweep(draw, {**GRID, "d": [3, 4, 1, 2]})
    assert bits(more[more["d"] != 4]) == bits(sweep(draw, GRID))


@pytest.mark.parametrize("change", [{"seed": 1}, {"grid": {**GRID, "step": [0.25]}}])
def test_every_cell_has_its_own_seed(change):
    """Another seed, or other parameters, and no draw is the same."""
    first, other = sweep(draw, GRID), sweep(draw, **{"grid": GRID, **change})
    draws = [set(np.round(table["x"] / table["step"], 12)) for table in (first, other)]
    assert not draws[0] & draws[1]


def test_a_function_defined_anywhere_goes_to_the_workers():
    """Cells of a notebook, with what they enclose, run in other processes."""
    shift = 10

    def cell(seed, k):
        return {"x": k + shift, "pid": os.getpid()}

    table = sweep(cell, {"k": [1, 2]}, jobs=2)
    assert table["x"].tolist() == [11, 12] and os.getpid() not in set(table["pid"])


def test_the_callers_backend_is_used():
    with joblib.parallel_config("threading"):
        assert set(sweep(where, {"k": [1, 2]}, jobs=2)["pid"]) == {os.getpid()}


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
        with pytest.raises(RuntimeError, match=r"cell \{'k': 2\} failed(.|\n)*division"):
            sweep(lambda seed, k: {"x": 1 / (k - 2)}, {"k": [1, 2, 3]})
    assert bits(table) == bits(sweep(draw, GRID))
    assert bits(table) == bits(sweep(draw, GRID, folder=tmp_path / "cells"))


EXACT = {
    "floats": [np.nan, np.inf, -np.inf, -0.0, 5e-324, 0.1 + 0.2, -1.7976931348623157e308],
    "singles": np.array([0.1, np.nan, 1e-45, 3.4e38, -0.0, 1 / 3, np.inf], dtype=np.float32),
    "ints": [2**63 - 1, -(2**63), 2**53 + 1, 0, -1, 7, 10**18],
    "small": np.arange(7, dtype=np.uint8),
    "bools": np.arange(7) % 2 == 0,
    "strings": ["", "nan", "1", "true", 'ü "\\\n', "\u2297 \U0001d54a", "\x00"],
}


@pytest.mark.parametrize("name", EXACT)
def test_every_bit_survives_the_file(name, tmp_path):
    """NaN, infinities, -0.0, the largest integers and any string come back from the file."""
    grid, exact = {"name": [name]}, EXACT[name]

    def cell(seed, name):
        return {"x": exact}

    table = sweep(cell, grid, folder=tmp_path)
    expected = exact if isinstance(exact, list) else exact.tolist()
    assert [*map(repr, table["x"].tolist())] == [*map(repr, expected)]
    assert bits(sweep(cell, grid, folder=tmp_path)) == bits(sweep(cell, grid)) == bits(table)


def test_stored_cells_are_not_run_again(tmp_path, log, capsys, uninterrupted):
    """One line on stderr says what there is to do, in the predicted work."""
    for grid, counts in [
        ({"k": [7, 2]}, "2 cells: 0 stored, 2 to run, predicted work 90"),
        (SLOW, "12 cells: 2 stored, 10 to run, predicted work 570"),
        (SLOW, "12 cells: 12 stored, 0 to run, predicted work 0"),
    ]:
        table = sweep(slow, grid, folder=tmp_path, work=lambda k: 10.0 * k)
        assert capsys.readouterr().err == counts + "\n"
    assert bits(table) == uninterrupted
    assert sorted(map(int, log.read_text().split())) == SLOW["k"]


@pytest.mark.parametrize("seen", [1, 4, 8])
def test_resumes_after_a_kill(seen, tmp_path, log, uninterrupted):
    """A sweep whose processes are killed goes on: no stored cell is lost or run again."""
    folder = tmp_path / "cells"
    run = child("t.sweep(t.slow, t.SLOW, folder=sys.argv[1], jobs=2)", folder)
    while len(list(folder.glob("*.json"))) < seen and run.poll() is None:
        time.sleep(0.002)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    for left in Path("/dev/shm").glob(f"sem.loky-{run.pid}-*"):
        left.unlink()  # loky's own cleaner was killed too
    kept = stored(folder)
    assert len(kept) >= seen
    assert bits(sweep(slow, SLOW, folder=folder)) == uninterrupted
    runs = Counter(map(int, log.read_text().split()))
    assert all(runs[k] == 1 for k in kept) and set(runs) == set(SLOW["k"])
    assert stored(folder) == set(SLOW["k"])


KILL = """
calls, real = [], os.{call}
def fatal(*args):
    calls.append(args)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args)
os.{call} = fatal
t.sweep(t.slow, t.SLOW, folder=sys.argv[1])
"""


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_resumes_after_a_kill_while_writing(call, tmp_path, log, uninterrupted):
    """Killed within the third write: two cells are stored, and the half one is no cell."""
    folder = tmp_path / "cells"
    assert child(KILL.format(call=call), folder, stderr=subprocess.DEVNULL).wait() == -9
    assert len(list(folder.glob("*.tmp"))) == 1 and stored(folder) == {0, 1}
    assert bits(sweep(slow, SLOW, folder=folder)) == uninterrupted
    assert Counter(map(int, log.read_text().split())) == Counter([*SLOW["k"], 2])


def test_two_processes_in_one_folder(tmp_path, uninterrupted):
    """Two sweeps that write the same cells at the same time both end with the table."""
    code = "real = os.fsync; os.fsync = lambda file: (t.time.sleep(0.1), real(file))\n"
    code += "print(t.bits(t.sweep(t.slow, t.SLOW, folder=sys.argv[1])), end='')"
    runs = [child(code, tmp_path / "cells", stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [run.communicate()[0] for run in runs] == [str(uninterrupted)] * 2
    assert [run.returncode for run in runs] == [0, 0]
    assert stored(tmp_path / "cells") == set(SLOW["k"])


def test_leftovers_go_after_a_day(tmp_path):
    """Half-written files of killed runs are removed, but not what another run may be writing."""
    old, young, other = (tmp_path / f"{'0' * 64}.{n}.tmp" for n in "123")
    other = tmp_path / "notes.tmp"
    for path in (old, young, other):
        path.write_text("{")
    for path in (old, other):
        os.utime(path, (time.time() - 2 * engine.DAY,) * 2)
    sweep(draw, GRID, folder=tmp_path)
    assert set(tmp_path.glob("*.tmp")) == {young, other}


def edited(change):
    """A way to spoil a file: change what its JSON holds."""

    def edit(path, other):
        record = json.loads(path.read_text())
        change(record)
        path.write_text(json.dumps(record))

    return edit


SPOILT = {
    "truncated": (lambda path, other: os.truncate(path, 40), "cut short"),
    "empty": (lambda path, other: path.write_text(""), "cut short"),
    "binary": (lambda path, other: path.write_bytes(b"\xff\x00"), "not a cell's result"),
    "other JSON": (lambda path, other: path.write_text("[1]"), "not a cell's result"),
    "no columns": (edited(lambda r: r.pop("columns")), "not a cell's result"),
    "another cell": (lambda path, other: shutil.copy(other, path), "another cell"),
    "another seed": (edited(lambda r: r["key"].update(seed=1)), "another cell"),
    "a number": (edited(lambda r: r["columns"]["x"].__setitem__(0, 0.5)), "altered"),
    "the order": (edited(lambda r: r["columns"]["x"].reverse()), "altered"),
    "columns": (edited(lambda r: r.update(columns=dict([*r["columns"].items()][::-1]))), "altered"),
    "a name": (edited(lambda r: r["columns"].update(y=r["columns"].pop("x"))), "altered"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_file_is_named(how, tmp_path):
    """No altered file is taken for a result; once it is deleted the sweep goes on."""
    table = bits(sweep(draw, GRID, folder=tmp_path))
    path, other, *_ = sorted(
        tmp_path.glob("*.json"), key=lambda p: -json.loads(p.read_text())["key"]["params"]["d"]
    )
    spoil, words = SPOILT[how]
    spoil(path, other)
    with pytest.raises(ValueError, match=f"{path.name} .*{words}.*delete it.*'d': 3"):
        sweep(draw, GRID, folder=tmp_path)
    path.unlink()
    assert bits(sweep(draw, GRID, folder=tmp_path)) == table


class Unpicklable(Exception):
    """An error that can't leave its process."""

    def __init__(self, a, b):
        super().__init__("it broke")
        self.held = lambda: (a, b)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failing_cell_is_named_and_the_others_kept(jobs, tmp_path):
    """The error tells the parameters and the cause; only the failed cell is left to run."""
    done, mended, folder = tmp_path / "done", tmp_path / "mended", tmp_path / "cells"

    def cell(seed, k):
        if k == 0 and not mended.exists():
            while not done.exists() or len(done.read_text().split()) < 5:
                time.sleep(0.01)
            time.sleep(0.3)  # the last of the others has come back
            raise Unpicklable(1, 2)
        with done.open("a") as file:
            file.write(f"{k}\n")
        return {"x": k}

    grid = {"k": [1, 2, 3, 4, 5, 0] if jobs == 1 else [0, 1, 2, 3, 4, 5]}
    with pytest.raises(RuntimeError, match=r"(?s)cell \{'k': 0\} failed.*Unpicklable: it broke"):
        sweep(cell, grid, folder=folder, jobs=jobs)
    assert stored(folder) == {1, 2, 3, 4, 5}
    mended.touch()
    assert sweep(cell, grid, folder=folder, jobs=jobs)["x"].tolist() == grid["k"]
    assert Counter(done.read_text().split()) == Counter("012345")


@pytest.mark.parametrize("asked, expected", [(None, "1"), (2, "2")])
def test_blas_threads(asked, expected, monkeypatch):
    """A worker has one BLAS thread, unless the caller asked joblib for more."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    config = joblib.parallel_config("loky", inner_max_num_threads=asked)
    with config if asked else contextlib.nullcontext():
        table = sweep(where, {"k": [1, 2, 3]}, jobs=2)
    assert set(table["threads"]) == {expected} and os.getpid() not in set(table["pid"])


@pytest.mark.parametrize(
    "result, words",
    [
        (None, "dict of columns"),
        ({}, "names"),
        ({1: 2}, "dict of columns by name"),
        ({"k": 1}, "grid"),
        ({"x": [1, 2], "y": [1, 2, 3]}, "equally long"),
        ({"x": []}, "column 'x'.*nothing"),
        ({"x": [1, 2.0]}, "column 'x'.*float and int"),
        ({"x": [True, 2]}, "column 'x'.*bool and int"),
        ({"x": [1, "2"]}, "column 'x'.*int and str"),
        ({"x": None}, "column 'x'.*NoneType"),
        ({"x": 1j}, "column 'x'.*complex"),
        ({"x": np.ones((2, 2))}, "column 'x'.*list"),
        ({"x": 2**63}, "column 'x'.*64 bits"),
        ({"x": np.array([2**64 - 1], dtype=np.uint64)}, "column 'x'.*64 bits"),
    ],
)
def test_a_result_that_is_no_table_is_refused(result, words):
    with pytest.raises(RuntimeError, match=rf"(?s)cell \{{'k': 1\}} failed.*{words}"):
        sweep(lambda seed, k: result, {"k": [1]})


@pytest.mark.parametrize("second", [{"x": 1.0, "y": 2}, {"y": 1}, {"x": 1, "y": 1, "z": 1}])
def test_cells_must_return_the_same_columns(second, tmp_path):
    """Else a dtype would depend on which cells there are."""
    with pytest.raises(
        ValueError, match=r"cell \{'k': 1\} returned .*, another cell .*'y': 'int'\}"
    ):
        sweep(lambda seed, k: [{"x": 1, "y": 2}, second][k], {"k": [0, 1]}, folder=tmp_path)
    assert stored(tmp_path) == {0}


CELLS = """
import numpy as np

STEP, TABLE = 0.5, {"a": np.array([1.0, 2.0])}

def helper(x):
    return inner(x) + 1.0

def inner(x):
    return 2.0 * x if x < 9.0 else helper(x - 9.0)

def other(x):
    return x

def cell(seed, k, extra=STEP):
    return {"x": [helper(i * TABLE["a"][0]) for i in range(k)]}
"""


def load(text, folder):
    """Import ``text`` as a module and return its cell."""
    path = folder / f"cells{len(list(folder.iterdir()))}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("cells", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.cell


@pytest.mark.parametrize(
    "old, new, kept",
    [
        ("", "", 1),
        ("return x", "return -x", 1),  # of a function that the cell does not use
        ("range(k)", "range(k + 1)", 0),
        ("+ 1.0", "+ 2.0", 0),
        ("2.0 * x", "3.0 * x", 0),
        ("[1.0, 2.0]", "[1.0, 3.0]", 0),
        ("STEP, TABLE = 0.5", "STEP, TABLE = 0.6", 0),
    ],
)
def test_an_edit_of_what_the_cell_runs_makes_it_run_again(old, new, kept, tmp_path, capsys):
    """Its source, and functions and data that it reads from its module, are part of the key."""
    (tmp_path / "source").mkdir()
    for text in (CELLS, CELLS.replace(old, new)):
        sweep(load(text, tmp_path / "source"), {"k": [2]}, folder=tmp_path / "cells")
    assert f"1 cells: {kept} stored" in capsys.readouterr().err.splitlines()[1]


def test_an_edit_of_td_makes_all_cells_run_again(tmp_path, capsys, monkeypatch):
    """The digest of td's files is part of the key, and workers with other files are refused."""
    copy = shutil.copytree(Path(engine.__file__).parent, tmp_path / "td")
    spec = importlib.util.spec_from_file_location("copied", copy / "sweep.py")
    codes = []
    for edit in ("", "# edited\n"):
        with (copy / "symmetric.py").open("a") as file:
            file.write(edit)
        spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
        codes.append(module.CODE)
    assert codes[0] == engine.CODE != codes[1]
    sweep(draw, GRID, folder=tmp_path / "cells")
    monkeypatch.setattr(engine, "CODE", codes[1])
    sweep(draw, GRID, folder=tmp_path / "cells")
    assert capsys.readouterr().err.count("12 cells: 0 stored") == 2
    with pytest.raises(RuntimeError, match="the worker's td is not the caller's"):
        sweep(draw, GRID, jobs=2)


@pytest.mark.parametrize("name", ["quick", "ci", "paper"])
def test_budget(name, monkeypatch):
    monkeypatch.setenv("TD_BUDGET", name)
    assert budget(quick="quick", ci="ci", paper="paper") == name


def test_budget_is_ci_unless_it_is_named(monkeypatch):
    monkeypatch.delenv("TD_BUDGET", raising=False)
    assert budget(1, 2, 3) == 2
    monkeypatch.setenv("TD_BUDGET", "huge")
    with pytest.raises(ValueError, match=r"TD_BUDGET must be one of 'quick', .*, got 'huge'"):
        budget(1, 2, 3)


@pytest.mark.parametrize("wins, n", [(0, 1), (1, 1), (0, 40), (36, 40), (40, 40), (500, 1000)])
def test_wilson_interval(wins, n):
    """The interval is Wilson's: where the score test at 95 % stops rejecting."""
    found, z, p = rate([True] * wins + [False] * (n - wins)), 1.959963984540054, wins / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert (found.successes, found.trials, found.value) == (wins, n, p)
    assert_allclose([found.low, found.high], [middle - half, middle + half], atol=1e-12)


def test_rate_takes_arrays():
    """A numpy array of booleans counts like a list."""
    assert rate(np.array([True, False, True])) == rate([True, False, True])


@pytest.mark.parametrize(
    "wins, expected",
    [
        ([0, 9, 10, 10], 4),
        ([9, 10, 10, 10], 2),
        ([10, 0, 10, 9], 6),  # a width counts only if all wider ones succeed as well
        ([10, 10, 10, 8], None),
        ([0, 0, 0, 10], 8),
    ],
)
def test_needed(wins, expected):
    """The needed width is the first from which on every rate is at least 90 %."""
    rates = [Rate(k, 10, 0.0, 1.0) for k in wins]
    assert needed([2, 4, 6, 8], rates) == expected


@pytest.mark.parametrize(
    "wins, expected",
    [
        ([20, 33, 38, 40], [6, 4, 8]),  # the intervals of 33 and 38 hold 0.9, that of 40 does not
        ([40, 40, 40, 40], [2, 2, 2]),
        ([0, 0, 0, 0], [np.inf] * 3),
        ([10, 40, 33, 40], [8, 4, 8]),
    ],
)
def test_needed_bar(wins, expected):
    """The bar goes from where an interval reaches 90 % to where all intervals are above it."""
    rates = [rate(np.arange(40) < k) for k in wins]
    assert needed_bar([2, 4, 6, 8], rates) == expected


def test_needed_at_another_rate():
    """A lower bar needs fewer components."""
    rates = [Rate(k, 10, 0.0, 1.0) for k in (4, 6, 10)]
    assert [needed([1, 2, 3], rates, wanted=p) for p in (0.3, 0.5, 1.0)] == [1, 2, 3]
