"""Compiled steps against those by arrays: the same numbers, endings and complaints."""

import sys
from dataclasses import replace

import array_api_strict
import numpy as np
import pytest
from numpy.testing import assert_allclose

import td
from td import compiled, targets
from td.backend import generator
from td.descent import (
    BASE,
    DIVERGED,
    REACHED,
    SPENT,
    Recipe,
    State,
    descend,
    fresh,
    leaps,
    observe,
    step,
    trajectory,
)
from td.symmetric import SymmetricTensor, to_dense

RUNS, M = 6, 12
RECIPES = {
    "two steps": BASE,
    "one step": replace(BASE, small=0.0),
    "decay": replace(BASE, lam=0.3),
    "true gradient": replace(BASE, model="differentiated", lam=0.1),
    "plain": replace(BASE, model="plain"),
}


def target(l, kind):
    """One of norm 1, or one for each run, in R^4."""
    T = targets.random(4, 3, l, seed=l, signs="mixed")
    if "batch" in kind:
        scale = 1 + np.arange(RUNS)[:, None] / 10
        U = T.factors + np.arange(RUNS)[:, None, None] / 10
        T = SymmetricTensor(T.weights * scale, U, l)
    T = T.scaled(1 / T.norm)
    return T.coordinates() if "coordinates" in kind else T


def midway(T, recipe, rows):
    """Small and large components in every run; rows > 4 are coordinates that T* lacks."""
    U, a = fresh(generator(0).spawn(RUNS), rows, M, recipe)
    U[:, :, ::2] *= 500
    return State(U, a, np.zeros(RUNS, int))


@pytest.mark.parametrize("l", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["factored", "coordinates", "factored batch", "coordinates batch"])
@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("rows", [4, 9])
def test_a_step(l, kind, name, rows):
    """Three compiled steps are three steps by arrays, to rounding error, and so is the error."""
    T, recipe = target(l, kind), replace(RECIPES[name], steps=3, tol=1e-7)
    state = by_arrays = midway(T, recipe, rows)
    small = np.linalg.norm(state.factors, axis=1) <= recipe.small
    assert not recipe.small or (small.any() and not small.all())
    for _ in range(3):
        by_arrays = step(by_arrays, observe(by_arrays, T, recipe), l, recipe)
    after, steps, ends, errors = compiled.advance(T, state, recipe, last=True)
    assert steps.tolist() == [3] * RUNS and set(ends.tolist()) == {compiled.GOING}
    scale = np.abs(by_arrays.factors).max()
    assert_allclose(after.factors, by_arrays.factors, rtol=0, atol=1e-11 * scale)
    assert_allclose(errors, observe(by_arrays, T, recipe).error, rtol=1e-10)
    assert np.abs(after.factors - state.factors).max() > 1e-4 * scale


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
    T = target(l, "factored")
    many = descend(T, M, seed=0, runs=RUNS, compiled=True, dim=50)
    batch = SymmetricTensor(*(np.stack([x] * RUNS) for x in (T.weights, T.factors)), l)
    own = descend(batch, M, seed=0, runs=RUNS, compiled=True, dim=50)
    assert len(set(many.steps.tolist())) > 1
    assert np.array_equal(own.factors, many.factors)
    for k, rng in enumerate(generator(0).spawn(RUNS)):
        *_, alone = leaps(T.scaled(1 / T.norm), M, [rng], BASE, dim=50)
        assert np.array_equal(alone.view.directions[0], many.factors[k])


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
    T, U = target(3, "factored"), np.full((1, 4, M), 1e200)
    state = State(U, np.ones((1, M)), np.zeros(1, int))
    after, steps, ends, errors = compiled.advance(T, state, BASE, last=True)
    assert (steps[0], ends[0], errors[0]) == (0, compiled.LOST, np.inf)
    assert np.array_equal(after.factors, U)


def test_the_last_step_of_an_epoch():
    """What it reaches counts at the very end; before another epoch components are redrawn first."""
    T, recipe = target(3, "factored"), Recipe(tol=0.3, delta0=0.2, reinit=0.0)
    (steps,) = descend(T, M, seed=0, runs=1, recipe=recipe).steps.tolist()
    short, rng = replace(recipe, epochs=1, steps=steps), generator(0).spawn(1)
    start = next(trajectory(T, M, rng, short)).state
    ends = [compiled.advance(T, start, short, last=last)[2][0] for last in (False, True)]
    assert ends == [compiled.GOING, compiled.ENDED]
    for epochs in (1, 2):
        run = descend(T, M, seed=0, runs=1, recipe=replace(short, epochs=epochs), compiled=True)
        assert run.steps.tolist() == [steps] and run.reason.tolist() == [REACHED]


def test_float32():
    """Single precision goes in and comes back; between, the loops compute in double."""
    T = target(3, "factored")
    T = SymmetricTensor(*(x.astype(np.float32) for x in (T.weights, T.factors)), 3)
    run = descend(T, M, seed=0, runs=RUNS, compiled=True)
    assert run.factors.dtype == np.float32 and np.all(run.reason == REACHED)


def test_decompose():
    """The same components as by arrays, and no history."""
    T = targets.random(9, 3, 3, seed=0)
    for given in (T, to_dense(T)):
        loops, arrays = (td.decompose(given, 9, seed=0, compiled=x) for x in (True, False))
        assert loops.rank == 3 and loops.error < 1e-12 and loops.history == {}
        assert loops.steps == arrays.steps
        assert_allclose(loops.factors, arrays.factors, atol=1e-10)


def test_complaints(monkeypatch):
    """History, other array libraries and a missing numba are named."""
    T = target(3, "factored")
    with pytest.raises(ValueError, match="record"):
        descend(T, M, seed=0, compiled=True, record=True)
    strict = SymmetricTensor(*map(array_api_strict.asarray, (T.weights, T.factors)), 3)
    with pytest.raises(TypeError, match="compiled=True needs numpy arrays, got Array"):
        descend(strict, M, seed=0, compiled=True)
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "td.compiled")
    with pytest.raises(ImportError, match=r"compiled=True needs numba \(pip install .*\[fast\]"):
        descend(T, M, seed=0, compiled=True)
