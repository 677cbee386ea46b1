"""Check td on a GPU against numpy, time both, execute the notebooks there, and write a receipt.

Run by `make gpu`. The calls are those of tests/cases.py, which other tests repeat on a stand-in.
"""

import datetime
import json
import math
import os
import re
import sys
import time
from statistics import median
from textwrap import shorten

import cases
import numpy as np

import td
from td import backend, descent, objective, sweep, targets
from td.tensor import SymmetricTensor
from tools import ledger, paper

BAR = 1e-10  # rounding stays below 1e-13, amplified by whole runs
SIZES = ((1, 20, 16), (256, 20, 16), (4096, 20, 16), (1, 100, 1000))  # runs, d, m


def about(cupy):
    """Return what the receipt says of the device and its software."""
    cuda = cupy.cuda.runtime
    name = cuda.getDeviceProperties(cuda.getDevice())["name"].decode()
    versions = {"cuda": cuda.runtimeGetVersion(), "driver": cuda.driverGetVersion()}
    return {"device": name, "gpu": True, "cupy": cupy.__version__, **versions}


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


def work(put, runs, d, m):
    """Return what is timed, by name: functions that end with an array (runs, d, m)."""
    T = targets.random(d, 4, 3, seed=0, batch=(runs,))
    T = SymmetricTensor(put(T.weights / T.norm[:, None]), put(T.factors), 3)
    model = targets.random(d, m, 3, seed=1, signs="mixed", batch=(runs,))
    own = SymmetricTensor(put(model.weights), put(model.factors), 3)

    def steps():
        U = own.factors
        for _ in range(10):
            now = descent.observe(U, own.weights, T, descent.BASE)
            U = descent.step(now, 3, descent.BASE)
        return U

    bracket = lambda: objective.bracket(own, T).field  # noqa: E731
    return {"contract": lambda: own.contract(own.factors), "bracket": bracket, "10 steps": steps}


def seconds(function):
    """Return the median time of five calls; a number copied to the host waits for the device."""
    times = []
    for _ in range(6):
        start = time.perf_counter()
        backend.to_numpy(function()[..., 0, 0])
        times.append(time.perf_counter() - start)
    return median(times[1:])  # the first one compiles


def speeds(put, runs, d, m):
    """Return numpy's time over the device's for each piece of work of one size."""
    ours, numpys = work(put, runs, d, m), work(np.asarray, runs, d, m)
    size = f"{runs} x ({d}, {m})"
    return {
        f"{name}, {size}": float(f"{seconds(numpys[name]) / seconds(ours[name]):.2g}")
        for name in ours
    }


def minutes(source, env):
    """Return how long a notebook took; RuntimeError if one of its cells failed."""
    start = time.perf_counter()
    _, failure = paper.perform(source, timeout=None, env=env)
    if failure:
        raise RuntimeError(failure)
    return round((time.perf_counter() - start) / 60, 2)


def attempt(failed, name, function, *args):
    """Return what ``function`` returns; if it raises, NaN, and the reason goes to ``failed``."""
    try:
        value = function(*args)
    except Exception as error:  # anything may go wrong there, and must not cost the receipt
        failed[name] = shorten(f"{type(error).__name__}: {error}", 300, placeholder=" ...")
        value = math.nan
    print(name, failed.get(name, value), flush=True)
    return value


def receipt(put, header, sources, env, sizes=SIZES):
    """Return the whole receipt: its header, then tables of what was found and what failed."""
    failed, speed = {}, {}
    deviations = {
        name: attempt(failed, name, deviation, name, put)
        for name in sorted({**cases.CASES, **cases.TO_HOST})
    }
    for name, worst in deviations.items():
        if name not in failed and not worst <= BAR:  # NaN is no agreement
            failed[name] = f"{worst} from numpy, more than {BAR}"
    for size in sizes:
        found = attempt(failed, f"speed {size}", speeds, put, *size)
        speed |= found if isinstance(found, dict) else {}
    took = {s.stem: attempt(failed, s.stem, minutes, s, env) for s in sources}
    threads = os.environ.get("OPENBLAS_NUM_THREADS") or "all"
    origin = {"td": td.__version__, "code": sweep.SOURCE[:12], "numpy_threads": threads}
    head = {"date": datetime.date.today(), **header, **origin, "budget": env["TD_BUDGET"]}
    tables = {"deviation": deviations, "speed": speed, "minutes": took, "failed": failed}
    return {**head, **tables}


def text(found):
    """Return a receipt as TOML."""
    notes = {
        "deviation": "largest difference from numpy, relative to the largest entry or 1",
        "speed": "numpy's time over the device's; runs x (d, m), order 3",
        "minutes": "of each notebook, whose asserts held unless it stands below",
        "failed": "what did not hold, and why",
    }
    lines = ["# Written by `make gpu`: td on one device."]
    for key, value in found.items():
        if key not in notes:
            lines.append(f"{key} = {toml(value)}")
    for key, note in notes.items():
        lines += ["", f"# {note}", f"[{key}]"]
        lines += [f"{json.dumps(name)} = {toml(value)}" for name, value in found[key].items()]
    return "\n".join(lines) + "\n"


def toml(value):
    """Return a string, number, truth value or date as TOML writes it."""
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


def main():
    """Write this machine's receipt; return the exit status."""
    try:
        xp = backend.select("cupy")
    except RuntimeError as error:
        sys.exit(f"no receipt: {error}")
    import cupy

    env = {"TD_BACKEND": "cupy", "TD_BUDGET": "paper"}
    sources = sorted(ledger.NOTEBOOKS.glob("[0-9][0-9]_*.py"))
    found = receipt(lambda x: xp.asarray(np.asarray(x)), about(cupy), sources, env)
    path = write(found)
    print(f"\n{text(found)}\nwrote {path.relative_to(ledger.ROOT)}: `make ledger` shows it")
    return 1 if found["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
