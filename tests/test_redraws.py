"""Proposition 9 (notebook 02) and the rule built on it: which components are redrawn, and when."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from td import targets
from td.descent import BASE, REACHED, SPENT, Recipe, descend, observe, own_parts, replaceable
from td.tensor import SymmetricTensor, monomials, power, unit

NORM = replace(BASE, redraw="norm", stall=0.0)  # the old rule


def model(d, m, seed, *, gap=None):
    """Unit factors (d, m) and weights of both signs; the second half ``gap`` from the first."""
    rng = np.random.default_rng(seed)
    U = unit(rng.standard_normal((d, m)))
    if gap is not None:
        U[:, m // 2 :] = unit(U[:, : m - m // 2] + gap * rng.standard_normal((d, m - m // 2)))
    return rng.choice([-1.0, 1.0], size=m) * rng.uniform(0.1, 2, size=m), U


def state(w, U, l=3):
    """The run with these weights and unit factors, on a target that does not matter here."""
    T = SymmetricTensor(np.ones(1), np.eye(len(U))[:, :1], l)
    return observe((U * np.sqrt(np.abs(w)))[None], np.sign(w)[None], T, BASE)


@settings(max_examples=60, deadline=None)
@given(
    d=st.integers(2, 6),
    m=st.integers(2, 40),
    l=st.integers(2, 6),
    gap=st.sampled_from([None, 0.0, 1e-8, 1e-3]),
    seed=st.integers(0, 10**6),
)
def test_own_part_is_the_distance_from_the_others(d, m, l, gap, seed):
    """Least squares over the other powers, doubles and dependent ones included.

    The ridge ρ makes it exactly the least ‖p_i - Σ x_k p_k‖² + ρ (1 + ‖x‖²), in units of w_i²: it
    lies between the distance and this value at the minimum-norm x, or at x = 0.
    """
    w, U = model(d, m, seed, gap=gap)
    own = own_parts(state(w, U, l), l)[0] ** 2 / w**2
    powers = monomials(U, l)
    for i in range(m):
        rest = np.delete(powers, i, axis=1)
        x = np.linalg.lstsq(rest, powers[:, i])[0]
        least = np.sum((rest @ x - powers[:, i]) ** 2)
        most = min(least + 1e-10 * (1 + x @ x), 1 + 1e-10)
        assert least * (1 - 1e-4) - 1e-12 <= own[i] <= most * (1 + 1e-4)


@settings(max_examples=60, deadline=None)
@given(m=st.integers(2, 8), l=st.integers(3, 6), seed=st.integers(0, 10**6))
def test_proposition_9(m, l, seed):
    """At the best weights a removal adds the own part squared to ‖E‖²; the least flips no sign."""
    _, U = model(5, m, seed)
    powers = monomials(U, l)
    T = np.random.default_rng(seed).standard_normal(len(powers))
    w = np.linalg.lstsq(powers, T)[0]
    own, square = own_parts(state(w, U, l), l)[0], np.sum((powers @ w - T) ** 2)
    for i in range(m):
        rest, others = np.delete(powers, i, axis=1), np.delete(w, i)
        refit = np.linalg.lstsq(rest, T)[0]
        gained = np.sum((rest @ refit - T) ** 2) - square
        assert_allclose(own[i] ** 2, gained, rtol=1e-6, atol=1e-9 * (T @ T))
        if i == np.argmin(own):
            assert np.all(refit * others >= -1e-9 * np.abs(others).max())


# The table of decisions: weights, angles in the plane (degrees) and what is redrawn, by both rules.
TABLE = {
    "all of use": ([1, 1, 1], [0, 60, 120], "...", "..."),
    "a small norm": ([1, 0.009, 1], [0, 60, 120], ".x.", ".x."),
    "a double: the lighter goes": ([0.6, 0.4, 1], [0, 0, 90], ".x.", "..."),
    "an opposite double": ([0.4, 0.6, 1], [0, 180, 90], "x..", "..."),
    "a near double": ([0.5, 0.6, 1], [0, 0.3, 90], "x..", "..."),
    "three of a kind": ([0.3, 0.4, 0.5, 1], [0, 0, 0, 90], "xx..", "...."),
    "two pairs": ([0.6, 0.4, 0.3, 0.7], [0, 0, 90, 90], ".xx.", "...."),
    "double and small": ([0.6, 0.4, 0.009, 1], [0, 0, 60, 90], ".xx.", "..x."),
    "a twin too small to count": ([1, 0.009, 1], [0, 0, 90], ".x.", ".x."),
    "five in four dimensions": ([1, 0.8, 0.7, 0.3, 1], [0, 36, 72, 108, 144], "...x.", "....."),
    "between two, yet of use": ([0.9, 0.2, 0.9], [0, 45, 90], "...", "..."),
}


def redrawn(weights, angles, recipe, before=np.inf):
    """Which ones are: a string of x and dots."""
    radians = np.deg2rad(angles)
    now = state(np.array(weights, float), np.stack([np.cos(radians), np.sin(radians)]))
    gone = replaceable(now._replace(error=np.array([0.5])), np.array([before]), 3, recipe)
    return "".join(".x"[int(x)] for x in gone[0])


@pytest.mark.parametrize("weights, angles, own, norm", TABLE.values(), ids=TABLE)
def test_who_is_redrawn(weights, angles, own, norm):
    """Part (1), and by the norm; stuck or not makes no difference where something is free."""
    for stall in (0.0, 0.02):
        assert redrawn(weights, angles, replace(BASE, stall=stall)) == own
        assert redrawn(weights, angles, replace(NORM, stall=stall)) == norm
        if "x" in own:
            assert redrawn(weights, angles, replace(BASE, stall=stall), before=0.5) == own
    assert redrawn(weights, angles, replace(BASE, reinit=0.0)) == "." * len(own)


@settings(max_examples=80, deadline=None)
@given(
    m=st.integers(2, 40),
    l=st.integers(3, 4),
    gap=st.sampled_from([0.0, 1e-6, 0.05, 0.3]),
    reinit=st.sampled_from([0.1, 0.5]),
    seed=st.integers(0, 10**6),
)
def test_own_parts_are_taken_anew(m, l, gap, reinit, seed):
    """Who goes, by one inverse after another; ties and near misses to 1 % are left out."""
    w, U = model(4, m, seed, gap=gap)
    found = replaceable(state(w, U, l), np.array([np.inf]), l, replace(BASE, reinit=reinit))[0]
    H, stay = power(U.T @ U, l) + 1e-10 * np.eye(m), np.arange(m)
    while len(stay):
        own = np.abs(w[stay]) / np.sqrt(np.diag(np.linalg.inv(H[np.ix_(stay, stay)])))
        low, high = np.append(np.sort(own), np.inf)[:2]
        assume(abs(low / reinit**2 - 1) > 0.01 and (low > reinit**2 or high > 1.01 * low))
        if low > reinit**2:
            break
        stay = np.delete(stay, np.argmin(own))
    assert np.array_equal(np.flatnonzero(~found), stay)


def test_who_is_redrawn_where_the_run_is_stuck():
    """Part (2): the smallest own part, not the smallest norm, if the error fell by under 2 %."""
    case = [0.5, 0.6, 0.45], [0, 25, 90]  # the lightest stands alone
    for recipe in (BASE, replace(NORM, stall=0.02), replace(BASE, reinit=0.0)):
        assert redrawn(*case, recipe, before=0.5) == "x.."
        assert redrawn(*case, recipe, before=0.5 / 0.981) == "x.."
        assert redrawn(*case, recipe, before=0.5 / 0.979) == "..."
        assert redrawn(*case, replace(recipe, stall=0.5), before=0.9) == "x.."
        assert redrawn(*case, replace(recipe, stall=0.0), before=0.4) == "..."


@pytest.mark.parametrize("p", [2, 3])
def test_the_threshold_is_the_weight_of_norm_reinit(p):
    """Own parts are compared with reinit^p: for p = l = 3 a norm of .15 is a weight of .003."""
    recipe = replace(BASE, model="plain" if p == 3 else "homogeneous", reinit=0.15)
    U = np.stack([np.eye(2)[:, 0] * 0.15 * 1.01, np.eye(2)[:, 1] * 0.15 * 0.99], axis=1)[None]
    now = observe(U, np.ones((1, 2)), targets.orthogonal(2, 1, 3, seed=0), recipe)
    assert replaceable(now, np.array([np.inf]), 3, recipe).tolist() == [[False, True]]


def test_decisions_depend_on_the_run_alone():
    """Not on its company, nor on a rotation: they are made of Gram entries (Theorem I)."""
    runs = [state(*model(4, 9, seed, gap=0.05)) for seed in range(6)]
    before = np.array([1.0, 0.1, 1.0, 0.1, 1.0, 0.1])
    together = type(runs[0])(*(np.concatenate(x) for x in zip(*runs, strict=True)))
    gone = replaceable(together, before, 3, BASE)
    assert 0 < gone.sum() < gone.size
    for k, run in enumerate(runs):
        assert np.array_equal(gone[k], replaceable(run, before[[k]], 3, BASE)[0])
        turned = state(
            run.weights[0], targets.orthogonal(4, 4, 2, seed=k).factors @ run.directions[0]
        )
        turned = turned._replace(error=run.error)
        assert np.array_equal(gone[k], replaceable(turned, before[[k]], 3, BASE)[0])


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("l", [3, 4])
@pytest.mark.slow
def test_a_stuck_run_is_freed(compiled, l):
    """Two components on one of two true ones: the norm alone never sees it, both new parts do."""
    T, start = targets.orthogonal(6, 2, l, seed=0), np.zeros((1, 6, 2))
    start[0] = np.sqrt(0.5) * (T.scaled(1 / T.norm).weights[0] ** 0.5) * T.factors[:, [0, 0]]
    start = start, np.ones((1, 2))
    for recipe, reason in (
        (NORM, SPENT),
        (BASE, REACHED),
        (replace(BASE, stall=0.0), REACHED),
        (replace(BASE, redraw="norm"), REACHED),
    ):
        run = descend(T, 2, seed=0, runs=1, start=start, recipe=recipe, compiled=compiled)
        assert run.reason[0] == reason and (run.redraws[0] > 0) == (reason == REACHED)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.slow
def test_whether_a_run_is_stuck_is_its_own_affair(compiled):
    """Runs that need part (2) are those run alone, bit for bit, though others leave before."""
    T, recipe = targets.correlated(6, 4, 3, seed=0, signs="mixed"), replace(BASE, redraw="norm")
    options = {"recipe": recipe, "compiled": compiled}
    together = descend(T, 4, seed=0, runs=8, **options)
    never = descend(T, 4, seed=0, runs=8, recipe=NORM, compiled=compiled)
    assert np.sum(together.redraws > never.redraws) > 2 and len(set(together.steps)) > 4
    for k in range(8):
        alone = descend(T, 4, seed=np.random.SeedSequence(0, n_children_spawned=k), **options)
        assert alone.redraws == together.redraws[k]
        assert np.array_equal(alone.factors, together.factors[k])


@pytest.mark.parametrize("family", ["orthogonal", "random", "correlated"])
@pytest.mark.slow
def test_the_rank_itself_is_enough(family):
    """All of 24 runs succeed with m = r = 5 in R^100; by the norm alone, fewer."""
    T = targets.spanned(family, 100, 5, 3, seed=0, signs="mixed", batch=(24,))
    runs = [
        descend(T, 5, seed=0, runs=24, dim=100, recipe=recipe, compiled=True)
        for recipe in (BASE, NORM)
    ]
    assert np.all(runs[0].reason == REACHED)
    assert np.mean(runs[1].reason == REACHED) < 0.9
    assert np.mean(runs[0].steps) < 0.5 * np.mean(runs[1].steps)


def test_no_rule_no_redraws():
    """With reinit = 0 and stall = 0 nothing is ever redrawn."""
    T, recipe = targets.orthogonal(5, 2, 3, seed=3), Recipe(epochs=3, steps=2, delta0=1e-6)
    assert descend(T, 4, seed=0, recipe=recipe).redraws == 2 * 4
    assert descend(T, 4, seed=0, recipe=replace(recipe, reinit=0.0, stall=0.0)).redraws == 0
    assert descend(T, 4, seed=0, recipe=replace(recipe, epochs=1)).redraws == 0
