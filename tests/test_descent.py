"""The algorithm: its step, its step rule, Theorem E, why runs stop, and that they succeed."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose

from td import targets
from td.descent import (
    BASE,
    DIVERGED,
    REACHED,
    SPENT,
    Recipe,
    descend,
    fresh,
    observe,
    redraw,
    step,
    step_sizes,
    trajectory,
)
from td.objective import gradient, homogeneous
from td.tensor import SymmetricTensor, distance, to_dense

MODELS = ("homogeneous", "differentiated", "plain")
models = pytest.mark.parametrize("model", MODELS)
orders = pytest.mark.parametrize("l", [2, 3, 4, 5])
rules = pytest.mark.parametrize("small", [0.0, 0.03], ids=["shared", "two-step"])


def target(l=3, d=5, r=2, **options):
    """An orthogonal target of norm 1."""
    T = targets.orthogonal(d, r, l, seed=l, **options)
    return T.scaled(1 / T.norm)


def midway(T, n=3, m=6, seed=0):
    """Runs whose components have norms from 1e-3 to 1, on both sides of every threshold."""
    U, a = fresh(np.random.default_rng(seed).spawn(n), T.dim, m, replace(BASE, delta0=1.0))
    return U * np.geomspace(1e-3, 1, m), a


@orders
@models
def test_observe(l, model):
    """A run's weights, field and error are those of the dense tensor that the model stands for."""
    T, recipe = target(l).scaled(3.0), Recipe(model=model)
    U, a = midway(T)
    now, p, A = observe(U, a, T, recipe), l if model == "plain" else 2, to_dense(T)
    assert now.factors is U and now.signs is a and recipe.degree(l) == p
    for k in range(3):
        norms = np.linalg.norm(U[k], axis=0)
        unit, w = U[k] / norms, a[k] * norms**p
        assert_allclose(now.norms[k], norms, rtol=1e-12)
        assert_allclose(now.directions[k], unit, rtol=1e-12)
        assert_allclose(now.gram[k], unit.T @ unit, atol=1e-13)
        assert_allclose(now.weights[k], w, rtol=1e-12)
        field = reference.contract(reference.dense(w, unit, l) - A, unit)
        assert_allclose(now.field[k], field, atol=1e-12)
        assert_allclose(now.error[k], np.sqrt(2 * reference.loss(w, unit, A)) / T.norm, rtol=1e-10)


@orders
@models
@pytest.mark.parametrize("lam", [0.0, 0.1])
def test_step_goes_down_the_gradient(l, model, lam):
    """Each component moves by its step times minus the gradient, with 2 lam u_i added."""
    T, recipe = target(l), Recipe(model=model, lam=lam)
    U, a = midway(T)
    now, c = observe(U, a, T, recipe), "differentiated" if model == "differentiated" else "constant"
    if model == "plain":
        g = gradient(SymmetricTensor(a, U, l), T)
    else:
        g = gradient(homogeneous(a, U, l), T, c=c)
    eta = step_sizes(now, l, recipe)[:, None, :] / l
    assert_allclose(step(now, l, recipe), U - eta * (g + 2 * lam * U), rtol=0, atol=1e-13)


@orders
@rules
@models
def test_step_rule(l, small, model):
    """One step for all, or one for the small and a shorter or equal one for the large."""
    T, recipe = target(l), Recipe(small=small, model=model)
    now = observe(*midway(T), T, recipe)
    is_small = now.norms <= small
    for s, little in zip(step_sizes(now, l, recipe), is_small, strict=True):
        assert np.all(s > 0) and len(set(s[little])) <= 1 and len(set(s[~little])) == 1
        assert np.any(little) == (small > 0) and (small == 0 or s[little][0] >= s[~little][0])


def test_large_components_wait_for_the_small():
    """Where a large component could move faster than a small one, both take the small step."""
    T = SymmetricTensor(np.ones(2), np.eye(2), 3)
    U = np.array([[[1.0, 0.0], [0.0, 0.01]]])  # one component is where it belongs, one has to grow
    recipe = Recipe(damp=1e6)
    now = observe(U, np.ones((1, 2)), T, recipe)
    assert_allclose(step_sizes(now, 3, recipe), recipe.turn, rtol=1e-3)


@orders
@rules
@models
@pytest.mark.parametrize("turn, damp", [(0.2, 1.0), (1e-3, 1.0), (0.2, 1e-3)])
def test_step_bounds(l, small, model, turn, damp):
    """No direction turns by more than ``turn``, and η‖B‖ is at most ``damp`` for each class."""
    T, recipe = target(l), Recipe(small=small, model=model, turn=turn, damp=damp)
    now, p = observe(*midway(T), T, recipe), recipe.degree(l)
    s = step_sizes(now, l, recipe)
    speed = s * now.norms ** (p - 2) * np.linalg.norm(now.field, axis=-2)
    assert np.max(speed) <= turn * (1 + 1e-12)
    for k in range(3):
        for chosen in filter(np.any, (now.norms[k] <= small, now.norms[k] > small)):
            load = now.norms[k, chosen] ** (p - 1)
            U = now.directions[k][:, chosen]
            B = l * load[:, None] * (U.T @ U) ** (l - 1) * load
            assert np.linalg.norm(s[k, chosen] / l * B, 2) <= damp * (1 + 1e-12)


def test_steps_are_as_long_as_the_rule_allows():
    """The largest speed or curvature of each class meets its limit."""
    T = target(3)
    for recipe in (Recipe(turn=1e-4, small=0.0), Recipe(damp=1e-4, small=0.0)):
        now = observe(*midway(T), T, recipe)
        s, G = step_sizes(now, 3, recipe), np.abs(now.gram)
        speed = np.max(s * np.linalg.norm(now.field, axis=-2), axis=-1)
        pull = np.max(s * 3 * (G @ (now.norms**2)[..., None])[..., 0], axis=-1)
        assert_allclose(np.maximum(speed / recipe.turn, pull / recipe.damp), 1, rtol=1e-12)


def orthogonal_values(model, l):
    """Singular values, step by step, of the part of U orthogonal to the target's span."""
    T = target(l, d=6, r=2)
    recipe = Recipe(small=0.0, reinit=0.0, delta0=0.1, epochs=1, steps=150, model=model)
    P = np.eye(6) - T.factors @ T.factors.T
    stages = trajectory(T, 4, seed=l, runs=2, recipe=recipe)
    factors = [P @ stage.now.factors for stage in stages if len(stage.runs) == 2]
    return np.linalg.svd(np.stack(factors), compute_uv=False)


@pytest.mark.parametrize("l", [3, 4, 5])
def test_the_orthogonal_part_never_grows(l):
    """Theorem E: with the shared step no singular value off the target's span increases."""
    values = orthogonal_values("homogeneous", l)
    assert len(values) > 40 and np.all(np.diff(values, axis=0) <= 1e-13)
    assert np.all(values[-1, :, 0] < values[0, :, 0])


@pytest.mark.parametrize("l", [3, 4, 5])
def test_the_true_gradient_lets_the_orthogonal_part_grow(l):
    """Theorem E's falsification: differentiating c_i as well breaks it."""
    assert np.max(np.diff(orthogonal_values("differentiated", l), axis=0)) > 1e-6


@orders
@models
def test_short_steps_descend(l, model):
    """With small turns and much damping the error never rises, and falls."""
    recipe = Recipe(turn=0.02, damp=0.1, epochs=1, steps=200, delta0=0.3, model=model)
    (error,) = (x["error"] for x in reference.histories(target(l), 6, seed=0, recipe=recipe))
    assert np.all(np.diff(error) <= 1e-12) and error[-1] < 0.9 * error[0]


CASES = {
    "orthogonal": lambda l: targets.orthogonal(8, 3, l, seed=1),
    "mixed signs": lambda l: targets.orthogonal(8, 3, l, seed=1, signs="mixed"),
    "random": lambda l: targets.random(8, 3, l, seed=1, signs="mixed"),
    "correlated": lambda l: targets.correlated(8, 3, l, seed=1, cosine=0.5, signs="mixed"),
    "batch": lambda l: targets.orthogonal(8, 3, l, seed=1, signs="mixed", batch=(8,)),
    "dense": lambda l: targets.orthogonal(8, 3, l, seed=1, signs="mixed").coordinates(),
}


@orders
@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_all_of_eight_runs_succeed(l, make):
    """With 5r components all of 8 runs reach 3 % error, and their tensor really has it."""
    T = make(l).scaled(7.0)
    result = descend(T, 15, seed=0, runs=8, recipe=Recipe(tol=0.03))
    assert np.all(result.reason == REACHED) and np.all(result.error <= 0.03)
    assert_allclose(np.linalg.norm(result.factors, axis=-2), 1, rtol=1e-13)
    model = SymmetricTensor(result.weights, result.factors, l)
    assert_allclose(distance(model, T) / T.norm, result.error, rtol=1e-9)


FIELDS = ("weights", "factors", "error", "steps", "redraws", "reason")


@models
def test_runs_do_not_depend_on_their_company(model):
    """Run k of 6 is run k alone, bit for bit, though others leave the batch before it."""
    T, options = target(3), {"recipe": Recipe(epochs=4, steps=60, model=model, tol=0.05)}
    together = descend(T, 8, seed=5, runs=6, **options)
    tapes = reference.histories(T, 8, seed=5, runs=6, **options)
    assert len(set(together.steps)) > 1 or model != "homogeneous"
    for k in range(6):
        seed = np.random.SeedSequence(5, n_children_spawned=k)
        alone = descend(T, 8, seed=seed, **options)
        (tape,) = reference.histories(
            T, 8, seed=np.random.SeedSequence(5, n_children_spawned=k), **options
        )
        for name in FIELDS:
            assert np.array_equal(getattr(together, name)[k], getattr(alone, name))
        assert all(np.array_equal(tapes[k][name], tape[name]) for name in tape)


def test_a_batch_of_targets_is_its_targets_one_by_one():
    """Run k on the k-th of a batch of targets is run k on that target alone."""
    batch = targets.random(5, 2, 3, seed=1, batch=(3,))
    together = descend(batch, 8, seed=0, runs=3)
    for k in range(3):
        alone = descend(reference.member(batch, k), 8, seed=0, runs=3)
        for name in FIELDS:
            assert np.array_equal(getattr(together, name)[k], getattr(alone, name)[k])


def test_trajectory_takes_what_descend_takes():
    """The same arguments with the same defaults."""
    ours, theirs = (inspect.signature(f).parameters for f in (trajectory, descend))
    assert list(ours.items()) == list(theirs.items())


@pytest.mark.parametrize("compiled", [False, True])
def test_descend_returns_the_ends_of_the_trajectory(compiled):
    """Every run is there until it stops; what it stops with is its result, in units of T*."""
    T, left = target(3).scaled(5.0), 6
    options = {"seed": 5, "runs": 6, "recipe": Recipe(epochs=4, steps=60, tol=0.05), "dim": 9}
    result, stages = (f(T, 8, compiled=compiled, **options) for f in (descend, trajectory))
    for t, stage in enumerate(stages):
        ended = stage.reason != ""
        assert len(stage.runs) == len(stage.now.error) == left
        assert np.all(stage.steps[~ended] == (60 * (t + 1) if compiled else t))
        own = stage.now.weights * T.norm, stage.now.directions, stage.now.error
        own = [x[ended] for x in (*own, stage.steps, stage.redraws, stage.reason)]
        for name, found in zip(FIELDS, own, strict=True):
            assert np.array_equal(getattr(result, name)[stage.runs[ended]], found)
        left -= np.sum(ended)
    assert left == 0 and len(set(result.steps.tolist())) > 1


def test_seeds():
    """An integer and a Generator made from it start the same runs; another seed others."""
    T = target(3)
    first, again, other = (
        descend(T, 6, seed=seed, runs=2).factors for seed in (1, np.random.default_rng(1), 2)
    )
    assert np.array_equal(first, again)
    assert not np.allclose(first, other) and not np.allclose(first[0], first[1])


REASONS = {
    REACHED: Recipe(tol=0.3, delta0=0.2),
    SPENT: Recipe(tol=0.01, delta0=0.2, epochs=2, steps=3),
    DIVERGED: Recipe(tol=0.01, delta0=0.2, turn=1e3, damp=1e3),
}


@pytest.mark.parametrize("reason", REASONS)
@models
def test_reasons(reason, model):
    """Runs stop for each of the three reasons, and all that they return is finite."""
    T = target(3).scaled(5.0)
    recipe = replace(REASONS[reason], model=model)
    result = descend(T, 12, seed=0, runs=3, recipe=recipe)
    tape = reference.histories(T, 12, seed=0, runs=3, recipe=recipe)[0]
    assert np.all(result.reason == reason)
    assert np.all((result.error <= recipe.tol) == (reason == REACHED))
    assert np.all(result.steps == 6) or reason != SPENT
    for x in (result.weights, result.factors, result.error, *tape.values()):
        assert np.all(np.isfinite(x))
    before, last = tape["error"][-2:]
    assert (before == last) == (reason == DIVERGED)  # shown as it was when last it was well
    model = SymmetricTensor(result.weights, result.factors, 3)
    assert_allclose(distance(model, T) / T.norm, result.error, rtol=1e-6)


def test_single_run_has_no_run_axis():
    """Without ``runs`` the results are those of one run, without a leading axis."""
    one, many = descend(target(3), 6, seed=1), descend(target(3), 6, seed=1, runs=1)
    assert one.weights.shape == (6,) and one.factors.shape == (5, 6) and one.error.shape == ()
    assert many.weights.shape == (1, 6) and many.steps.shape == (1,)


def test_start():
    """A start given is where the runs begin, signs and all, in units of ‖T*‖."""
    T, rng = target(3).scaled(4.0), np.random.default_rng(0)
    U, a = rng.standard_normal((2, 5, 3)), np.array([[1.0, 1, -1], [-1, 1, 1]])
    recipe = Recipe(epochs=1, steps=1, turn=1e-9)
    options = {"seed": 0, "runs": 2, "recipe": recipe, "start": (U, a)}
    run, tapes = descend(T, 3, **options), reference.histories(T, 3, **options)
    assert_allclose(tapes[1]["norms"][0], np.linalg.norm(U[1], axis=0), rtol=1e-12)
    assert_allclose(run.weights, 4 * a * np.sum(U * U, axis=1), rtol=1e-6)
    assert_allclose(run.factors, U / np.linalg.norm(U, axis=1, keepdims=True), rtol=1e-6)


FORMS = {
    "factored": lambda T: T,
    "coordinates": lambda T: T.coordinates(),
    "samples": lambda T: SymmetricTensor(
        np.repeat(T.weights, 501) / 501, np.repeat(T.factors, 501, axis=1), T.order
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_trajectory(form):
    """A trajectory has one stage per step, ends where the run ended and counts from its start."""
    T = FORMS[form](target(3))
    result = descend(T.scaled(9.0), 6, seed=0, runs=2)
    for k, tape in enumerate(reference.histories(T.scaled(9.0), 6, seed=0, runs=2)):
        n = int(result.steps[k]) + 1
        shapes = {"error": (n,), "norms": (n, 6), "directions": (n, 5, 6)}
        assert {name: x.shape for name, x in tape.items()} == shapes
        assert tape["error"][-1] == result.error[k]
        assert_allclose(tape["norms"][0], BASE.delta0, rtol=1e-12)
        assert_allclose(tape["norms"][-1] ** 2 * 9, np.abs(result.weights[k]), rtol=1e-12)


def test_fresh():
    """Fresh components have norm delta0, uniform directions and balanced or positive signs."""
    rng = np.random.default_rng(0)
    U, a = fresh(rng.spawn(500), 3, 4, BASE)
    assert_allclose(np.linalg.norm(U, axis=1), BASE.delta0, rtol=1e-13)
    assert np.max(np.abs((U / BASE.delta0).mean(axis=(0, 2)))) < 4 * np.sqrt(1 / 3 / 2000)
    assert set(np.unique(a)) == {-1.0, 1.0} and abs(a.mean()) < 4 / np.sqrt(2000)
    assert np.all(fresh(rng.spawn(5), 3, 4, Recipe(signs="positive"))[1] == 1)


def test_redraw():
    """Just the components that are to be redrawn are, at delta0."""
    U, a = midway(target(3), m=7)
    kept = np.random.default_rng(0).random((3, 7)) < 0.5
    now = observe(U, a, target(3), BASE)
    V, b = redraw(now, ~kept, np.random.default_rng(1).spawn(3), BASE)
    assert np.array_equal(np.all(V == U, axis=-2), kept) and np.all(b[kept] == a[kept])
    assert_allclose(np.linalg.norm(V, axis=-2)[~kept], BASE.delta0, rtol=1e-12)


@models
def test_positive_signs_stay_positive(model):
    """With signs="positive" every weight stays positive, through redraws as well."""
    T, recipe = target(3, signs="mixed"), Recipe(epochs=3, steps=40, signs="positive", model=model)
    result = descend(T, 6, seed=0, runs=3, recipe=recipe)
    assert np.all(result.weights > 0) and np.any(result.redraws > 0)
    both = descend(T, 6, seed=0, runs=3, recipe=replace(recipe, signs="random"))
    assert np.any(both.weights < 0)


def test_lam_biases_the_weights():
    """With lam the loss stalls at a_i E(ū_i^l) = -2 lam / l for each component that is left."""
    lam, T = 0.05, target(4)
    recipe = Recipe(lam=lam, tol=1e-6, reinit=0.0, delta0=0.3, epochs=1, steps=1000)
    *_, (_, _, now, _, reason) = trajectory(T, 8, seed=0, runs=2, recipe=recipe)
    large = now.norms > 1e-3
    pull = (now.signs * np.vecdot(now.directions, now.field, axis=-2))[large]
    assert np.all(large.any(axis=1)) and np.all(reason == SPENT)
    assert_allclose(pull, -2 * lam / 4, rtol=1e-3)  # in 1,000 steps, from any seed


def test_a_component_that_underflows_is_absent():
    """With lam a useless component shrinks to norm 0 exactly; the run goes on without it."""
    recipe = Recipe(lam=0.05, reinit=0.0, stall=0.0, epochs=1, steps=1500, tol=1e-6, delta0=0.3)
    for seed in range(6):
        T = targets.random(8, 3, 4, seed=seed)
        end = descend(T, 8, seed=seed, recipe=recipe)
        assert end.reason == SPENT and np.all(np.isfinite(end.factors)) and end.error < 0.9
    U = np.stack([np.eye(3)[:, 0], 0 * np.eye(3)[:, 1]], axis=1)[None]
    for compiled in (False, True):
        run = descend(
            targets.orthogonal(3, 2, 3, seed=0),
            2,
            seed=0,
            runs=1,
            compiled=compiled,
            start=(0.5 * U, np.ones((1, 2))),
            recipe=Recipe(epochs=2),
        )
        assert np.all(np.isfinite(run.factors)) and run.error < 0.9


def test_tolerance_below_rounding_is_refused():
    """A tolerance that the Gram form cannot resolve is an error, and depends on the dtype."""
    T = target(3)
    with pytest.raises(ValueError, match=r"tol must be at least 6.0e-08 for float64"):
        descend(T, 4, seed=0, recipe=Recipe(tol=1e-8))
    assert descend(T, 4, seed=0, recipe=Recipe(tol=2.0**-24, steps=1, epochs=1)).steps == 1
    with pytest.raises(ValueError, match=r"tol must be at least 1.4e-03 for float32"):
        descend(T.moved(np, dtype=np.float32), 4, seed=0, recipe=Recipe(tol=1e-3))
