"""What td asks of an array library is there in Colab's cupy: found without a GPU.

Every case of tests/cases.py runs on array-api-strict with a recorder in front of it. What the
recorder saw is then looked up in cupy: each name must exist, each call fit its parameters. It does
not show that cupy computes the right numbers: `make gpu` does.
"""

import inspect
import os
import re
import subprocess
import sys
from functools import reduce
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import array_api_strict
import numpy as np
import pytest
from cases import CASES, TO_HOST, problem

import td
from tools import ledger

if not find_spec("cupy"):
    pytest.skip("cupy is not installed: make cupy", allow_module_level=True)

import array_api_compat.cupy as xp
import cupy

SOURCES = sorted(Path(td.__file__).parent.glob("*.py"))
ARRAY = type(array_api_strict.ones(1))
OWN = {"__array_namespace__", "__new__", "__dlpack__", "__dlpack_device__"}  # not called by td
UFUNC = {"out", "where", "axes", "axis", "keepdims", "casting", "order", "dtype", "subok"}


class Recorder:
    """A namespace that notes each call as (name, number of arguments, keywords)."""

    def __init__(self, module, calls, prefix=""):
        self.module, self.calls, self.prefix = module, calls, prefix

    def __getattr__(self, name):
        """Pass on what the namespace has; functions note their calls first."""
        value, name = getattr(self.module, name), self.prefix + name
        if isinstance(value, ModuleType):
            return Recorder(value, self.calls, f"{name}.")
        if not inspect.isfunction(value):
            self.calls.add((name, None, ()))
            return value

        def noted(*args, **keywords):
            self.calls.add((name, len(args), tuple(sorted(keywords))))
            return value(*args, **keywords)

        return noted


def note(monkeypatch, name, value, used):
    """Let an array's method or property note in ``used`` that td, and not the library, uses it."""

    def noted(self, *args):
        if sys._getframe(1).f_globals["__name__"].startswith("td."):
            used.add(name)
        return value.fget(self) if isinstance(value, property) else value(self, *args)

    monkeypatch.setattr(ARRAY, name, property(noted) if isinstance(value, property) else noted)


@pytest.fixture(scope="module")
def recorded():
    """The calls of functions, and the names of methods, operators and properties, in all cases."""
    calls, used, put = set(), set(), array_api_strict.asarray
    with pytest.MonkeyPatch.context() as patch:
        for name, value in list(vars(ARRAY).items()):
            public = name[0] != "_" or (name[:2] == "__" and name not in OWN)
            if public and (inspect.isfunction(value) or isinstance(value, property)):
                note(patch, name, value, used)
        spy = Recorder(array_api_strict, calls)
        patch.setattr(ARRAY, "__array_namespace__", lambda self, api_version=None: spy)
        for case in [*CASES.values(), *TO_HOST.values()]:
            case(problem(lambda x: put(np.asarray(x))))
    return SimpleNamespace(calls=calls, used=used)


def find(name):
    """What a dotted name means in array-api-compat's namespace of cupy; else AttributeError."""
    return reduce(getattr, name.split("."), xp)


def misfit(name, count, keywords):
    """Say what is wrong with a call in cupy; None if it fits. ``count`` is None for a constant."""
    try:
        target = find(name)
        if isinstance(target, cupy.ufunc):
            fits = count <= target.nargs and UFUNC.issuperset(keywords)
            return None if fits else f"{name}: {count} arguments and {keywords}"
        if count is not None:
            inspect.signature(target).bind(*range(count), **dict.fromkeys(keywords))
    except (AttributeError, TypeError) as error:
        return f"{name}: {error}"
    return None


def test_every_call_fits_cupy(recorded):
    """Each function that td calls is in the namespace with the parameters that td gives it."""
    assert not [fault for call in sorted(recorded.calls, key=str) if (fault := misfit(*call))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_name_is_cupys(path):
    """Names on paths that no case takes exist, too."""
    used = r"(?:\bxp|\bnamespace\([\w.]*\))\.((?:linalg\.)?\w+)"
    for name in re.findall(used, path.read_text(encoding="utf-8")):
        assert find(name) is not None


def test_every_method_is_cupys(recorded):
    """Each method, operator and property that td uses of an array is one of cupy's arrays."""
    assert not [name for name in recorded.used if not hasattr(cupy.ndarray, name)]
    assert callable(cupy.ndarray.get), "to_numpy"


def test_the_recorder_sees_calls(recorded):
    """One call of each kind that the source is known to make."""
    names = {name for name, _, _ in recorded.calls}
    assert names >= {"linalg.qr", "linalg.svd", "take", "where", "sqrt", "int64", "asarray"}
    assert ("sum", 1, ("axis",)) in recorded.calls
    assert recorded.used >= {"__matmul__", "__getitem__", "__rtruediv__", "shape", "device"}


@pytest.mark.parametrize(
    "call",
    [
        ("no_such_function", 1, ()),
        ("linalg.no_such_function", 1, ()),
        ("sum", 1, ("no_such_keyword",)),
        ("take", 9, ()),
        ("sqrt", 3, ()),
        ("sqrt", 1, ("no_such_keyword",)),
        ("no_such_type", None, ()),
    ],
    ids=str,
)
def test_a_misfit_is_found(call):
    """A missing name, a keyword or an argument too many."""
    assert misfit(*call)


def select(name):
    """Ask for a namespace, twice, in a process of its own."""
    code = "import td.backend as b\nfor _ in range(2): print(b.select().__name__)"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"TD_BACKEND": name, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


no_gpu = pytest.mark.skipif(cupy.is_available(), reason="this machine has a GPU")


@no_gpu
def test_cupy_without_a_gpu_falls_back():
    """The real library without a GPU: numpy, and a line each time that says why."""
    done = select("auto")
    assert done.stdout.split() == ["array_api_compat.numpy"] * 2
    assert done.stderr.startswith("td uses numpy") and done.stderr.count("\n") == 2


@no_gpu
def test_cupy_asked_for_without_a_gpu():
    """The error says what was asked for, what is missing, and cupy's own reason."""
    done = select("cupy")
    line = done.stderr.splitlines()[-1]
    assert done.returncode and line.startswith("RuntimeError: cupy was asked for but no usable GPU")
    assert "CUDA" in line


@pytest.mark.slow
@no_gpu
def test_make_gpu_without_a_gpu():
    """The tool ends with one line and leaves the receipts as they are."""
    before = sorted(ledger.RECEIPTS.glob("*"))
    done = subprocess.run(
        [sys.executable, "-m", "tools.gpu"],
        cwd=ledger.ROOT,
        env={**os.environ, "PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("no receipt: cupy was asked for") and done.stderr.count("\n") == 1
    assert sorted(ledger.RECEIPTS.glob("*")) == before


def test_make_gpu_finds_what_it_names():
    """What a receipt says of the device is read by these functions."""
    for name in ("getDevice", "getDeviceProperties", "runtimeGetVersion", "driverGetVersion"):
        assert callable(getattr(cupy.cuda.runtime, name))
