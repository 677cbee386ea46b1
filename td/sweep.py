"""Grids of runs as one table, kept cell by cell, so that a sweep that was stopped goes on."""

import contextlib
import dis
import inspect
import itertools
import json
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from td import check

SOURCE = joblib.hash([path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))])
PARTS = {  # what decides what an object of a type does: the rest may be a cache, or where it stood
    **{"function": "__module__ __qualname__", "module": "__name__", "classmethod": "__func__"},
    **{"code": "co_code co_consts co_names co_varnames co_flags co_exceptiontable"},
    **{"property": "fget fset", "staticmethod": "__func__", "_lru_cache_wrapper": "__wrapped__"},
    **{"vectorize": "pyfunc otypes signature", "CPUDispatcher": "py_func targetoptions"},
    **{"cached_property": "func", "cell": "cell_contents", "_abc_data": "__doc__"},
    **dict.fromkeys(("getset_descriptor", "member_descriptor"), "__name__"),
}


def sweep(
    cell: Callable, grid: Any, *, seed: int = 0, folder: Any = None, jobs: int = 1, depends: Any = 0
) -> pd.DataFrame:
    """Run ``cell`` on all combinations of the values in ``grid``; return one table of all runs.

    ``cell(seed, **params)`` gets a numpy SeedSequence, which depends on its name, ``params`` and
    ``seed`` alone, and one value of each list. It returns the table's columns: one entry per run,
    or scalars. Rows are in the order of the grid, first key slowest. ``jobs`` processes run at a
    time, or those of ``joblib.parallel_config(backend="dask")``, each with one BLAS thread.
    ``folder`` keeps what finished cells returned, for calls in which td, what ``cell`` reads
    (functions, classes, data in any module but installed ones) and ``depends`` are the same: name
    there what else matters, as files, libraries' versions, compiled code. TypeError or ValueError
    for bad input, RuntimeError if a cell fails or kills its process.
    """
    place = None if folder is None else Path(folder).resolve() / _hash([SOURCE, cell, depends])
    store = joblib.Memory(place, verbose=0, compress=True).store_backend  # zlib notices damage
    todo = [(cell, x, check.integer("seed", seed, 0), SOURCE, store) for x in _points(cell, grid)]
    client: Any = getattr(joblib.parallel.get_active_backend()[0], "client", None)
    found: list[pd.DataFrame] = []
    for ahead in (2 * check.integer("jobs", jobs, 1), 1):
        left = todo[len(found) :]  # if a process was killed, one by one: then it is clear by which
        sent = client and [client.submit(_run, *x, key=f"cell {x[1]} {uuid4()}") for x in left]
        pool = joblib.Parallel(jobs, batch_size=1, pre_dispatch=ahead, return_as="generator")
        calls = itertools.starmap(joblib.delayed(_run), left)  # on Dask it would wait for the dead
        tables = (future.result() for future in sent) if client else pool(calls)
        with contextlib.suppress(BrokenExecutor):
            rare = 0 if sys.stderr.isatty() else 60  # in a log file a line now and then
            pace = {"delay": rare, "mininterval": rare or 0.1}
            found.extend(tqdm(tables, total=len(todo), initial=len(found), **pace))
    if len(found) < len(todo):
        raise RuntimeError(f"cell {todo[len(found)][1]} killed the process that it ran in")
    return pd.concat(found, ignore_index=True)


def _points(cell: Callable, grid: Any) -> list[dict]:
    """The grid's points, once it is clear that they can be told apart and fit ``cell``."""
    if not isinstance(grid, Mapping) or not grid:
        raise ValueError(f"grid must map names to lists of values, got {grid!r}")
    lists = {name: np.atleast_1d(np.array(x, object)).tolist() for name, x in grid.items()}
    for name, x in lists.items():
        plain = {*map(type, x)} in ({bool}, {int}, {float}, {str}) and len({*x}) == len(x)
        if not plain or (type(x[0]) is float and not np.isfinite(x).all()):
            raise ValueError(f"grid[{name!r}] must be bool, int, str or finite float, got {x}")
    try:
        inspect.signature(cell).bind(cell.__qualname__, **lists)
    except (TypeError, AttributeError) as err:
        raise TypeError(f"cell must take a seed and grid's names, got {cell!r}: {err}") from err
    return [dict(zip(lists, x, strict=True)) for x in itertools.product(*lists.values())]


def _run(cell: Callable, params: dict, seed: int, source: str, store: Any) -> pd.DataFrame:
    """One cell's rows: as they were kept, or else computed by one BLAS thread."""
    name = sha256(
        json.dumps([cell.__qualname__, params, seed], sort_keys=True).encode()
    ).hexdigest()
    with contextlib.suppress(Exception):  # nothing is kept, or it is spoilt
        return store.load_item([name], verbose=0)
    try:
        assert source == SOURCE, "the worker's td is not the caller's: was it edited meanwhile?"
        with threadpool_limits(1):
            columns = cell(np.random.SeedSequence(int(name, 16)), **params)
        equal = np.broadcast_arrays(*map(np.atleast_1d, columns.values()))
        table = pd.DataFrame(dict(**params, **dict(zip(columns, equal, strict=True))))
    except (Exception, SystemExit) as err:
        raise RuntimeError(f"cell {params} failed: {type(err).__name__}: {err}") from err
    if store is not None:
        store.dump_item([name], table, verbose=0)  # which only warns of what it cannot write
        if not store.contains_item([name]):
            raise OSError(f"cell {params} could not be kept in {store.location}")
    return table


def _hash(x: Any) -> str:
    """joblib's hash, in which the user's functions, classes and modules count by what they hold."""
    hasher = joblib.hashing.NumpyHasher()
    hasher.reducer_override = _parts
    hasher._batch_setitems = lambda items, *_: hasher.save(list(items))  # its own hides errors
    try:
        return hasher.hash(x)
    except Exception as err:
        raise TypeError(f"cell and depends must be code and data, got {x!r}: {err}") from err


def _parts(x: Any) -> Any:
    """What ``x`` counts by, as pickle wants it told: something to call, arguments, a state."""
    parts = [getattr(x, name) for name in PARTS.get(type(x).__name__, "").split()]
    if isinstance(x, (set, frozenset)):
        parts = [sorted(map(_hash, x))]
    elif inspect.isfunction(x) and _is_users(x):
        parts += [x.__code__, x.__defaults__, x.__kwdefaults__, x.__closure__, vars(x)]
        parts += _reads(x.__code__, x.__globals__)
    elif (inspect.isclass(x) or inspect.ismodule(x)) and _is_users(x):
        parts += [x.__name__, getattr(x, "__bases__", ()), [type(x)] * inspect.isclass(x)]
        held = sorted(vars(x).items())
        parts += [(n, v) for n, v in held if n[:2] != "__" or hasattr(v, "__get__")]
    elif not parts and _is_users(type(x)):
        return x.__reduce_ex__(2)
    return (print, (type(x).__name__,), parts) if parts else NotImplemented


def _reads(code: Any, space: Mapping) -> list:
    """What code reads, its inner functions included: globals, and modules that it imports."""
    steps = [(step.opname, step.argval) for step in dis.get_instructions(code)]
    found = [space[n] for op, n in steps if ("GLOBAL" in op or op == "LOAD_NAME") and n in space]
    found += [__import__(n) for op, n in steps if op == "IMPORT_NAME"]
    return sum((_reads(x, space) for x in code.co_consts if inspect.iscode(x)), found)


def _is_users(x: Any) -> bool:
    """Whether a function, class or module is neither td's nor a library's, which count by name."""
    name = getattr(x, "__module__", None) or x.__name__
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    library = name.partition(".")[0] in {"td", *sys.stdlib_module_names} or "-packages" in file
    return not library or "<" in getattr(x, "__qualname__", "")
