"""The algorithm: its step, its step rule, Theorem E, why runs stop, and that they succeed."""

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
    State,
    descend,
    fresh,
    observe,
    reinitialise,
    snapshot,
    step,
    step_sizes,
    trajectory,
)
from td.objective import homogeneous_gradient, plain_gradient
from td.symmetric import SymmetricTensor, distance, to_dense

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
    rng = np.random.default_rng(seed)
    U, a = fresh(rng.spawn(n), T.dim, m, replace(BASE, delta0=1.0))
    return State(U * np.geomspace(1e-3, 1, m), a, np.zeros(n, dtype=int))


def gradient(state, T, model):
    """The loss's gradient in the factors, by the objective."""
    if model == "plain":
        return plain_gradient(state.signs, state.factors, T)[1]
    c = "differentiated" if model == "differentiated" else "constant"
    return homogeneous_gradient(state.signs, state.factors, T, c=c)


@orders
@models
def test_view(l, model):
    """A state's weights and error are those of the dense tensor that the model stands for."""
    T, recipe = target(l).scaled(3.0), Recipe(model=model)
    state = midway(T)
    view, p = observe(state, T, recipe), l if model == "plain" else 2
    assert recipe.degree(l) == p
    assert_allclose(view.norms * view.directions[:, 0], state.factors[:, 0], rtol=1e-13)
    for k in range(3):
        unit = state.factors[k] / np.linalg.norm(state.factors[k], axis=0)
        w = state.signs[k] * np.linalg.norm(state.factors[k], axis=0) ** p
        assert_allclose(view.weights[k], w, rtol=1e-12)
        error = np.sqrt(2 * reference.loss(w, unit, to_dense(T))) / T.norm
        assert_allclose(view.error[k], error, rtol=1e-10)


@orders
@models
@pytest.mark.parametrize("lam", [0.0, 0.1])
def test_step_goes_down_the_gradient(l, model, lam):
    """Each component moves by its step times minus the gradient, with 2 lam u_i added."""
    T, recipe = target(l), Recipe(model=model, lam=lam)
    state = midway(T)
    view = observe(state, T, recipe)
    eta = step_sizes(view, l, recipe)[:, None, :] / l
    expected = state.factors - eta * (gradient(state, T, model) + 2 * lam * state.factors)
    after = step(state, view, l, recipe)
    assert_allclose(after.factors, expected, rtol=0, atol=1e-13)
    assert after.signs is state.signs and after.redraws is state.redraws


@orders
@rules
@models
def test_step_rule(l, small, model):
    """One step for all, or one for the small and a shorter or equal one for the large."""
    T, recipe = target(l), Recipe(small=small, model=model)
    view = observe(midway(T), T, recipe)
    is_small = view.norms <= small
    for s, little in zip(step_sizes(view, l, recipe), is_small, strict=True):
        assert np.all(s > 0) and len(set(s[little])) <= 1 and len(set(s[~little])) == 1
        assert np.any(little) == (small > 0) and (small == 0 or s[little][0] >= s[~little][0])


def test_large_components_wait_for_the_small():
    """Where a large component could move faster than a small one, both take the small step."""
    T = SymmetricTensor(np.ones(2), np.eye(2), 3)
    U = np.array([[[1.0, 0.0], [0.0, 0.01]]])  # one component is where it belongs, one has to grow
    recipe = Recipe(damp=1e6)
    view = observe(State(U, np.ones((1, 2)), np.zeros(1, dtype=int)), T, recipe)
    assert_allclose(step_sizes(view, 3, recipe), recipe.turn, rtol=1e-3)


@orders
@rules
@models
@pytest.mark.parametrize("turn, damp", [(0.2, 1.0), (1e-3, 1.0), (0.2, 1e-3)])
def test_step_bounds(l, small, model, turn, damp):
    """No direction turns by more than ``turn``, and η‖B‖ is at most ``damp`` for each class."""
    T, recipe = target(l), Recipe(small=small, model=model, turn=turn, damp=damp)
    view, p = observe(midway(T), T, recipe), recipe.degree(l)
    s = step_sizes(view, l, recipe)
    speed = s * view.norms ** (p - 2) * np.linalg.norm(view.residual.field, axis=-2)
    assert np.max(speed) <= turn * (1 + 1e-12)
    for k in range(3):
        for chosen in filter(np.any, (view.norms[k] <= small, view.norms[k] > small)):
            load = view.norms[k, chosen] ** (p - 1)
            U = view.directions[k][:, chosen]
            B = l * load[:, None] * (U.T @ U) ** (l - 1) * load
            assert np.linalg.norm(s[k, chosen] / l * B, 2) <= damp * (1 + 1e-12)


def test_steps_are_as_long_as_the_rule_allows():
    """The largest speed or curvature of each class meets its limit."""
    T = target(3)
    for recipe in (Recipe(turn=1e-4, small=0.0), Recipe(damp=1e-4, small=0.0)):
        view = observe(midway(T), T, recipe)
        s, G = step_sizes(view, 3, recipe), np.abs(view.residual.gram)
        speed = np.max(s * np.linalg.norm(view.residual.field, axis=-2), axis=-1)
        pull = np.max(s * 3 * (G @ (view.norms**2)[..., None])[..., 0], axis=-1)
        assert_allclose(np.maximum(speed / recipe.turn, pull / recipe.damp), 1, rtol=1e-12)


def orthogonal_values(model, l):
    """Singular values, step by step, of the part of U orthogonal to the target's span."""
    T = target(l, d=6, r=2)
    recipe = Recipe(small=0.0, reinit=0.0, delta0=0.1, epochs=1, steps=150, model=model)
    P = np.eye(6) - T.factors @ T.factors.T
    rng = np.random.default_rng(l).spawn(2)
    moments = [now for now in trajectory(T, 4, rng, recipe) if len(now.runs) == 2]
    return np.stack([np.linalg.svd(P @ now.state.factors, compute_uv=False) for now in moments])


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
    run = descend(target(l), 6, seed=0, recipe=recipe, record=True)
    error = run.history[0]["error"]
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


@models
def test_runs_do_not_depend_on_their_company(model):
    """Run k of 1 is run k of 6, also when others leave the batch before it."""
    T, recipe = target(3), Recipe(epochs=4, steps=60, model=model, tol=0.05)
    many, few = (descend(T, 8, seed=5, runs=runs, recipe=recipe, record=True) for runs in (6, 2))
    alone = descend(T, 8, seed=5, recipe=recipe, record=True)
    assert len(set(many.steps)) > 1 or model != "homogeneous"
    for name in ("weights", "factors", "error", "steps", "redraws", "reason"):
        expected = getattr(many, name)
        same = np.array_equal if name in ("steps", "redraws", "reason") else np.allclose
        assert same(getattr(few, name), expected[:2]) and same(getattr(alone, name), expected[0])
    assert_allclose(alone.history[0]["error"], many.history[0]["error"], rtol=1e-9)


def test_a_batch_of_targets_is_its_targets_one_by_one():
    """Run k on the k-th of a batch of targets is run k on that target alone."""
    batch = targets.random(5, 2, 3, seed=1, batch=(3,))
    together = descend(batch, 8, seed=0, runs=3)
    for k in range(3):
        alone = descend(reference.member(batch, k), 8, seed=0, runs=3)
        assert together.steps[k] == alone.steps[k]
        assert_allclose(together.weights[k], alone.weights[k], rtol=1e-9)


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
    result = descend(T, 12, seed=0, runs=3, recipe=recipe, record=True)
    assert np.all(result.reason == reason)
    assert np.all((result.error <= recipe.tol) == (reason == REACHED))
    assert np.all(result.steps == 6) or reason != SPENT
    for x in (result.weights, result.factors, result.error, *result.history[0].values()):
        assert np.all(np.isfinite(x))
    model = SymmetricTensor(result.weights, result.factors, 3)
    assert_allclose(distance(model, T) / T.norm, result.error, rtol=1e-6)


def test_single_run_has_no_run_axis():
    """Without ``runs`` the results are those of one run, without a leading axis."""
    one, many = descend(target(3), 6, seed=1), descend(target(3), 6, seed=1, runs=1)
    assert one.weights.shape == (6,) and one.factors.shape == (5, 6) and one.error.shape == ()
    assert many.weights.shape == (1, 6) and many.steps.shape == (1,) and many.history == []


def test_start():
    """A start given is where the runs begin, signs and all, in units of ‖T*‖."""
    T, rng = target(3).scaled(4.0), np.random.default_rng(0)
    U, a = rng.standard_normal((2, 5, 3)), np.array([[1.0, 1, -1], [-1, 1, 1]])
    recipe = Recipe(epochs=1, steps=1, turn=1e-9)
    run = descend(T, 3, seed=0, runs=2, recipe=recipe, record=True, start=(U, a))
    assert_allclose(run.history[1]["norms"][0], np.linalg.norm(U[1], axis=0), rtol=1e-12)
    assert_allclose(run.weights, 4 * a * np.sum(U * U, axis=1), rtol=1e-6)
    assert_allclose(run.factors, U / np.linalg.norm(U, axis=1, keepdims=True), rtol=1e-6)
    for bad in [(U[:1], a), (U, a[:, :2]), (U * np.nan, a)]:
        with pytest.raises(ValueError, match="start"):
            descend(T, 3, seed=0, runs=2, recipe=recipe, start=bad)


@pytest.mark.parametrize("form", ["factored", "dense"])
def test_history(form):
    """The history has one entry per step, ends where the run ended and counts from its start."""
    T = target(3) if form == "factored" else target(3).coordinates()
    result = descend(T.scaled(9.0), 6, seed=0, runs=2, record=True)
    for k, tape in enumerate(result.history):
        n = int(result.steps[k]) + 1
        shapes = {"error": (n,), "norms": (n, 6), "alignment": (n, 2, 6)}
        assert {name: x.shape for name, x in tape.items()} == {
            name: shape for name, shape in shapes.items() if name in tape
        }
        assert ("alignment" in tape) == (form == "factored")
        assert tape["error"][-1] == result.error[k]
        assert_allclose(tape["norms"][0], BASE.delta0, rtol=1e-12)
        assert_allclose(tape["norms"][-1] ** 2 * 9, np.abs(result.weights[k]), rtol=1e-12)


def test_alignment():
    """Alignment is the cosine between every true component and every component found."""
    T = targets.random(5, 2, 3, seed=0).scaled(2.0)
    T = SymmetricTensor(T.weights, T.factors * 3, 3)  # longer factors, the same directions
    state = midway(T)
    seen = snapshot(observe(state, T, BASE), T)["alignment"]
    truth, found = T.factors[:, 1] / 3, state.factors[2, :, 4]
    assert_allclose(seen[2, 1, 4], truth @ found / np.linalg.norm(found), rtol=1e-12)


def test_fresh():
    """Fresh components have norm delta0, uniform directions and balanced or positive signs."""
    rng = np.random.default_rng(0)
    U, a = fresh(rng.spawn(500), 3, 4, BASE)
    assert_allclose(np.linalg.norm(U, axis=1), BASE.delta0, rtol=1e-13)
    assert np.max(np.abs((U / BASE.delta0).mean(axis=(0, 2)))) < 4 * np.sqrt(1 / 3 / 2000)
    assert set(np.unique(a)) == {-1.0, 1.0} and abs(a.mean()) < 4 / np.sqrt(2000)
    assert np.all(fresh(rng.spawn(5), 3, 4, Recipe(signs="positive"))[1] == 1)


def test_reinitialise():
    """Just the components below the threshold are redrawn, at delta0, and counted."""
    T = target(3)
    state = midway(T, m=7)
    kept = np.linalg.norm(state.factors, axis=-2) >= BASE.reinit
    after = reinitialise(state, np.random.default_rng(1).spawn(3), BASE)
    norms = np.linalg.norm(after.factors, axis=-2)
    assert 0 < kept.sum() < kept.size and np.array_equal(after.redraws, (~kept).sum(axis=1))
    assert np.all(np.all(after.factors == state.factors, axis=-2) == kept)
    assert np.all(after.signs[kept] == state.signs[kept])
    assert_allclose(norms[~kept], BASE.delta0, rtol=1e-12)
    again = reinitialise(after, np.random.default_rng(2).spawn(3), BASE)
    assert np.array_equal(again.redraws, 2 * after.redraws)


def test_epochs_redraw():
    """Components are redrawn at the start of every epoch but the first, and never for reinit=0."""
    T, recipe = target(3), Recipe(epochs=3, steps=2, delta0=1e-6)
    assert descend(T, 4, seed=0, recipe=recipe).redraws == 2 * 4
    assert descend(T, 4, seed=0, recipe=replace(recipe, reinit=0.0)).redraws == 0
    assert descend(T, 4, seed=0, recipe=replace(recipe, epochs=1)).redraws == 0


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
    recipe = Recipe(lam=lam, tol=1e-6, reinit=0.0, delta0=0.3, epochs=1, steps=1500)
    *_, last = trajectory(T, 8, np.random.default_rng(0).spawn(2), recipe)
    large = last.view.norms > 1e-3
    pull = (last.state.signs * last.view.along)[large]
    assert np.all(large.any(axis=1)) and np.all(last.reason == SPENT)
    assert_allclose(pull, -2 * lam / 4, rtol=1e-6)


def test_tolerance_below_rounding_is_refused():
    """A tolerance that the Gram form cannot resolve is an error, and depends on the dtype."""
    T = target(3)
    with pytest.raises(ValueError, match=r"tol must be at least 6.0e-08 for float64"):
        descend(T, 4, seed=0, recipe=Recipe(tol=1e-8))
    assert descend(T, 4, seed=0, recipe=Recipe(tol=2.0**-24, steps=1, epochs=1)).steps == 1
    with pytest.raises(ValueError, match=r"tol must be at least 1.4e-03 for float32"):
        descend(targets.to(T, np, dtype=np.float32), 4, seed=0, recipe=Recipe(tol=1e-3))
