"""Check td on a GPU against numpy, time both, execute the notebooks there, and write a receipt.

Run by `make gpu`. First what each function deviates from numpy, by the calls of tests/cases.py,
which other tests repeat on a stand-in; then speeds; then the notebooks, shortest first. The receipt
is written after every part, so that a run cut short leaves what it found. It needs no network, and
td need not be installed: `PYTHONPATH=.:tests python -m tools.gpu` is enough.
"""

import argparse
import datetime
import itertools
import json
import math
import os
import re
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from textwrap import shorten

import cases
import numpy as np

import td
from td import backend, objective, sweep, targets
from td.descent import Recipe, descend
from td.tensor import SymmetricTensor
from tools import ledger, minutes, paper

BAR = 1e-10  # rounding stays below 1e-13, amplified by whole runs
RUNS = (256, 4096, 65_536)  # of `descend` at a time, in k = 20 coordinates with m = 16
GRADIENTS = ((100, 1000), (1000, 10_000))  # d, m
NOTES = {
    "deviation": "largest difference from numpy, relative to the largest entry or 1",
    "throughput": "runs of 300 steps per second: start and some steps, at least 5, are measured",
    "start": "seconds before the first step and after the last, draws on the host included",
    "step": "milliseconds of a step of all runs",
    "gradient": "seconds of one gradient, order 3",
    "memory": "the most of the device's memory held meanwhile, in MB",
    "minutes": "of each notebook, whose asserts held unless it stands below",
    "failed": "what did not hold, and why",
}


def about(cupy):
    """Return what the receipt says of the device and its software."""
    cuda = cupy.cuda.runtime
    name = cuda.getDeviceProperties(cuda.getDevice())["name"].decode()
    versions = {"cuda": cuda.runtimeGetVersion(), "driver": cuda.driverGetVersion()}
    return {"device": name, "gpu": True, "cupy": cupy.__version__, **versions}


def held(cupy, work):
    """Return the bytes that cupy's pool holds after ``work()``: it keeps what it once needed."""
    pool = cupy.get_default_memory_pool()
    pool.free_all_blocks()
    work()
    return pool.total_bytes()


def deviation(name, put):
    """Return one case's largest difference from numpy, relative to its largest entry or 1."""
    p = cases.problem(put)
    ours, numpys = cases.agreed(name, p), cases.agreed(name, cases.problem(np.asarray))
    worst = 0.0
    for x, y in zip(ours, numpys, strict=True):
        if name in cases.CASES and type(x) is not type(p.U):
            raise TypeError(f"a result left the device: {type(x)}")
        x, y = backend.to_numpy(x), np.asarray(y)
        if (x.shape, x.dtype) != (y.shape, y.dtype):
            raise TypeError(f"{x.dtype} {x.shape} instead of {y.dtype} {y.shape}")
        worst = np.maximum(worst, np.max(abs(x - 1.0 * y)) / max(1, np.max(abs(y))))
    return float(f"{worst:.1e}")


def seconds(work):
    """Return how long a call takes; a number copied to the host waits for the device."""
    start = time.perf_counter()
    backend.to_numpy(work()[..., 0])
    return time.perf_counter() - start


def placed(put, T):
    """Return a tensor, or batch, of norm 1 where ``put`` puts arrays."""
    return SymmetricTensor(put(T.weights / T.norm[..., None]), put(T.factors), T.order)


def throughput(put, compiled, l, runs):
    """Return runs of 300 steps per second, what a start costs (s) and a step (ms)."""

    def work(runs, steps):
        T = placed(put, targets.random(20, 4, l, seed=0, batch=(runs,)))
        options = {"recipe": Recipe(epochs=1, steps=steps, tol=1e-7), "compiled": compiled}
        return lambda: descend(T, 16, seed=0, runs=runs, **options).weights

    steps = min(200, max(5, 50_000 // runs))
    _, few, more = (seconds(work(*size)) for size in ((8, 9), (runs, 1), (runs, 1 + steps)))
    step = max(more - few, 1e-9) / steps  # the first call compiles what there is to compile
    numbers = {"throughput": runs / (few + 299 * step), "start": few, "step": 1e3 * step}
    return {table: float(f"{x:.3g}") for table, x in numbers.items()}


def gradient(put, peak, d, m):
    """Return how long one gradient takes, and where ``peak`` measures it, the memory."""
    model, T = (placed(put, targets.random(d, n, 3, seed=n, signs="mixed")) for n in (m, 3))
    work = lambda: objective.gradient(model, T)  # noqa: E731
    found = {"memory": round(peak(work) / 1e6, 1)} if peak else {}  # and whatever is compiled is
    return {"gradient": float(f"{seconds(work):.3g}"), **found}


def took(source, env):
    """Return how long a notebook took; RuntimeError if one of its cells failed."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=ledger.ROOT) as folder:  # what is stored stays
        _, failure = paper.perform(source, timeout=None, env=env, folder=folder)
    if failure:
        raise RuntimeError(failure)
    return {"minutes": round((time.perf_counter() - start) / 60, 2)}


def shortest_first(sources, size):
    """Return notebooks by the minutes that docs/minutes.csv has for them at a budget."""
    table = minutes.pd.read_csv(minutes.TABLE, index_col="notebook", dtype=str)
    known = minutes.pd.to_numeric(table.get(size), errors="coerce").fillna(math.inf)
    return sorted(sources, key=lambda source: known.get(source.stem[:2], math.inf))


def parts(put, peak, sources, env, runs=RUNS, gradients=GRADIENTS):
    """Yield the receipt's parts in order: the table, a name, a function that finds its entries."""
    for name in sorted({**cases.CASES, **cases.TO_HOST}):
        yield "deviation", name, lambda name=name: {"deviation": deviation(name, put)}
    ways = {"device": (put, False), "numpy": (np.asarray, False), "compiled": (np.asarray, True)}
    for n, l, way in itertools.product(runs, (3, 4), ways):
        yield "throughput", f"{way}, l = {l}, {n} runs", partial(throughput, *ways[way], l, n)
    for (d, m), way in itertools.product(gradients, ("device", "numpy")):
        where = (put, peak) if way == "device" else (np.asarray, None)
        yield "gradient", f"{way}, d = {d}, m = {m}", partial(gradient, *where, d, m)
    for source in shortest_first(sources, env["TD_BUDGET"]):
        yield "minutes", source.stem, partial(took, source, env)


def attempt(function):
    """Return what ``function`` finds, or why it found nothing."""
    try:
        return function(), None
    except Exception as error:  # anything may go wrong there, and must not cost the receipt
        return {}, shorten(f"{type(error).__name__}: {error}", 300, placeholder=" ...")


def receipt(header, parts, size, *, limit=math.inf, save=lambda found: None):
    """Return the receipt: a header, then tables; ``save`` gets what there is after each part.

    No part is begun after ``limit`` seconds.
    """
    threads, start = os.environ.get("OPENBLAS_NUM_THREADS") or "all", time.monotonic()
    origin = {"td": td.__version__, "code": sweep.SOURCE[:12], "numpy_threads": threads}
    found = {"date": datetime.date.today(), **header, **origin, "budget": size, "not_begun": []}
    found |= {table: {} for table in NOTES}
    for table, name, function in parts:
        if time.monotonic() - start > limit:
            found["not_begun"].append(name)
            continue
        entries, why = attempt(function)
        for key, value in ({table: math.nan} | entries).items():
            found[key][name] = value
        if table == "deviation" and not why and not found[table][name] <= BAR:  # nor is NaN
            why = f"{found[table][name]} from numpy, more than {BAR}"
        found["failed"] |= {name: why} if why else {}
        print(table, name, why or entries, flush=True)
        save(found)
    save(found)
    return found


def text(found):
    """Return a receipt as TOML."""
    lines = ["# Written by `make gpu`: td on one device."]
    for key, value in found.items():
        if key not in NOTES:
            lines.append(f"{key} = {toml(value)}")
    for key, note in NOTES.items():
        lines += ["", f"# {note}", f"[{key}]"]
        lines += [f"{json.dumps(name)} = {toml(value)}" for name, value in found[key].items()]
    return "\n".join(lines) + "\n"


def toml(value):
    """Return a string, number, truth value, list of strings or date as TOML writes it."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def write(found, folder=ledger.RECEIPTS):
    """Write a receipt and return its path; ValueError for one that no GPU has earned."""
    if not found["gpu"] and folder.resolve() == ledger.RECEIPTS.resolve():
        raise ValueError(f"only a GPU's receipt goes to {folder}, got one of {found['device']}")
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", f"{found['date']} {found['device']}".lower()).strip("-")
    path = folder / f"{name}.toml"
    path.write_text(text(found), encoding="utf-8")
    return path


def options(arguments):
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--budget", default="paper", choices=["quick", "ci", "paper"])
    parser.add_argument("--seconds", default=math.inf, type=float, help="begin no part later")
    parser.add_argument("--receipt", default=ledger.RECEIPTS, type=Path, help="folder for it")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Write this machine's receipt; return the exit status."""
    asked = options(arguments)
    try:
        xp = backend.select("cupy")
    except RuntimeError as error:
        sys.exit(f"no receipt: {error}")
    import cupy

    path = os.pathsep.join(filter(None, [str(ledger.ROOT), os.environ.get("PYTHONPATH")]))
    env = {"TD_BACKEND": "cupy", "TD_BUDGET": asked.budget, "PYTHONPATH": path}
    put, peak = lambda x: xp.asarray(np.asarray(x)), partial(held, cupy)
    todo = parts(put, peak, paper.sources(), env)
    save = partial(write, folder=asked.receipt)
    found = receipt(about(cupy), todo, asked.budget, limit=asked.seconds, save=save)
    print(f"\n{text(found)}\nwrote {save(found)}: `make ledger` shows those in notebooks/receipts")
    return 1 if found["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
