"""Where arrays live: one library at a time, and only what the user asked for."""

import array_api_compat.numpy
import array_api_strict
import numpy as np
import pytest

from td import backend

DEVICE = array_api_strict.Device("device1")


@pytest.fixture
def no_gpu(monkeypatch):
    """A machine without a usable GPU, whatever this one has."""

    def fail():
        raise ImportError("no module named cupy")

    monkeypatch.setattr(backend, "_usable_cupy", fail)
    monkeypatch.delenv("TD_BACKEND", raising=False)


def installed(monkeypatch, found):
    """Let cupy be installed, or not."""
    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: found or None)


@pytest.mark.parametrize("name", ["", "torch", "CUPY"])
def test_unknown_backend(name, monkeypatch):
    """TD_BACKEND and the argument of select take three words."""
    monkeypatch.setenv("TD_BACKEND", name or "gpu")
    with pytest.raises(ValueError, match="backend must be 'numpy', 'cupy' or 'auto', got"):
        backend.select(name)


@pytest.mark.parametrize("name", [None, "auto", "numpy"])
def test_select_without_a_gpu(no_gpu, name):
    """Without a GPU numpy is what "auto", "numpy" and silence select."""
    assert backend.select(name) is array_api_compat.numpy


@pytest.mark.parametrize("variable", ["auto", "numpy", ""])
def test_select_reads_the_environment(no_gpu, monkeypatch, variable):
    """TD_BACKEND selects as the argument does."""
    monkeypatch.setenv("TD_BACKEND", variable)
    assert backend.select() is array_api_compat.numpy


def test_an_installed_but_unusable_cupy_is_mentioned(no_gpu, monkeypatch, capsys):
    """Then "auto" falls back to numpy with one line on stderr."""
    installed(monkeypatch, True)
    assert backend.select() is array_api_compat.numpy
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("td uses numpy") and err.count("\n") == 1
    assert "ImportError: no module named cupy" in err


@pytest.mark.parametrize(("cupy", "name"), [(False, "auto"), (True, "numpy")])
def test_no_cupy_and_no_question_are_met_with_silence(no_gpu, monkeypatch, capsys, cupy, name):
    """Nothing is said where cupy is not installed, nor where numpy was asked for."""
    installed(monkeypatch, cupy)
    backend.select(name)
    assert capsys.readouterr() == ("", "")


def test_a_long_reason_becomes_one_short_line(monkeypatch):
    """Cupy's own errors may be pages long."""

    def fail():
        raise ImportError("=====\nFailed to import CuPy.\n" + "reasons\n" * 100)

    monkeypatch.setattr(backend, "_usable_cupy", fail)
    with pytest.raises(RuntimeError, match="Failed to import CuPy") as found:
        backend.select("cupy")
    assert "\n" not in str(found.value) and len(str(found.value)) < 300


def test_select_cupy_without_a_gpu(no_gpu, monkeypatch):
    """Asking for cupy in vain is an error, by argument and by environment."""
    monkeypatch.setenv("TD_BACKEND", "cupy")
    with pytest.raises(RuntimeError, match="GPU was found: ImportError: no module named cupy"):
        backend.select()
    monkeypatch.setenv("TD_BACKEND", "numpy")
    with pytest.raises(RuntimeError, match="no usable GPU"):
        backend.select("cupy")


def test_select_uses_a_gpu_that_works(monkeypatch):
    """A usable cupy is what "auto" and "cupy" select, and what "numpy" ignores."""
    monkeypatch.setattr(backend, "_usable_cupy", lambda: "a GPU")
    assert [backend.select(name) for name in ("auto", "cupy")] == ["a GPU"] * 2
    assert backend.select("numpy") is array_api_compat.numpy


def test_a_gpu_must_compute(monkeypatch):
    """A library that gets a product wrong is not usable."""
    wrong = type("wrong", (), {"ones": np.ones, "sum": lambda x: 7.0})
    monkeypatch.setattr(backend.importlib, "import_module", lambda name: wrong)
    with pytest.raises(RuntimeError, match="came back wrong"):
        backend.select("cupy")


def test_namespace():
    """Arrays of one library share its namespace, arrays of two have none."""
    x, y = np.ones(2), array_api_strict.ones(2)
    assert backend.namespace(x, x) is array_api_compat.numpy
    assert backend.namespace(y) is array_api_strict
    with pytest.raises(TypeError, match=r"one array library, got array_api_strict.*numpy"):
        backend.namespace(x, y)


@pytest.mark.parametrize(
    "seed", [0, 7, [1, 2], np.int64(7), np.random.SeedSequence(7), np.array([1, 2])]
)
def test_generator(seed):
    """Equal seeds draw equal numbers."""
    first, again = (backend.generator(seed).random(3) for _ in range(2))
    assert np.array_equal(first, again)


def test_generator_passes_generators_through():
    """A Generator is used itself, so that its draws go on where they were."""
    rng = np.random.default_rng(0)
    assert backend.generator(rng) is rng


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_to_numpy(dtype, shape):
    """Arrays of any device, dtype and shape come back to the host as they are."""
    x = np.ones(shape, dtype=dtype)
    found = backend.to_numpy(array_api_strict.asarray(x, device=DEVICE))
    assert type(found) is np.ndarray and found.dtype == x.dtype and np.array_equal(found, x)
    assert backend.to_numpy(x) is x


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_from_numpy(dtype):
    """Floats take the reference's dtype, integers keep their own, both its device."""
    reference = array_api_strict.ones(2, dtype=getattr(array_api_strict, dtype), device=DEVICE)
    floats, integers = (backend.from_numpy(x, reference) for x in ([0.5], [1]))
    assert floats.dtype == reference.dtype and integers.dtype == array_api_strict.int64
    assert floats.device == integers.device == DEVICE
