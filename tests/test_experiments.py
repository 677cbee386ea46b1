"""The ledger's experiments in small: each test fails if its claim's opposite is true.

`TD_SALT=7 pytest tests/test_experiments.py` runs them with other seeds.
"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from td import targets
from td.backend import generator
from td.descent import REACHED, Recipe, descend
from td.flow import correlation, flow
from td.lazy import tangent_features, tangent_kernel
from td.moments import sym_dim
from td.objective import gradient, homogeneous
from td.tensor import CoordinateTensor, SymmetricTensor, distance, monomials, unit

NORM = Recipe(redraw="norm", stall=0.0)


def share(T, m, recipe, *, runs, dim=None, compiled=True):
    """The share of runs that reach 1 %, and their steps."""
    end = descend(T, m, seed=m, runs=runs, recipe=recipe, dim=dim, compiled=compiled)
    return np.mean(end.reason == REACHED), end.steps


def test_the_settings_that_the_claims_name():
    """1 %, 20 epochs of 300 steps, redraws by own part below 0.1² or after a gain under 2 %."""
    named = {"tol": 0.01, "epochs": 20, "steps": 300, "delta0": 1e-3, "signs": "random"}
    named |= {"redraw": "own", "reinit": 0.1, "stall": 0.02, "model": "homogeneous"}
    named |= {"small": 0.03, "turn": 0.2, "damp": 1.0, "lam": 0.0}
    assert Recipe() == Recipe(**named)


@pytest.mark.parametrize("l", [3, 4])
@pytest.mark.slow
def test_one_component_each_is_too_few_for_plain_descent(l):
    """Claim P2: at m = r many of the runs fail on orthogonal targets, at 4r few do."""
    T = targets.orthogonal(10, 4, l, seed=l)
    recipe = Recipe(model="plain", signs="positive", reinit=0, small=0, epochs=1, steps=2000)
    few, many = (
        share(T, m, Recipe(**{**vars(recipe), "delta0": 0.3}), runs=50, compiled=False)[0]
        for m in (4, 16)
    )
    assert few < 0.85 and many > few + 0.1


def escape_time(T, X, delta, model):
    """When gradient flow from delta X has half the norm of the target's component."""

    def rates(_, u):
        U = u.reshape(X.shape)
        plain = SymmetricTensor(np.ones(X.shape[1]), U, T.order)
        return -gradient(
            plain if model == "plain" else homogeneous(plain.weights, U, T.order), T
        ).ravel()

    def there(_, u):
        return np.linalg.norm(u) - 0.5

    there.terminal, start = True, delta * X.ravel() / np.linalg.norm(X)
    path = solve_ivp(rates, (0, 1e14), start, "LSODA", events=there, rtol=1e-8, atol=1e-12 * delta)
    return path.t_events[0][0]


@pytest.mark.parametrize("l", [3, 4])
def test_escape_times(l):
    """Claims D and 5: t ~ delta^{-(l-2)} in the plain model, (1/l) ln(1/delta) in the other."""
    T, X = targets.orthogonal(5, 2, l, seed=l), generator(l).standard_normal((5, 3))
    X *= np.sign(np.sum(correlation(T, X))) if l % 2 else 1.0
    deltas = {"plain": (1e-4, 1e-5), "homogeneous": (1e-6, 1e-9)}
    (one, two), (a, b) = ([escape_time(T, X, x, k) for x in deltas[k]] for k in deltas)
    assert abs(np.log10(two / one) - (l - 2)) < 0.02
    assert abs((b - a) / np.log(1e3) - 1 / l) < 0.01


def test_conditioning_around_the_threshold():
    """Claim 2: at D/d the kernel is nearly singular, and descent takes the longer for it."""
    d, l, rank, condition, steps = 6, 3, sym_dim(6, 3), {}, {}
    target = monomials(unit(generator(1).standard_normal((d, 1))), l)[:, 0]
    for n in (10, 15, 30):  # the threshold is 10
        models = [unit(generator([n, k]).standard_normal((d, n))) for k in range(9)]
        values = [kernel_values(U, l)[-rank:] for U in models]
        condition[n] = np.median([x[-1] / x[0] for x in values])
        steps[n] = np.median([time_to_fit(U, target, l) for U in models]) if n > 10 else np.inf
    assert condition[10] > 30 * condition[15] > 90 * condition[30]
    assert steps[15] > 2 * steps[30]


def kernel_values(U, l):
    """The eigenvalues of the tangent kernel of components U, ascending."""
    return np.linalg.eigvalsh(tangent_kernel(SymmetricTensor(np.ones(U.shape[1]), U, l)))


def time_to_fit(U, target, l, most=20_000):
    """Steps of lazy training until 1 % of the target is left: x' = K x on its own features."""
    J = l * tangent_features(U, l)
    K = J @ J.T / np.linalg.norm(J, 2) ** 2
    left, start = target.copy(), np.linalg.norm(target)
    for t in range(most):
        if np.linalg.norm(left) < 0.01 * start:
            return t
        left = left - K @ left
    return most


@pytest.mark.parametrize("l", [3, 4])
@pytest.mark.slow
def test_blow_up_time_grows_with_the_dimension(l):
    """Claim 7: from uniform directions of R^d itself, t* ~ d^{(l-2)/2}."""
    medians = {}
    for d in (6, 48):
        rng = generator([l, d])
        T = targets.orthogonal(2, 2, l, seed=rng)
        T = T.image(targets.orthogonal(d, 2, l, seed=rng).factors)
        X = unit(rng.standard_normal((d, 600)))
        X = X[:, correlation(T, X) > 0][:, :200]
        times = flow(T, X, np.array([4.0 * d ** ((l - 2) / 2)])).times[-1]
        medians[d] = np.median(times)
    slope = np.log(medians[48] / medians[6]) / np.log(8)
    assert abs(slope - (l - 2) / 2) < 0.4


@pytest.mark.parametrize("l", [3, 4])
@pytest.mark.slow
def test_the_rank_is_enough_in_every_dimension(l):
    """Claim 8: m = r = 3, from d = 10 to 10^12; one component more per three decades would fail."""
    dims = np.repeat([10, 10**4, 10**8, 10**12], 12)
    T = targets.spanned("orthogonal", 10, 3, l, seed=l, signs="mixed", batch=(len(dims),))
    found, _ = share(T, 3, Recipe(), runs=len(dims), dim=dims.tolist())
    assert found > 0.9
    assert share(T, 2, Recipe(epochs=1), runs=len(dims), dim=dims.tolist())[0] == 0


@pytest.mark.slow
def test_the_rank_is_enough_at_every_rank():
    """Claim 9: m = r from 2 to 12, mixed targets; by the norm alone not at 12, and no sooner."""
    found, steps = {}, {}
    for r in (2, 6, 12):
        T = targets.spanned("correlated", 100, r, 3, seed=r, signs="mixed", batch=(24,))
        found[r], steps[r] = share(T, r, Recipe(), runs=24, dim=100)
    assert min(found.values()) > 0.75 and np.mean(list(found.values())) > 0.9
    old, late = share(T, 12, NORM, runs=24, dim=100)
    assert old < 0.75 and steps[12].mean() < 0.8 * late.mean()


@pytest.mark.slow
def test_close_components_need_more_or_longer():
    """Claim 9's end: cosine 0.9, signs of both kinds, r = 8. In 20 epochs m = r fails, 3r does."""
    options = {"signs": "mixed", "cosine": 0.9, "batch": (24,)}
    T = targets.spanned("correlated", 100, 8, 3, seed=8, **options)
    assert share(T, 8, Recipe(), runs=24, dim=100)[0] < 0.4
    assert share(T, 24, Recipe(), runs=24, dim=100)[0] > 0.7


@pytest.mark.slow
def test_width_costs_the_last_digits():
    """At rank 16, mixed: m = r reaches 1e-3 in 20 epochs, twice as many components do not."""
    T = targets.spanned("correlated", 100, 16, 3, seed=16, signs="mixed", batch=(12,))
    one, two = (share(T, m, Recipe(tol=1e-3), runs=12, dim=100)[0] for m in (16, 32))
    assert one > 0.6 and two < 0.4


@pytest.mark.slow
def test_noise_is_fitted_in_proportion_to_the_parameters():
    """Stopped at noise of 5 %, m = r = 4: closer to the clean target, by sqrt(rd/D) at best."""
    T = targets.random(20, 4, 3, seed=4, batch=(24,))
    coords, N = T.coordinates().coords, generator(5).standard_normal((24, sym_dim(20, 3)))
    N *= 0.05 * T.norm[:, None] / np.linalg.norm(N, axis=1, keepdims=True)
    given = CoordinateTensor(coords + N, 20, 3)
    end = descend(given, 4, seed=6, runs=24, recipe=Recipe(tol=0.05), compiled=True)
    clean = distance(SymmetricTensor(end.weights, end.factors, 3), T) / T.norm
    assert np.mean(end.reason == REACHED) > 0.8
    assert 0.9 * 0.05 * np.sqrt(4 * 20 / sym_dim(20, 3)) < np.median(clean) < 0.025


@pytest.mark.slow
def test_what_the_parts_are_for():
    """Claim 10, at l = 4: signs of both kinds, redraws, and a degree of 2 from a small start."""
    T = targets.orthogonal(30, 5, 4, seed=4, signs="mixed", batch=(24,))
    options = {"runs": 24, "compiled": True}
    assert share(T, 8, Recipe(epochs=8), **options)[0] > 0.75
    assert share(T, 8, Recipe(epochs=8, signs="positive"), **options)[0] < 0.4
    few = Recipe(epochs=8, reinit=0.0, stall=0.0)
    positive = SymmetricTensor(np.ones_like(T.weights), T.factors, 4)
    assert share(positive, 8, few, **options)[0] < 0.6
    plain = Recipe(epochs=2, model="plain")
    assert share(T, 8, plain, runs=24, compiled=False)[0] < 0.2
