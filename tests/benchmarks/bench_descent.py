"""Times td's runs side by side with compiled loops and other libraries' gradients: `make bench`.

All sides of a ratio take turns in one run. Where two sides should agree they are compared before
they are timed.
"""

import os
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest

from td import descent, fast, targets
from td.backend import generator
from td.descent import (
    BASE,
    REACHED,
    Recipe,
    descend,
    fresh,
    observe,
    step,
)
from td.objective import gradient
from td.tensor import SymmetricTensor, to_dense
from tests.benchmarks.timing import compare, gemm, peak

PEERS = ("numba", "jax", "tensorly", "pyttb")
RUNS, K, M, R = 256, 20, 16, 4  # a batch in reduced coordinates, K = R + M of them
STEPS = 50  # in one turn


def same(x, y):
    """To ten digits after the point."""
    np.testing.assert_allclose(x, y, rtol=0, atol=1e-10)


def midway(l):
    """A target of norm 1, and factors and signs of a batch: each run has small ones and large."""
    T, d = targets.spanned("orthogonal", 10**6, R, l, seed=0), 10**6
    T = T.scaled(1 / T.norm)
    U, a = fresh(generator(1).spawn(RUNS), d, M, BASE, used=R, rows=K)
    U = advance(T, U, a, 60)
    small = np.linalg.norm(U, axis=1) <= BASE.small
    assert all(any(row) and not all(row) for row in small)
    return T, U, a


def advance(T, U, a, steps):
    """The factors after that many steps as ``td.descent.trajectory`` takes them."""
    for _ in range(steps):
        U = step(observe(U, a, T, BASE), T.order, BASE)
    return U


@contextmanager
def in_jax(cores, T, U, a):
    """Ways to take the steps of a turn in JAX on these cores, by name."""
    pytest.importorskip("jax")
    from tests.benchmarks.in_jax import pinned

    name = f"JAX on {len(cores)} core{'s'[: len(cores) - 1]}"
    with pinned(cores, U, a, T.weights, T.factors, T.order, BASE) as jitted:
        for loop in (False, True):
            same(jitted(1, loop=loop, fetch=True), advance(T, U, a, 1))
        yield {
            f"{name}, step by step": lambda: jitted(STEPS, loop=False),
            f"{name}, fori_loop": lambda: jitted(STEPS, loop=True),
        }


def in_loops(T, U, a):
    """The compiled way to take the steps of a turn, by name."""
    one, turn = (replace(BASE, tol=1e-7, steps=steps) for steps in (1, STEPS))
    same(fast.look(U, a, T, one, 1)[0].factors, advance(T, U, a, 1))
    assert np.all(fast.look(U, a, T, turn, STEPS)[1] == STEPS)
    return {"td, compiled": lambda: fast.look(U, a, T, turn, STEPS)}


@pytest.mark.parametrize("l", [3, 4])
def test_step(benchmark, table, l):
    (T, U, a), (product, flops) = midway(l), gemm()
    cores = os.sched_getaffinity(0)
    with in_jax({min(cores)}, T, U, a) as one, in_jax(cores, T, U, a) as free:
        others = in_loops(T, U, a) | one | free
        ours = lambda: advance(T, U, a, STEPS)  # noqa: E731
        *seconds, plain = compare(benchmark, ours, *others.values(), product, rounds=25)
    needed = RUNS * STEPS * (4 * K * M**2 + 4 * R**2 * M + 4 * M**2)
    for name, spent in zip(["td, arrays", *others], seconds, strict=True):
        table(
            f"One step of {RUNS} runs (arrays: td.descent.observe and step, all at once; compiled: "
            f"td.fast.look);\nk = {K} coordinates, m = {M}, r = {R}; one thread but for JAX "
            f"on more cores; {STEPS} steps a turn, 25 rounds.\nA step's matrix products take "
            "4km² + 4r²m + 4m² flops: last, the share of the rate of a 1500 x 1500 GEMM",
            **{"l": l, "method": f"{name:28}", "us per run": f"{1e6 * spent / RUNS / STEPS:.2f}"},
            **{"method / td, compiled": f"{spent / seconds[1]:.2f}"},
            **{"of GEMM's rate": f"{100 * needed / spent * plain / flops:.0f} %"},
        )
    arrays, loops, *jitted = seconds
    assert loops < 1.2 * min(jitted[:2]) and arrays < 4 * loops  # JAX on one core


def timed(f, seconds):
    """The function, which adds the seconds that it takes to a list."""

    def call(*args, **options):
        began = perf_counter()
        found = f(*args, **options)
        seconds.append(perf_counter() - began)
        return found

    return call


@pytest.mark.parametrize("r", [4, 16])
def test_redraws(benchmark, table, monkeypatch, r):
    T, spent = targets.spanned("orthogonal", 100, r, 3, seed=0, batch=(RUNS,)), {}
    for name in ("replaceable", "redraw"):
        spent[name] = []
        monkeypatch.setattr(descent, name, timed(getattr(descent, name), spent[name]))
    way = {"arrays": False, "compiled": True}
    runs = {name: [] for name in way}

    def run(name):
        began, before = perf_counter(), {key: len(x) for key, x in spent.items()}
        end = descend(T, M, seed=1, runs=RUNS, dim=100, compiled=way[name])
        parts = [sum(x[before[key] :]) for key, x in spent.items()]
        runs[name].append((perf_counter() - began, *parts, end.redraws.mean(), end.steps.mean()))

    compare(benchmark, lambda: run("arrays"), lambda: run("compiled"), rounds=5)
    for name, found in runs.items():
        whole, own, fresh_ones, redraws, steps = np.median(found, axis=0)
        table(
            f"Whole runs to 1 % with what happens between epochs: {RUNS} orthogonal targets, l = "
            f"3,\nd = 100, m = {M}; own parts: td.descent.replaceable; redraw (5 rounds)",
            **{"r": r, "steps by": f"{name:8}", "steps": f"{steps:.0f}"},
            **{"redrawn": f"{redraws:.1f}", "us per run": f"{1e6 * whole / RUNS:.0f}"},
            **{"own parts": f"{100 * own / whole:.1f} %"},
            **{"redraw": f"{100 * fresh_ones / whole:.1f} %"},
        )
        assert own + fresh_ones < (0.03 if name == "arrays" else 0.15) * whole


def by_tensorly(w, U, T):
    """The gradient in U by TensorLy, and the part of it that is T*'s."""
    tensorly, l = pytest.importorskip("tensorly"), T.order
    mttkrp, dense, factors = tensorly.tenalg.unfolding_dot_khatri_rao, to_dense(T), [U] * T.order
    model = lambda: tensorly.cp_to_tensor((w, factors))  # noqa: E731
    return {
        "TensorLy, residual": lambda: l * mttkrp(model() - dense, (w, factors), 0),
        "TensorLy, T* alone": lambda: l * mttkrp(dense, (w, factors), 0),
    }


def by_pyttb(w, U, T):
    """The gradient in U by pyttb in two ways, and the part of it that is T*'s."""
    pyttb, l = pytest.importorskip("pyttb"), T.order
    from pyttb.gcp.fg import evaluate
    from pyttb.gcp.handles import gaussian_grad

    data, factors = pyttb.tensor(to_dense(T)), [np.asfortranarray(U)] * l
    model = lambda: pyttb.ktensor(factors, w, copy=False)  # noqa: E731
    return {
        "pyttb, gcp": lambda: w / 2 * sum(evaluate(model(), data, None, None, gaussian_grad)),
        "pyttb, residual": lambda: l * w * (model().full() - data).mttkrp(factors, 0),
        "pyttb, T* alone": lambda: l * w * data.mttkrp(factors, 0),
    }


@pytest.mark.parametrize("l", [3, 4])
def test_dense_gradient(benchmark, table, l):
    (T, factors, a), calls = midway(l), 20
    now, padded = observe(factors, a, T, BASE), T.image(np.eye(K, R))
    w, U = now.weights[0], np.ascontiguousarray(now.directions[0])
    others, model = by_tensorly(w, U, padded) | by_pyttb(w, U, padded), SymmetricTensor(w, U, l)
    for name, other in others.items():
        alone = name.endswith("alone")
        same(other(), l * w * padded.contract(U) if alone else gradient(model, padded))
    turns = [lambda x=x: [x() for _ in range(calls)] for x in others.values()]
    ours, *seconds = compare(benchmark, lambda: advance(T, factors, a, calls), *turns, rounds=25)
    for name, spent in zip(["td, a whole step", *others], [ours / RUNS, *seconds], strict=True):
        table(
            "One run's share of such a step against one gradient in the factors of one run, same k "
            f"and m,\nfrom the dense k^l array ({calls} calls a turn, 25 rounds). residual: the "
            "model as an array minus T*,\nthen its MTTKRP (TensorLy cp_to_tensor, "
            "unfolding_dot_khatri_rao; pyttb ktensor.full, tensor.mttkrp).\ngcp: "
            "gcp.fg.evaluate, for each of l modes. T* alone: the MTTKRP of T*, half of a gradient",
            **{"l": l, "method": f"{name:18}", "us": f"{1e6 * spent / calls:.2f}"},
            **{"method / td": f"{spent / ours * RUNS:.1f}"},
        )
        assert name.startswith("td") or spent > (5 if "alone" in name else 20) * ours / RUNS


def test_large_gradient(benchmark, table):
    d, m, l, (product, flops) = 100, 1000, 3, gemm()
    rng, T = np.random.default_rng(0), targets.random(d, 10, l, seed=1)
    w, U = rng.standard_normal(m), rng.standard_normal((d, m)) / np.sqrt(d)
    turn = lambda: [gradient(SymmetricTensor(w, U, l), T) for _ in range(5)]  # noqa: E731
    ours, plain = compare(benchmark, turn, product, rounds=25)
    found, rate = 5 * 4 * m**2 * d / ours, flops / plain
    table(
        "One gradient (td.objective.gradient, r = 10) against a 1500 x 1500 GEMM (5 a turn, 25 "
        "rounds);\n4m²d flops: half for the Gram matrix, by blocks of its columns, half for the "
        "product with it",
        **{"l": l, "d": d, "m": m, "td [ms]": f"{1e3 * ours / 5:.2f}"},
        **{"td [GF/s]": f"{1e-9 * found:.1f}", "GEMM [GF/s]": f"{1e-9 * rate:.1f}"},
        **{"td / GEMM": f"{100 * found / rate:.0f} %"},
    )
    assert found > 0.5 * rate


def test_dimension(benchmark, table):
    m, r, runs, recipe = 8, 3, 100, Recipe(tol=1e-7, epochs=2, steps=25)
    T, steps = targets.spanned("orthogonal", 30, r, 3, seed=0), recipe.epochs * recipe.steps
    dims = {"30": 30, "10^12": 10**12, "10^15": 10**15}
    run = lambda d: lambda: descend(T, m, seed=1, runs=runs, recipe=recipe, dim=d)  # noqa: E731
    sides = {name: run(d) for name, d in dims.items()}
    ends, most = [x() for x in sides.values()], [peak(x) for x in sides.values()]
    assert all(all(end.steps == steps) and all(end.redraws > 0) for end in ends)
    seconds = compare(benchmark, *sides.values(), rounds=25)
    for d, spent, held in zip(sides, seconds, most, strict=True):
        table(
            f"Descent (td.descent.descend with dim=d, l = 3, m = {m}, r = {r}, {runs} runs of "
            f"{steps} steps, components redrawn once; 25 rounds)",
            **{"d": d, "us per run and step": f"{1e6 * spent / runs / steps:.2f}"},
            **{"time / first": f"{spent / seconds[0]:.2f}"},
            **{"peak [MiB]": f"{held:.3f}", "peak / first": f"{held / most[0]:.3f}"},
        )
    assert max(seconds) < 1.2 * seconds[0] and max(most) < 1.03 * min(most)


def test_surface(benchmark, table):
    dims = [10, 20, *(10**k for k in range(2, 13))]
    widths, seeds = [2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 30, 40], 50
    T = targets.spanned("orthogonal", min(dims), 3, 3, seed=0)
    each = [d for d in dims for _ in range(seeds)]

    def surface(compiled, recipe):
        batch = {"runs": len(each), "dim": each, "compiled": compiled, "recipe": recipe}
        return [descend(T, m, seed=m, **batch) for m in widths]

    norm = replace(BASE, redraw="norm", stall=0.0)
    sides = {
        "arrays": lambda: surface(False, BASE),
        "compiled": lambda: surface(True, BASE),
        "compiled, redrawn by norm": lambda: surface(True, norm),
    }
    ends = [side() for side in sides.values()]
    seconds = compare(benchmark, *sides.values(), rounds=1)
    for way, runs, spent in zip(sides, ends, seconds, strict=True):
        table(
            "A whole success surface (td.descent.descend, l = 3, r = 3 orthogonal, 1 % error);\n"
            f"one width's runs, in dimensions from {min(dims)} to {max(dims):,}, are one batch "
            "(1 round)",
            **{"way": f"{way:25}", "dimensions": len(dims), "widths": len(widths), "seeds": seeds},
            **{"runs": len(widths) * len(each)},
            **{"reached 1 %": sum(int(np.sum(end.reason == REACHED)) for end in runs)},
            **{"steps": f"{sum(int(end.steps.sum()) for end in runs):,}"},
            seconds=f"{spent:.1f}",
        )
    assert max(seconds) < 60


def test_batched_descent(benchmark, table):
    d, m, r, runs, steps = 100, 8, 5, 40, 100
    T, recipe = targets.orthogonal(d, r, 3, seed=0), Recipe(tol=1e-7, epochs=1, steps=steps)
    assert set(descend(T, m, seed=1, runs=runs, recipe=recipe).steps.tolist()) == {steps}
    batched, single = compare(
        benchmark,
        lambda: descend(T, m, seed=1, runs=runs, recipe=recipe),
        lambda: [descend(T, m, seed=g, recipe=recipe) for g in generator(1).spawn(runs)],
        rounds=7,
    )
    each = 1e6 / (runs * steps)
    table(
        "Descent (td.descent.descend, l = 3): a batch against as many single runs (7 rounds)",
        **{"d": d, "m": m, "r": r, "runs": runs, "steps": steps},
        **{
            "batch [us per run and step]": f"{batched * each:.1f}",
            "single": f"{single * each:.1f}",
        },
        **{"single / batch": f"{single / batched:.1f}"},
    )
    assert 3 * batched < single
