"""Reduced coordinates (Theorem I): what is drawn, what a redraw keeps, and whole runs."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import beta, ks_2samp, kstest

from td import reduced, targets
from td.descent import BASE, REACHED, Recipe, State, descend, fresh, reinitialise, trajectory
from td.symmetric import SymmetricTensor, distance

# Chance of a false alarm in each law test. About 100 are run: 1e-3 in all.
SIZE = 1e-5
RUNS = 4000


def rngs(n, seed=0):
    return np.random.default_rng(seed).spawn(n)


def draw(d, used, m, n=RUNS, seed=0):
    """n independent sets of m directions of R^d, ``used`` coordinates being in use."""
    places, rows = np.tile(np.arange(m), (n, 1)), min(d, used + m)
    return reduced.directions(rngs(n, seed), [d] * n, used, places, rows)


def direct(d, m, n=RUNS, seed=1):
    """The same in all d coordinates."""
    U = np.random.default_rng(seed).standard_normal((n, d, m))
    return U / np.linalg.norm(U, axis=1, keepdims=True)


def gram(U, used):
    """Inner products with the first ``used`` axes and with each other: (n, used + m, used + m)."""
    axes = np.broadcast_to(np.eye(U.shape[1])[:, :used], (*U.shape[:2], used))
    V = np.concatenate([axes, U], axis=-1)
    return np.swapaxes(V, -1, -2) @ V


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
    Z = reduced.gaussians(np.random.default_rng(0), 100, 2, np.array(place))
    for j, p in enumerate(place):
        assert np.all(Z[: 2 + p + 1, j] != 0) and np.all(Z[2 + p + 1 :, j] == 0)
        assert Z[2 + p, j] > 5


def test_all_coordinates_in_use():
    """With all d in use the draws are d standard normals over their norm, number by number."""
    Z = np.random.default_rng(3).standard_normal((4, 6)).T
    found = reduced.directions([np.random.default_rng(3)], [6], 6, np.arange(4)[None], 6)[0]
    assert np.array_equal(found, Z / np.linalg.norm(Z, axis=0))


@sizes
def test_law_of_one_inner_product(d, used, m):
    """The squares of all inner products have the law Beta(1/2, (d-1)/2)."""
    G = gram(draw(d, used, m), used) ** 2
    law = beta(0.5, (d - 1) / 2).cdf if d > 1 else None
    for i, j in zip(*np.triu_indices(used + m, 1), strict=True):
        if j >= used:
            assert_allclose(G[:, i, j], 1, rtol=1e-12) if d == 1 else None
            assert d == 1 or kstest(G[:, i, j], law).pvalue > SIZE


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


@pytest.mark.parametrize("d, used, m", [(4, 1, 3), (5, 2, 3), (12, 2, 3), (40, 1, 4)])
@pytest.mark.parametrize("power", [1, 3])
def test_joint_law_of_the_gram_matrix(d, used, m, power):
    """The determinant of the Gram matrix (or of its powers) has the law of direct draws."""
    found, expected = (
        np.linalg.det(gram(U, used) ** power) for U in (draw(d, used, m), direct(d, m))
    )
    assert ks_2samp(found, expected).pvalue > SIZE


def midway(n, m=6, d=50, used=2):
    """Reduced runs of which some components are large, and what is small."""
    state = State(draw(d, used, m, n, seed=5), np.ones((n, m)), np.zeros(n, dtype=int))
    gone = np.random.default_rng(6).random((n, m)) < 0.5
    return state._replace(factors=state.factors * np.where(gone, 1e-3, 1.0)[:, None, :]), gone


def test_compress_keeps_inner_products():
    """Freeing coordinates changes no inner product of what stays, with T*'s axes or each other."""
    state, gone = midway(40)
    kept, places = reduced.compress(state.factors, 2, gone)
    assert np.array_equal(kept[:, :2], state.factors[:, :2])
    for before, after, out, place in zip(state.factors, kept, gone, places, strict=True):
        stay, s = ~out, int((~out).sum())
        assert sorted(place) == list(range(6)) and set(place[stay]) == set(range(s))
        assert np.all(after[2 + s :, stay] == 0)
        assert_allclose(after[:, stay].T @ after[:, stay], before[:, stay].T @ before[:, stay])


def test_compress_in_all_coordinates_does_nothing():
    """A run in all d coordinates has none to free."""
    state, gone = midway(3)
    assert reduced.compress(state.factors, state.factors.shape[1], gone)[0] is state.factors


@pytest.mark.parametrize("d", [5, 7, 50, 10**12])
def test_redrawn_components_are_uniform(d):
    """After a redraw the small ones are uniform and independent of the large, in reduced form."""
    n, m, used = RUNS, 4, 2
    state = State(draw(d, used, m, n, seed=8), np.ones((n, m)), np.zeros(n, dtype=int))
    state = state._replace(factors=state.factors * np.array([1e-3, 1, 1e-3, 1]))
    after = reinitialise(state, rngs(n, 9), BASE, dims=[d] * n, used=used)
    assert after.factors.shape == state.factors.shape and np.all(after.redraws == 2)
    U = after.factors / np.linalg.norm(after.factors, axis=1, keepdims=True)
    old = state.factors / np.linalg.norm(state.factors, axis=1, keepdims=True)
    G, H = gram(U, used), gram(old, used)
    assert_allclose(G[:, [0, 1, 3, 5]][..., [0, 1, 3, 5]], H[:, [0, 1, 3, 5]][..., [0, 1, 3, 5]])
    law = beta(0.5, (d - 1) / 2).cdf
    for i, j in [(0, 2), (1, 4), (2, 3), (2, 4), (3, 4), (4, 5)]:
        assert kstest(G[:, i, j] ** 2, law).pvalue > SIZE
    assert abs(np.corrcoef(G[:, 2, 3], H[:, 2, 3])[0, 1]) < 4.5 / np.sqrt(n)
    assert abs(np.corrcoef(G[:, 2, 3] ** 2, G[:, 3, 0] ** 2)[0, 1]) < 0.1 + 6 / d


def lifted(l, d, m, seed):
    """A target and a start in R^d, and the same in coordinates of their span."""
    T = targets.random(d, 2, l, seed=seed, signs="mixed")
    T = T.scaled(1 / T.norm)
    U, a = fresh(rngs(3, seed), d, m, replace(BASE, delta0=0.1))
    frame = [np.linalg.qr(np.concatenate([T.factors, u], axis=1))[0] for u in U]
    inside = SymmetricTensor(T.weights, frame[0].T[:2] @ T.factors, l)
    return T, U, a, inside, np.stack([f.T @ u for f, u in zip(frame, U, strict=True)])


@pytest.mark.parametrize("l", [2, 3, 4, 5])
@pytest.mark.parametrize("model", ["homogeneous", "differentiated", "plain"])
@pytest.mark.parametrize("d, m", [(30, 5), (5, 5), (400, 8)])
def test_step_by_step(l, model, d, m):
    """Two runs with the same Gram matrix, one of them in R^d, agree at every step."""
    T, U, a, inside, small = lifted(l, d, m, seed=l)
    recipe = Recipe(epochs=1, steps=150, tol=1e-5, model=model)
    options = {"seed": 0, "runs": 3, "recipe": recipe, "record": True}
    full = descend(T, m, start=(U, a), **options)
    unused = np.zeros((3, 2 + m - small.shape[1], m))
    small = np.concatenate([small, unused], axis=1)
    short = descend(inside, m, start=(small, a), dim=d, **options)
    assert short.factors.shape == (3, 2 + m, m) and np.array_equal(full.steps, short.steps)
    for x, y in zip(full.history, short.history, strict=True):
        assert_allclose(x["norms"], y["norms"], rtol=1e-10, atol=1e-10)
        squares = x["error"] ** 2, y["error"] ** 2  # (m + 2)² inner products to the power l
        assert_allclose(*squares, rtol=1e-10, atol=(m + 2) ** 2 * (l + 3) * np.finfo(float).eps)
    assert_allclose(full.weights, short.weights, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("l", [3, 4])
def test_law_of_whole_runs(l):
    """Steps and redraws of runs in reduced coordinates have the law of runs in R^d."""
    d, r, n = 12, 3, 400
    T, recipe = targets.orthogonal(d, r, l, seed=0), Recipe(epochs=3, steps=120)
    inside = reduced.core(T)[0]
    one = descend(T, r, seed=1, runs=n, recipe=recipe)
    two = descend(inside, r, seed=2, runs=n, recipe=recipe, dim=d)
    assert 0.1 < np.mean(one.redraws > 0) and np.mean(one.reason == REACHED) > 0.1
    for name in ("steps", "redraws", "error"):
        assert ks_2samp(getattr(one, name), getattr(two, name)).pvalue > SIZE


@pytest.mark.parametrize("l, m", [(3, 1), (3, 5), (3, 16), (4, 8), (5, 5)])
def test_each_run_has_its_own_dimension(l, m):
    """Runs of different dimension and target share a batch; each is bit for bit as it is alone."""
    dims = [3, 5, 7, 50, 10**6, 10**15]
    T = targets.spanned("random", 50, 3, l, seed=0, signs="mixed", batch=(6,))
    options = {"seed": 1, "recipe": Recipe(epochs=3, steps=60), "record": True}
    together = descend(T, m, runs=6, dim=dims, **options)
    assert np.any(together.redraws > 0)
    for k, rng in enumerate(rngs(6, 1)):
        unit = T.scaled(1 / T.norm).take(np.array([k]))
        alone = list(trajectory(unit, m, [rng], options["recipe"], dim=dims[k]))
        assert alone[-1].step == together.steps[k]
        assert alone[-1].state.redraws[0] == together.redraws[k]
        assert np.array_equal(alone[-1].view.directions[0], together.factors[k])
        errors = [now.view.error[0] for now in alone]
        assert np.array_equal(errors, together.history[k]["error"])
        assert np.all(together.factors[k][dims[k] :] == 0)


@pytest.mark.parametrize("kind", ["orthogonal", "random", "correlated"])
@pytest.mark.parametrize("d", [6, 10**15])
def test_runs_succeed_in_any_dimension(kind, d):
    """Runs reach 1 % in coordinates alone, and what they return has that error."""
    T = targets.spanned(kind, d, 3, 3, seed=0, signs="mixed", batch=(5,))
    result = descend(T, 12, seed=0, runs=5, dim=d)
    assert np.all(result.reason == REACHED)
    padded = np.zeros((5, result.factors.shape[1], 3))
    padded[:, :3] = T.factors
    model = SymmetricTensor(result.weights, result.factors, 3)
    E = distance(model, SymmetricTensor(T.weights, padded, 3)) / T.norm
    assert_allclose(E, result.error, rtol=1e-6)


def test_core():
    """A tensor is its core in the span's frame, batch and all."""
    T = targets.random(9, 3, 4, seed=0, signs="mixed", batch=(2,))
    inner, frame = reduced.core(T)
    assert inner.dim == 3 and frame.shape == (2, 9, 3)
    assert_allclose(frame @ inner.factors, T.factors, atol=1e-14)
    assert_allclose(
        np.swapaxes(frame, 1, 2) @ frame, np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-14
    )


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 4, 4)])
def test_qr_is_unique(shape):
    """Frame times triangle, and no library's choice of signs: R's diagonal is not negative."""
    A = np.random.default_rng(0).standard_normal(shape)
    A[..., -1] = 0.0
    Q, R = reduced.qr(A)
    assert_allclose(Q @ R, A, atol=1e-14)
    gram = np.swapaxes(Q, -1, -2) @ Q
    assert_allclose(gram, np.broadcast_to(np.eye(gram.shape[-1]), gram.shape), atol=1e-14)
    assert np.all(np.tril(R, -1) == 0) and np.all(np.linalg.diagonal(R) >= 0)


@pytest.mark.parametrize(
    "dim, match", [(2, "dim"), ([9, 9], "dim"), (2**53 + 1, "dim"), (9.0, "dim")]
)
def test_bad_dimensions(dim, match):
    """A dimension below T*'s coordinates, of the wrong type or number is refused."""
    T = targets.orthogonal(3, 3, 3, seed=0)
    with pytest.raises((TypeError, ValueError), match=match):
        descend(T, 4, seed=0, runs=3, dim=dim)
