"""Every array function on array-api-strict's second device: the stand-in for a GPU.

There a hidden numpy call, a missing ``device=`` or a function outside the standard raises, as it
would with cupy. Results must live on that device and agree with numpy's.
"""

from functools import cache

import array_api_strict
import numpy as np
import public
import pytest
from cases import ARRAYS, CASES, FUNCTIONS, TABLE, TO_HOST, arrays, call, problem
from numpy.testing import assert_allclose

import td
from td import backend, descent, flow, sweep
from td.tensor import SymmetricTensor

SHORT = descent.Recipe(epochs=2, steps=30)
DEVICE = array_api_strict.Device("device1")


def host(x):
    """Leave the input where it is."""
    return np.asarray(x)


def device(x):
    """Put the input on the second device."""
    return array_api_strict.asarray(np.asarray(x), device=DEVICE)


def unlisted():
    """The public functions, methods and checked classes without an entry, and the reverse."""
    return public.everything().keys() ^ TABLE.keys()


def test_every_public_function_is_listed():
    """A function without its entry fails here, and so does an entry without its function."""
    assert not unlisted()


def plain(self):
    """A function that someone adds."""


@pytest.mark.parametrize(
    ("owner", "wrap"),
    [
        *((module, wrap) for module in (flow, sweep) for wrap in (lambda f: f, cache)),
        *((SymmetricTensor, wrap) for wrap in (lambda f: f, cache, classmethod, property)),
    ],
)
def test_a_new_function_is_noticed(monkeypatch, owner, wrap):
    """A function, method or property that is added without an entry, however it is wrapped."""
    before = unlisted()
    monkeypatch.setattr(plain, "__module__", owner.__name__)  # as if written there
    monkeypatch.setattr(owner, "added", wrap(plain), raising=False)
    assert unlisted() - before == {f"{owner.__name__.removeprefix('td.')}.added"}


@pytest.mark.parametrize("name", CASES)
def test_results_stay_on_the_device(name):
    """On the second device each function computes what numpy computes, and leaves it there."""
    expected, found = (arrays(CASES[name](problem(put))) for put in (host, device))
    assert len(found) == len(expected) > 0
    for x, y in zip(found, expected, strict=True):
        assert isinstance(y, (np.ndarray, np.generic))
        assert type(x).__module__.startswith("array_api_strict") and x.device == DEVICE
        x = backend.to_numpy(x)
        assert x.dtype == y.dtype and x.shape == y.shape
        assert_allclose(x, y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", TO_HOST)
def test_results_come_to_the_host(name):
    """What is meant for the host arrives there as numpy arrays, the same from both."""
    expected, found = (arrays(TO_HOST[name](problem(put))) for put in (host, device))
    for x, y in zip(found, expected, strict=True):
        assert type(x) is np.ndarray
        assert_allclose(x, y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in TABLE if name not in ARRAYS])
def test_the_hosts_own_calls_are_right(name):
    """What takes no array of a library is called on the host alone."""
    call(name, FUNCTIONS[name])


def test_descend_end_to_end():
    """A batch of runs takes the same steps on both, with its account on the host."""
    on_host, on_device = (
        descent.descend(problem(put).T, 6, seed=0, runs=4, recipe=SHORT) for put in (host, device)
    )
    assert np.any(on_host.redraws > 0)
    for name in ("error", "steps", "redraws", "reason"):
        assert isinstance(getattr(on_device, name), np.ndarray)
        assert np.array_equal(getattr(on_device, name), getattr(on_host, name))


@pytest.mark.parametrize("form", ["T", "dense"])
def test_decompose_end_to_end(form):
    """A decomposition on the second device gives the same plain numbers."""
    on_host, on_device = (
        td.decompose(getattr(problem(put), form), 6, seed=0) for put in (host, device)
    )
    assert type(on_device.error) is float and type(on_device.steps) is int
    for name in ("error", "steps", "reason", "rank"):
        assert getattr(on_device, name) == getattr(on_host, name)
