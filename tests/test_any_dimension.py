"""Runs in R^d for any d (Theorem I): what is drawn, what a redraw keeps, and whole runs."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose
from scipy.stats import beta, ks_2samp, kstest

from td import targets
from td.descent import BASE, REACHED, Recipe, Runs, descend, fresh, redraw
from td.tensor import SymmetricTensor, core, distance

# Chance of a false alarm in each law test. About 100 are run: 1e-3 in all.
SIZE = 1e-5
RUNS = 3000
UNIT = Recipe(delta0=1.0)


def rngs(n, seed=0):
    return np.random.default_rng(seed).spawn(n)


@cache
def draw(d, used, m, n=RUNS, seed=0):
    """n independent sets of m directions of R^d, ``used`` coordinates being in use."""
    return fresh(rngs(n, seed), d, m, UNIT, used=used, rows=min(d, used + m))[0]


def unit(U):
    """Columns divided by their norms."""
    return U / np.linalg.norm(U, axis=1, keepdims=True)


def gram(U, used):
    """Inner products with the first ``used`` axes and with each other: (n, used + m, used + m)."""
    axes = np.broadcast_to(np.eye(U.shape[1])[:, :used], (*U.shape[:2], used))
    V = np.concatenate([axes, U], axis=-1)
    return V.mT @ V


SIZES = [(d, used, 3) for used in (1, 2) for d in (used, used + 1, used + 2, used + 3, 12, 200)]
sizes = pytest.mark.parametrize(("d", "used", "m"), SIZES)


@pytest.mark.parametrize("d, used, m", [*SIZES, (10**15, 3, 5), (3, 3, 5), (4, 3, 5)])
def test_coordinates(d, used, m):
    """Unit vectors in min(d, used + m) coordinates; vector j has none beyond its own."""
    U, k = draw(d, used, m, n=7), min(d, used + m)
    assert U.shape == (7, k, m)
    assert_allclose(np.linalg.norm(U, axis=1), 1, rtol=1e-13)
    for j in range(m):
        assert np.all(U[:, used + j + 1 :, j] == 0) and np.all(U[:, : used + j + 1, j] != 0)
        assert d == used or used + j >= k or np.all(U[:, used + j, j] > 0) == (used + j < d)


@pytest.mark.parametrize("place", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_places(place):
    """Vector j has its own coordinate at its place, whatever the order of the vectors."""
    U = fresh(rngs(5), 100, np.array([place] * 5), UNIT, used=2, rows=7)[0]
    for j, p in enumerate(place):
        assert np.all(U[:, : 2 + p + 1, j] != 0) and np.all(U[:, 2 + p + 1 :, j] == 0)
        assert np.all(U[:, 2 + p, j] > 0.5)  # nearly all of its length: d is large


def test_all_coordinates_in_use():
    """With all d in use the draws are d standard normals over their norm, number by number."""
    Z = np.random.default_rng(3).standard_normal((4, 6)).T
    found = fresh([np.random.default_rng(3)], 6, 4, UNIT)[0][0]
    assert np.array_equal(found, Z / np.linalg.norm(Z, axis=0))


@sizes
def test_law_of_one_inner_product(d, used, m):
    """The squares of all inner products have the law Beta(1/2, (d-1)/2)."""
    G = gram(draw(d, used, m), used) ** 2
    for i, j in zip(*np.triu_indices(used + m, 1), strict=True):
        if d == 1:
            assert_allclose(G[:, i, j], 1, rtol=1e-12)
        elif j >= used:
            assert kstest(G[:, i, j], beta(0.5, (d - 1) / 2).cdf).pvalue > SIZE


@sizes
def test_moments_of_the_gram_matrix(d, used, m):
    """First, second and mixed moments are those of independent uniform directions."""
    G = gram(draw(d, used, m), used)
    i, j = used, used + 1  # two directions and the first axis
    a, b, c = G[:, 0, i], G[:, 0, j], G[:, i, j]
    for sample, mean in [
        *((x, 0) for x in (a, b, c, a * b, a * c)),
        *((x * x, 1 / d) for x in (a, b, c)),
        *((x * x * y * y, 1 / d**2) for x, y in ((a, b), (a, c), (b, c))),
        (a * b * c, 1 / d**2),
        (a**4, 3 / (d * (d + 2))),
    ]:
        error = sample.std() / np.sqrt(RUNS)
        assert abs(sample.mean() - mean) <= 4.5 * error + 1e-12


def run(U, a):
    """A run of which only factors and signs matter."""
    return Runs(U, a, *[None] * (len(Runs._fields) - 2))


@pytest.mark.parametrize("d, used, m", [(4, 1, 3), (5, 2, 3), (12, 2, 3), (40, 1, 4)])
@pytest.mark.parametrize("power", [1, 3])
def test_joint_law_of_the_gram_matrix(d, used, m, power):
    """The determinant of the Gram matrix (or of its powers) has the law of direct draws."""
    direct = unit(np.random.default_rng(1).standard_normal((RUNS, d, m)))
    found, expected = (np.linalg.det(gram(U, used) ** power) for U in (draw(d, used, m), direct))
    assert ks_2samp(found, expected).pvalue > SIZE


def test_a_redraw_keeps_inner_products():
    """It changes no inner product of what stays, with T*'s axes or each other, and frees the rest.

    The s components that stay need s coordinates after T*'s, and each fresh one has one of its own.
    """
    n, m, used, rng = 40, 6, 2, np.random.default_rng(6)
    U, a = draw(50, used, m, n, seed=5), rng.choice([-1.0, 1.0], size=(n, m))
    gone = rng.random((n, m)) < 0.5
    V, b = redraw(run(U, a), gone, rngs(n), BASE, dims=[50] * n, used=used)
    assert np.array_equal(b[~gone], a[~gone])
    for before, after, out in zip(U, V, gone, strict=True):
        stay, s = ~out, int((~out).sum())
        assert np.array_equal(after[:used, stay], before[:used, stay])
        assert np.all(after[used + s :, stay] == 0)
        assert_allclose(after[:, stay].T @ after[:, stay], before[:, stay].T @ before[:, stay])
        own = after[used + s :, out] != 0
        assert np.all(after[: used + s, out] != 0) and np.array_equal(own, np.tri(m - s).T == 1)


@pytest.mark.parametrize("d", [5, 7, 50, 10**12])
def test_redrawn_components_are_uniform(d):
    """After a redraw the small ones are uniform and independent of the large, in reduced form."""
    n, m, used = RUNS, 4, 2
    U = draw(d, used, m, n, seed=8) * np.array([1e-3, 1, 1e-3, 1])
    gone = np.tile([True, False, True, False], (n, 1))
    V, _ = redraw(run(U, np.ones((n, m))), gone, rngs(n, 9), BASE, dims=[d] * n, used=used)
    assert V.shape == U.shape
    G, H, kept = gram(unit(V), used), gram(unit(U), used), np.ix_(range(n), *[[0, 1, 3, 5]] * 2)
    assert_allclose(G[kept], H[kept])
    law = beta(0.5, (d - 1) / 2).cdf
    for i, j in [(0, 2), (1, 4), (2, 3), (2, 4), (3, 4), (4, 5)]:
        assert kstest(G[:, i, j] ** 2, law).pvalue > SIZE
    assert abs(np.corrcoef(G[:, 2, 3], H[:, 2, 3])[0, 1]) < 4.5 / np.sqrt(n)
    assert abs(np.corrcoef(G[:, 2, 3] ** 2, G[:, 3, 0] ** 2)[0, 1]) < 0.1 + 6 / d


@pytest.mark.parametrize("l", [2, 3, 4, 5])
@pytest.mark.parametrize("model", ["homogeneous", "differentiated", "plain"])
@pytest.mark.parametrize("d, m", [(30, 5), (5, 5), (400, 8)])
def test_step_by_step(l, model, d, m):
    """Two runs with the same Gram matrix, one of them in R^d, agree at every step."""
    T = targets.random(d, 2, l, seed=l, signs="mixed")
    U, a = fresh(rngs(3, l), d, m, replace(BASE, delta0=0.1))
    frame = [np.linalg.qr(np.concatenate([T.factors, u], axis=1))[0] for u in U]
    inside, short = T.image(frame[0].T[:2]), np.zeros((3, 2 + m, m))
    for k in range(3):
        short[k, : frame[k].shape[1]] = frame[k].T @ U[k]
    recipe = Recipe(epochs=1, steps=100, tol=1e-5, model=model)
    options = {"seed": 0, "runs": 3, "recipe": recipe}
    one = reference.histories(T, m, start=(U, a), **options)
    two = reference.histories(inside, m, start=(short, a), dim=d, **options)
    for x, y in zip(one, two, strict=True):
        assert x["directions"].shape[1:] == (d, m) and y["directions"].shape[1:] == (2 + m, m)
        assert_allclose(x["norms"], y["norms"], rtol=1e-10, atol=1e-10)
        squares = x["error"] ** 2, y["error"] ** 2  # (m + 2)² inner products to the power l
        assert_allclose(*squares, rtol=1e-10, atol=(m + 2) ** 2 * (l + 3) * np.finfo(float).eps)


@pytest.mark.parametrize("l", [3, 4])
def test_law_of_whole_runs(l):
    """Steps and redraws of runs in reduced coordinates have the law of runs in R^d."""
    d, r, n = 12, 3, 400
    T, recipe = targets.orthogonal(d, r, l, seed=0), Recipe(epochs=3, steps=120)
    one = descend(T, r, seed=1, runs=n, recipe=recipe)
    two = descend(core(T)[0], r, seed=2, runs=n, recipe=recipe, dim=d)
    assert 0.1 < np.mean(one.redraws > 0) and np.mean(one.reason == REACHED) > 0.1
    for name in ("steps", "redraws", "error"):
        assert ks_2samp(getattr(one, name), getattr(two, name)).pvalue > SIZE


@pytest.mark.parametrize("l, m", [(3, 1), (3, 5), (3, 16), (4, 8), (5, 5)])
def test_each_run_has_its_own_dimension(l, m):
    """Runs of different dimension and target share a batch; each is bit for bit as it is alone."""
    dims = [3, 5, 7, 50, 10**6, 10**15]
    T = targets.spanned("random", 50, 3, l, seed=0, signs="mixed", batch=(6,))
    options = {"recipe": Recipe(epochs=3, steps=40)}
    together = descend(T, m, seed=1, runs=6, dim=dims, **options)
    assert np.any(together.redraws > 0)
    for k, d in enumerate(dims):
        assert np.all(together.factors[k][d:] == 0)
        seed = np.random.SeedSequence(1, n_children_spawned=k)
        alone = descend(T.take(np.array([k])), m, seed=seed, runs=1, dim=d, **options)
        for name in ("weights", "factors", "error", "steps", "redraws", "reason"):
            assert np.array_equal(getattr(together, name)[k], getattr(alone, name)[0])


@pytest.mark.parametrize("kind", ["orthogonal", "random", "correlated"])
@pytest.mark.parametrize("d", [6, 10**15])
def test_runs_succeed_in_any_dimension(kind, d):
    """Runs reach 1 % in coordinates alone, and what they return has that error."""
    T = targets.spanned(kind, d, 3, 3, seed=0, signs="mixed", batch=(5,))
    result = descend(T, 12, seed=0, runs=5, dim=d)
    assert np.all(result.reason == REACHED)
    model = SymmetricTensor(result.weights, result.factors, 3)
    error = distance(model, T.image(np.eye(len(result.factors[0]), 3))) / T.norm
    assert_allclose(error, result.error, rtol=1e-6)
