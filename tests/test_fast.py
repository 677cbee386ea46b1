"""Compiled steps against those by arrays: the same numbers, endings and complaints."""

import os
import signal
import sys
import threading
from dataclasses import replace

import array_api_strict
import numpy as np
import pytest
from numpy.testing import assert_allclose

import td
from td import targets
from td.descent import BASE, DIVERGED, REACHED, SPENT, Recipe, descend, fresh, trajectory
from td.tensor import SymmetricTensor, to_dense

RUNS, M = 6, 12


def target(l, kind):
    """One of norm 1, or one for each run, in R^4."""
    T = targets.random(4, 3, l, seed=l, signs="mixed")
    if "batch" in kind:
        scale = 1 + np.arange(RUNS)[:, None] / 10
        U = T.factors + np.arange(RUNS)[:, None, None] / 10
        T = SymmetricTensor(T.weights * scale, U, l)
    T = T.scaled(1 / T.norm)
    return T.coordinates() if "coordinates" in kind else T


def ends(T, **options):
    """The last stage by compiled steps, and by arrays."""
    return [list(trajectory(T, M, compiled=x, **options))[-1] for x in (True, False)]


@pytest.mark.parametrize("l", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["factored", "coordinates", "factored batch", "coordinates batch"])
@pytest.mark.parametrize("small", [0.03, 0.0], ids=["two steps", "one step"])
@pytest.mark.parametrize("dim", [None, 50])
def test_a_step(l, kind, small, dim):
    """Three compiled steps are three steps by arrays, to rounding error, and so is the error."""
    T, recipe = target(l, kind), Recipe(small=small, epochs=1, steps=3, tol=1e-7)
    U, a = fresh(np.random.default_rng(0).spawn(RUNS), 50, M, BASE, used=4, rows=4 + M)
    U = U[:, : None if dim else 4]
    U[:, :, ::2] *= 500
    is_small = np.linalg.norm(U, axis=1) <= BASE.small
    assert is_small.any() and not is_small.all()
    loops, arrays = ends(T, seed=0, runs=RUNS, recipe=recipe, dim=dim, start=(U, a))
    assert loops.steps.tolist() == [3] * RUNS and set(loops.reason) == {SPENT}
    scale = np.abs(arrays.now.factors).max()
    assert_allclose(loops.now.factors, arrays.now.factors, rtol=0, atol=1e-11 * scale)
    assert_allclose(loops.now.error, arrays.now.error, rtol=1e-10)
    assert np.abs(arrays.now.factors - U).max() > 1e-4 * scale


@pytest.mark.parametrize("kind", ["factored", "coordinates", "reduced"])
def test_whole_runs(kind):
    """At l = 3 whole runs, redraws included, agree with those by arrays in all that they return."""
    T, dim = targets.random(8, 3, 3, seed=1).scaled(5.0), 10**9 if kind == "reduced" else None
    T = T.coordinates() if kind == "coordinates" else T
    options = {"seed": 3, "runs": 12, "recipe": Recipe(epochs=4), "dim": dim}
    loops, arrays = descend(T, 5, compiled=True, **options), descend(T, 5, **options)
    assert arrays.redraws.max() > 0
    for name in ("steps", "redraws", "reason"):
        assert np.array_equal(getattr(loops, name), getattr(arrays, name))
    for name in ("weights", "factors", "error"):
        assert_allclose(getattr(loops, name), getattr(arrays, name), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("l", [3, 4])
def test_a_run_does_not_depend_on_its_batch(l):
    """Bit for bit, though others leave at other times; one by one, or each with its own target."""
    T, options = target(l, "factored"), {"compiled": True, "dim": 50}
    many = descend(T, M, seed=0, runs=RUNS, **options)
    batch = SymmetricTensor(*(np.stack([x] * RUNS) for x in (T.weights, T.factors)), l)
    own = descend(batch, M, seed=0, runs=RUNS, **options)
    assert len(set(many.steps.tolist())) > 1
    assert np.array_equal(own.factors, many.factors)
    for k in range(RUNS):
        seed = np.random.SeedSequence(0, n_children_spawned=k)
        assert np.array_equal(descend(T, M, seed=seed, **options).factors, many.factors[k])


REASONS = {
    REACHED: Recipe(tol=0.5, delta0=0.2),
    SPENT: Recipe(tol=0.01, delta0=0.2, epochs=2, steps=3),
    DIVERGED: Recipe(tol=0.01, delta0=0.2, turn=1e3, damp=10),  # after 5 to 7 steps
}


@pytest.mark.parametrize("reason", REASONS)
def test_reasons(reason):
    """Runs stop where those by arrays stop, and for the same reason; what they return is finite."""
    T, options = target(3, "factored"), {"seed": 0, "runs": 3, "recipe": REASONS[reason]}
    loops, arrays = descend(T, M, compiled=True, **options), descend(T, M, **options)
    assert set(loops.reason) == {reason} and np.array_equal(loops.steps, arrays.steps)
    assert_allclose(loops.error, arrays.error, rtol=1e-9)
    assert_allclose(loops.factors, arrays.factors, atol=1e-9)


def test_overflow_diverges():
    """NaN is no small error: such a run stops at once, where it is."""
    start = np.full((1, 4, M), 1e200), np.ones((1, M))
    with np.errstate(all="ignore"):
        (end,) = trajectory(target(3, "factored"), M, seed=0, start=start, compiled=True)
    assert end.steps.tolist() == [0] and end.reason.tolist() == [DIVERGED]
    assert np.array_equal(end.now.factors, start[0]) and end.now.error.tolist() == [np.inf]


def test_the_last_step_of_an_epoch():
    """What it reaches counts, by loops and by arrays, before anything is redrawn."""
    T, recipe = target(3, "factored"), Recipe(tol=0.3, delta0=0.2)
    steps = int(descend(T, M, seed=0, recipe=recipe).steps)
    assert steps < recipe.steps
    for epochs in (1, 2):
        short = replace(recipe, epochs=epochs, steps=steps)
        for end in ends(T, seed=0, recipe=short):
            assert end.steps == [steps] and end.reason == [REACHED] and end.redraws == [0]


def test_float32():
    """Single precision goes in and comes back; between, the loops compute in double."""
    T = target(3, "factored").moved(np, dtype=np.float32)
    run = descend(T, M, seed=0, runs=RUNS, compiled=True)
    assert run.factors.dtype == np.float32 and np.all(run.reason == REACHED)


def test_decompose():
    """The same components as by arrays."""
    T = targets.random(9, 3, 3, seed=0)
    for given in (T, to_dense(T)):
        loops, arrays = (td.decompose(given, 9, seed=0, compiled=x) for x in (True, False))
        assert loops.rank == 3 and loops.error < 1e-12 and loops.steps == arrays.steps
        assert_allclose(loops.factors, arrays.factors, atol=1e-10)


COMPLAINTS = {
    "model='plain', lam=0.0": {"recipe": replace(BASE, model="plain")},
    "model='differentiated'": {"recipe": replace(BASE, model="differentiated")},
    "model='homogeneous', lam=0.5": {"recipe": replace(BASE, lam=0.5)},
}


@pytest.mark.parametrize("words", COMPLAINTS)
def test_complaints(words):
    """A history, another model and decay are for steps by arrays only."""
    with pytest.raises(ValueError, match=f"compiled=True .*{words}"):
        descend(target(3, "factored"), M, seed=0, compiled=True, **COMPLAINTS[words])


def test_other_arrays_and_no_numba(monkeypatch):
    """Other array libraries and a missing numba are named."""
    T = target(3, "factored")
    with pytest.raises(TypeError, match="compiled=True needs numpy arrays, got Array"):
        descend(T.moved(array_api_strict), M, seed=0, compiled=True)
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "td.fast")
    with pytest.raises(ImportError, match=r"compiled=True needs numba \(pip install .*\[fast\]"):
        descend(T, M, seed=0, compiled=True)


@pytest.mark.slow
def test_an_interrupt_is_one():
    """Ctrl-C during the compiled steps ends as KeyboardInterrupt, and what follows runs."""
    T, recipe = targets.random(20, 4, 3, seed=0), Recipe(tol=1e-7, epochs=30)
    options = {"seed": 0, "runs": 300, "recipe": recipe, "compiled": True}
    descend(T, 8, seed=0, compiled=True)
    for delay in (0.3, 0.4, 0.5):
        timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            descend(T, 30, **options)
            timer.join()
    assert descend(T, 8, seed=0, compiled=True).reason == REACHED
