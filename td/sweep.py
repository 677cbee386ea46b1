"""Grids of runs as one table, and what it says: success rates, and the width that a task needs."""

import contextlib
import dis
import hashlib
import inspect
import itertools
import json
import os
import sys
import time
import traceback
import uuid
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import numpy as np
from joblib.parallel import get_active_backend
from tqdm import tqdm

from td import check

if TYPE_CHECKING:  # pandas and scipy.stats are slow to import, and workers need neither
    import pandas as pd

Key = dict[str, Any]  # what a cell's result depends on: function, params, seed, code
Columns = dict[str, list]  # equally long
DAY = 86400.0  # seconds


class Rate(NamedTuple):
    """A success rate with its 95 % Wilson interval."""

    successes: int
    trials: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Successes per trial."""
        return self.successes / self.trials


def rate(success: Sequence[bool] | np.ndarray) -> Rate:
    """The success rate over independent trials, given as booleans. ValueError if there are none."""
    from scipy.stats import binomtest

    wins, trials = int(np.sum(success)), check.integer("the length of success", len(success), 1)
    interval = binomtest(wins, trials).proportion_ci(0.95, method="wilson")
    return Rate(wins, trials, float(interval.low), float(interval.high))


def needed(widths: Sequence[int], rates: Sequence[Rate], *, wanted: float = 0.9) -> int | None:
    """The smallest width of the grid from which on every rate is at least ``wanted``; else None.

    ``widths`` must ascend: ValueError otherwise, or if there is not one rate for each.
    """
    if list(widths) != sorted(widths) or len(widths) != len(rates):
        raise ValueError(
            f"widths must ascend, one rate for each, got {len(widths)} and {len(rates)}"
        )
    return _from_on(widths, [r.value >= wanted for r in rates])


def needed_bar(widths: Sequence[int], rates: Sequence[Rate], *, wanted: float = 0.9) -> list[float]:
    """Needed width and the ends of its bar, infinite where that lies beyond the grid.

    The bar goes from the smallest width whose interval reaches up to ``wanted`` to the smallest one
    from which on all intervals lie above it. ValueError as for ``needed``.
    """
    middle = needed(widths, rates, wanted=wanted)
    low = next((w for w, r in zip(widths, rates, strict=True) if r.high >= wanted), None)
    high = _from_on(widths, [r.low >= wanted for r in rates])
    return [np.inf if end is None else end for end in (middle, low, high)]


def _from_on(widths: Sequence[int], good: Sequence[bool]) -> int | None:
    """The smallest width from which on all are good, None if not even the last is."""
    last_bad = max((k for k, ok in enumerate(good) if not ok), default=-1)
    return widths[last_bad + 1] if last_bad + 1 < len(widths) else None


def budget(quick: Any, ci: Any, paper: Any) -> Any:
    """The one of three values that the variable TD_BUDGET names, by default ci; else ValueError."""
    sizes = {"quick": quick, "ci": ci, "paper": paper}
    return sizes[check.choice("TD_BUDGET", os.environ.get("TD_BUDGET") or "ci", tuple(sizes))]


def sweep(
    cell: Callable[..., Mapping[str, Any]],
    grid: Mapping[str, Any],
    *,
    seed: int = 0,
    folder: str | os.PathLike[str] | None = None,
    jobs: int = 1,
    work: Callable[..., float] | None = None,
) -> "pd.DataFrame":
    """Run ``cell`` on all combinations of the values in ``grid``; return one table of all runs.

    ``cell(seed, **params)`` gets a numpy SeedSequence and one value of each list. It returns the
    table's columns by name: lists or 1-d arrays of one entry per run, or scalars; each of numbers,
    booleans or strings. Rows are in the order of the grid (first key slowest), then of the runs.
    A cell's seed depends on the function's name, ``params`` and ``seed``, and on nothing else.

    ``folder`` keeps each cell's result in a file; a sweep that was stopped goes on from there. A
    result is used again only while td, ``cell`` and what it reads of its module (functions, data)
    are the same. ``jobs`` processes run at a time, one BLAS thread each; or the workers of a
    cluster inside ``joblib.parallel_config(backend="dask")``. ``work(**params)`` predicts a cell's
    work in gradient steps, for the progress bar. Raises ValueError or TypeError for bad input and
    for a file that is not what was stored, RuntimeError with the parameters when a cell fails.
    """
    keys, jobs = _keys(cell, grid, seed), check.integer("jobs", jobs, 1)
    paths = _paths(folder, keys)
    found: dict[int, Columns] = {}
    for k, path in paths.items():
        if path.exists():
            _add(found, keys, k, _load(path, keys[k]))
    cost = {k: _cost(work, key["params"]) for k, key in enumerate(keys) if k not in found}
    total = sum(cost.values())
    counts = f"{len(keys)} cells: {len(found)} stored, {len(cost)} to run"
    print(f"{counts}, predicted work {total:.6g}", file=sys.stderr)
    with (
        tqdm(total=total, disable=None, unit_scale=True, smoothing=0) as bar,
        contextlib.closing(_results(cell, keys, list(cost), jobs)) as results,
    ):
        for k, columns in results:
            _add(found, keys, k, columns)
            if paths:
                _save(paths[k], keys[k], columns)
            bar.update(cost[k])
    return _table(list(grid), keys, found)


def _keys(cell: Callable, grid: Mapping[str, Any], seed: int) -> list[Key]:
    """Check what the caller gave and return the cells' keys in the order of the grid."""
    if not isinstance(grid, Mapping) or not grid or not all(type(name) is str for name in grid):
        raise ValueError(f"grid must map names to lists of values, got {grid!r}")
    lists = {name: _list(f"grid[{name!r}]", x) for name, x in grid.items()}
    for name, x in lists.items():
        if len(set(x)) < len(x) or not all(type(v) is str or np.isfinite(v) for v in x):
            raise ValueError(f"grid[{name!r}] must hold finite values, each once, got {x}")
    try:
        if not inspect.isfunction(cell):
            raise TypeError(f"it is a {type(cell).__name__}")
        inspect.signature(cell).bind(None, **lists)
        code = _sha([CODE, *_code(cell, set())])
    except (TypeError, OSError) as err:
        what = "a function of a seed and the names in grid, its source in a file or a notebook"
        raise TypeError(f"cell must be {what}, got {cell!r}: {err}") from err
    same = {"function": cell.__qualname__, "seed": check.integer("seed", seed, 0), "code": code}
    points = (zip(lists, point, strict=True) for point in itertools.product(*lists.values()))
    return [{**same, "params": dict(sorted(point))} for point in points]


def _list(what: str, x: Any) -> list:
    """Return a scalar, list or array as a list of one of Python's own types, or raise."""
    x = x.tolist() if hasattr(x, "tolist") else x
    x = list(x) if isinstance(x, (list, tuple, range)) else [x]
    values = [v.tolist() if isinstance(v, np.generic) else v for v in x]
    types = {type(v) for v in values}
    if types not in ({bool}, {int}, {float}, {str}):
        got = " and ".join(sorted(t.__name__ for t in types)) or "nothing"
        raise ValueError(f"{what} must hold only bool, only int, only float or only str, got {got}")
    if types == {int} and not -(2**63) <= min(values) <= max(values) < 2**63:
        raise ValueError(f"{what} must hold integers of at most 64 bits, got {values}")
    return values


def _code(function: Callable, seen: set[Callable]) -> list[str]:
    """Return what decides a function's results: its source and what it reads of its module."""
    seen.add(function)
    defaults = (function.__defaults__, function.__kwdefaults__)
    codes = [function.__code__]
    parts = [inspect.getsource(codes[0]), joblib.hash(defaults)]
    reads = dict(inspect.getclosurevars(function).nonlocals)
    for code in codes:  # grows by the functions and comprehensions within
        codes += filter(inspect.iscode, code.co_consts)
        names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
        reads |= {n: function.__globals__[n] for n in names & function.__globals__.keys()}
    for name, value in sorted(reads.items()):
        if not callable(value) and not inspect.ismodule(value):
            parts += [name, joblib.hash(value)]
        elif inspect.isfunction(value) and value.__module__ == function.__module__:
            parts += [] if value in seen else _code(value, seen)
    return parts


def _cost(work: Callable[..., float] | None, params: dict[str, Any]) -> float:
    """Return the work predicted for one cell, or raise."""
    if work is not None and not callable(work):
        raise TypeError(f"work must be a function, got {work!r}")
    return check.number("work", work(**params), 0.0) if work else 1.0


def _results(cell: Callable, keys: list[Key], todo: list[int], jobs: int) -> Generator:
    """Run the cells ``todo``; yield the number and columns of each as it ends, in any order."""
    backend, threads = get_active_backend()[0], contextlib.nullcontext()
    if backend.supports_inner_max_num_threads and backend.inner_max_num_threads is None:
        threads = joblib.parallel_config("loky", inner_max_num_threads=1)
    with threads:
        pool = joblib.Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
    results = pool(joblib.delayed(_run)(cell, keys[k], k, CODE) for k in todo)
    try:
        for k, text, failure in results:
            if failure:
                raise RuntimeError(f"cell {keys[k]['params']} failed:\n{failure}")
            yield k, json.loads(text)
    finally:
        with warnings.catch_warnings(action="ignore"):  # joblib's, of the cells that this cancels
            results.close()


def _run(cell: Callable, key: Key, k: int, code: str) -> tuple[int, str, str]:
    """Run one cell in a worker; return its number, its columns as JSON, and why it failed.

    An error is returned as text: if it were raised, joblib would drop cells that have just ended.
    """
    try:
        if code != CODE:
            raise RuntimeError("the worker's td is not the caller's: was it edited meanwhile?")
        identity = _sha([key["function"], key["params"], key["seed"]])
        result = cell(np.random.SeedSequence(int(identity, 16)), **key["params"])
        return k, json.dumps(_columns(result, key["params"])), ""
    except Exception:
        return k, "", traceback.format_exc()


def _columns(result: Any, params: dict[str, Any]) -> Columns:
    """Return what a cell returned as equally long lists, or raise ValueError."""
    if not isinstance(result, Mapping) or not all(type(name) is str for name in result):
        raise ValueError(f"a cell must return a dict of columns by name, got {result!r}")
    if not result or result.keys() & params.keys():
        raise ValueError(f"columns must have names that grid has not, got {list(result)}")
    columns = {name: _list(f"column {name!r}", x) for name, x in result.items()}
    lengths = {name: len(x) for name, x in columns.items()}
    runs = max(lengths.values())
    if not {1, runs}.issuperset(lengths.values()):
        raise ValueError(f"columns must be equally long, got {lengths}")
    return {name: x * (runs // len(x)) for name, x in columns.items()}


def _add(found: dict[int, Columns], keys: list[Key], k: int, columns: Columns) -> None:
    """Add the columns of cell ``k``; ValueError unless names and types are as in the others."""
    first = next(iter(found.values()), columns)
    own, others = ({name: type(x[0]).__name__ for name, x in c.items()} for c in (columns, first))
    if own != others:
        raise ValueError(f"cell {keys[k]['params']} returned {own}, another cell {others}")
    found[k] = columns


def _table(names: list[str], keys: list[Key], found: dict[int, Columns]) -> "pd.DataFrame":
    """Put the cells' columns under each other, beside their parameters."""
    import pandas as pd

    points = ({name: key["params"][name] for name in names} for key in keys)
    tables = [pd.DataFrame({**point, **found[k]}) for k, point in enumerate(points)]
    return pd.concat(tables, ignore_index=True)


def _paths(folder: Any, keys: list[Key]) -> dict[int, Path]:
    """Return each cell's file in ``folder``, which is made; none without a folder."""
    if folder is None:
        return {}
    if not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"folder must be a path, got {folder!r}")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for left in Path(folder).glob("?" * 64 + ".*.tmp"):
        with contextlib.suppress(FileNotFoundError):  # another process may be tidying up as well
            if time.time() - left.stat().st_mtime > DAY:  # else a running one may be writing it
                left.unlink()
    return {k: Path(folder, f"{_sha(key)}.json") for k, key in enumerate(keys)}


def _save(path: Path, key: Key, columns: Columns) -> None:
    """Write one cell's result: whenever the process dies, the file is whole or not there."""
    temporary = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump({"key": key, "checksum": _sha(columns), "columns": columns}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _load(path: Path, key: Key) -> Columns:
    """Return one cell's stored columns; ValueError if the file is not what was written."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if _sha(record["key"]) != _sha(key):
            wrong = "belongs to another cell"
        elif _sha(record["columns"]) != record["checksum"]:
            wrong = "was altered"
        else:
            return record["columns"]
    except (ValueError, KeyError, TypeError):
        wrong = "is cut short or not a cell's result"
    raise ValueError(f"{path} {wrong}: delete it, and cell {key['params']} is computed again")


def _sha(x: Any) -> str:
    """Return the SHA-256 of ``x`` as JSON (which keeps every bit, NaN included), in hexadecimal."""
    return hashlib.sha256(json.dumps(x).encode()).hexdigest()


# Taken when td is imported: what runs is what was read then, whatever becomes of the files.
CODE = _sha(
    [path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))]
)
