"""Times td's runs side by side with compiled loops and other libraries' gradients: `make bench`.

All sides of a ratio take turns in one run. Where two sides should agree they are compared before
they are timed.
"""

import os
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from td import compiled, symmetric, targets
from td.backend import generator
from td.descent import BASE, REACHED, Recipe, State, descend, fresh, observe, step
from td.objective import plain_gradient
from td.symmetric import SymmetricTensor, power, powers_product, to_dense
from tests.benchmarks.timing import compare, gemm, peak

PEERS = ("numba", "jax", "tensorly", "pyttb")
RUNS, K, M, R = 256, 20, 16, 4  # a batch in reduced coordinates, K = R + M of them
STEPS = 50  # in one turn
WAYS = ("Gram", "tiles", "features")  # to a product with powers of a Gram matrix


def same(x, y):
    """To ten digits after the point."""
    np.testing.assert_allclose(x, y, rtol=0, atol=1e-10)


def midway(l):
    """A target of norm 1 and a batch on its way: each run has small and large components."""
    T, d = targets.spanned("orthogonal", 10**6, R, l, seed=0), 10**6
    T = T.scaled(1 / T.norm)
    U, a = fresh(generator(1).spawn(RUNS), d, M, BASE, used=R, rows=K)
    state = advance(T, State(U, a, np.zeros(RUNS, int)), 60)
    small = np.linalg.norm(state.factors, axis=1) <= BASE.small
    assert all(any(row) and not all(row) for row in small)
    return T, state


def advance(T, state, steps):
    """That many steps as ``td.descent.trajectory`` takes them."""
    for _ in range(steps):
        state = step(state, observe(state, T, BASE), T.order, BASE)
    return state


@contextmanager
def in_jax(cores, T, state):
    """Ways to take the steps of a turn in JAX on these cores, by name."""
    pytest.importorskip("jax")
    from tests.benchmarks.in_jax import pinned

    name = f"JAX on {len(cores)} core{'s'[: len(cores) - 1]}"
    problem = (state.factors, state.signs, T.weights, T.factors, T.order, BASE)
    with pinned(cores, *problem) as jitted:
        for loop in (False, True):
            same(jitted(1, loop=loop, fetch=True), advance(T, state, 1).factors)
        yield {
            f"{name}, step by step": lambda: jitted(STEPS, loop=False),
            f"{name}, fori_loop": lambda: jitted(STEPS, loop=True),
        }


def in_loops(T, state):
    """The compiled way to take the steps of a turn, by name."""
    one, turn = (replace(BASE, tol=1e-7, steps=steps) for steps in (1, STEPS))
    same(compiled.advance(T, state, one, last=False)[0].factors, advance(T, state, 1).factors)
    taken = compiled.advance(T, state, turn, last=False)[1]
    assert np.all(taken == STEPS)
    return {"td, compiled": lambda: compiled.advance(T, state, turn, last=False)}


@pytest.mark.parametrize("l", [3, 4])
def test_step(benchmark, table, l):
    (T, state), (product, flops) = midway(l), gemm()
    cores = os.sched_getaffinity(0)
    with in_jax({min(cores)}, T, state) as one, in_jax(cores, T, state) as free:
        others = in_loops(T, state) | one | free
        ours = lambda: advance(T, state, STEPS)  # noqa: E731
        *seconds, plain = compare(benchmark, ours, *others.values(), product, rounds=25)
    needed = RUNS * STEPS * (4 * K * M**2 + 4 * R**2 * M + 4 * M**2)
    for name, spent in zip(["td, arrays", *others], seconds, strict=True):
        table(
            f"One step of {RUNS} runs (arrays: td.descent.observe and step, all at once; compiled: "
            f"td.compiled.advance);\nk = {K} coordinates, m = {M}, r = {R}; one thread but for JAX "
            f"on more cores; {STEPS} steps a turn, 25 rounds.\nA step's matrix products take "
            "4km² + 4r²m + 4m² flops: last, the share of the rate of a 1500 x 1500 GEMM",
            **{"l": l, "method": f"{name:28}", "us per run": f"{1e6 * spent / RUNS / STEPS:.2f}"},
            **{"method / td, compiled": f"{spent / seconds[1]:.2f}"},
            **{"of GEMM's rate": f"{100 * needed / spent * plain / flops:.0f} %"},
        )
    arrays, loops, *jitted = seconds
    assert loops < 1.2 * min(jitted[:2]) and arrays < 4 * loops  # JAX on one core


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
    T, state = midway(l)
    view, padded = observe(state, T, BASE), SymmetricTensor(T.weights, np.eye(K, R) @ T.factors, l)
    w, U, calls = view.weights[0], np.ascontiguousarray(view.directions[0]), 20
    others = by_tensorly(w, U, padded) | by_pyttb(w, U, padded)
    for name, other in others.items():
        alone = name.endswith("alone")
        same(other(), l * w * padded.contract(U) if alone else plain_gradient(w, U, padded)[1])
    turns = [lambda x=x: [x() for _ in range(calls)] for x in others.values()]
    ours, *seconds = compare(benchmark, lambda: advance(T, state, calls), *turns, rounds=25)
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
    turn = lambda: [plain_gradient(w, U, T) for _ in range(5)]  # noqa: E731
    ours, plain = compare(benchmark, turn, product, rounds=25)
    found, rate = 5 * 3 * m**2 * d / ours, flops / plain
    table(
        "One gradient (td.objective.plain_gradient, r = 10) against a 1500 x 1500 GEMM (5 a "
        "turn, 25 rounds);\n3m²d flops: m²d for the symmetric Gram matrix, 2m²d for the product "
        "with it",
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

    def surface(compiled):
        batch = {"runs": len(each), "dim": each, "compiled": compiled}
        return [descend(T, m, seed=m, **batch) for m in widths]

    sides = {"arrays": lambda: surface(False), "compiled": lambda: surface(True)}
    ends = [side() for side in sides.values()]
    seconds = compare(benchmark, *sides.values(), rounds=1)
    for way, runs, spent in zip(sides, ends, seconds, strict=True):
        table(
            "A whole success surface (td.descent.descend, l = 3, r = 3 orthogonal, 1 % error);\n"
            f"one width's runs, in dimensions from {min(dims)} to {max(dims):,}, are one batch "
            "(1 round)",
            **{"way": f"{way:8}", "dimensions": len(dims), "widths": len(widths), "seeds": seeds},
            **{"runs": len(widths) * len(each)},
            **{"reached 1 %": sum(int(np.sum(end.reason == REACHED)) for end in runs)},
            **{"steps": f"{sum(int(end.steps.sum()) for end in runs):,}"},
            seconds=f"{spent:.1f}",
        )
    assert max(seconds) < 60


def routes(A, U, n):
    """The ways to A (UᵀU)^{∘n}, by name."""
    return {
        "Gram": lambda: A @ power(U.T @ U, n),
        "tiles": lambda: symmetric._by_tiles(A, U, lambda G: power(G, n)),
        "features": lambda: symmetric._by_features(A, U, U, n),
    }


def taken(monkeypatch, A, U, n):
    """The name of the way that ``powers_product`` chooses."""
    with monkeypatch.context() as patch:
        for name in ("tiles", "features"):
            patch.setattr(symmetric, f"_by_{name}", lambda *_, name=name: name)
        found = powers_product(A, U, U, n)
    return found if isinstance(found, str) else "Gram"


@pytest.mark.parametrize(
    ("d", "m", "l", "rounds"),
    [
        (20, 2000, 3, 25),
        (50, 20000, 3, 5),
        (50, 20000, 4, 1),
        (100, 1000, 3, 25),
        (50, 2000, 4, 15),
        (20, 3100, 4, 15),
    ],
)
def test_routes(benchmark, table, monkeypatch, d, m, l, rounds):
    rng = np.random.default_rng(0)
    A, U = rng.standard_normal((2, d, m)) / np.sqrt(d)
    name, ways = taken(monkeypatch, A, U, l - 1), routes(A, U, l - 1)
    ways = {name: lambda: powers_product(A, U, U, l - 1)} | {k: ways[k] for k in WAYS if k != name}
    if 8 * m**2 * 2 > 2**32:  # the Gram matrix and its square
        del ways["Gram"]
    most = {name: peak(way) for name, way in ways.items()}
    seconds = dict(zip(ways, compare(benchmark, *ways.values(), rounds=rounds), strict=True))
    ratio = seconds[name] / min(seconds[k] for k in ways if k != name)
    table(
        "Routes of td.symmetric.powers_product to A (UᵀU)^(l-1), powers entrywise, A and U d x m: "
        "the one it takes\nand the others (-: more than 4 GiB for the Gram matrix and its power)",
        **{"d": d, "m": m, "l": l, "rounds": rounds, "takes": name},
        **{f"{k} [s]": f"{seconds[k]:.4f}" if k in ways else "-" for k in WAYS},
        **{f"{k} [MiB]": f"{most[k]:.0f}" if k in ways else "-" for k in WAYS},
        **{"taken / best other": f"{ratio:.2f}"},
    )
    assert most[name] < 1024 and ratio < 1.3


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
