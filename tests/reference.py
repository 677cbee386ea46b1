"""Slow, obvious versions of what td computes: dense numpy arrays, no formula shared with td."""

import ast
from collections import Counter
from functools import cache, reduce
from itertools import combinations_with_replacement, permutations
from math import factorial, prod
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from td import targets
from td.backend import to_numpy
from td.descent import trajectory
from td.tensor import SymmetricTensor


def tensor(d, m, l, seed=0, batch=()):
    """A factored tensor with normal weights and factors."""
    rng = np.random.default_rng([seed, d, m, l])
    return SymmetricTensor(rng.standard_normal((*batch, m)), rng.standard_normal((*batch, d, m)), l)


def member(T, *k):
    """The factored tensor at index k of a batch."""
    return SymmetricTensor(T.weights[k], T.factors[k], T.order)


def dense(w, U, l):
    """sum_i w_i u_i^{⊗l} as a d x ... x d array."""
    return sum(w_i * reduce(np.multiply.outer, [u] * l) for w_i, u in zip(w, U.T, strict=True))


def symmetrised(A):
    """The mean of A over all orders of its axes."""
    return sum(np.transpose(A, axes) for axes in permutations(range(A.ndim))) / factorial(A.ndim)


def contract(A, X):
    """A(x^{l-1}, ·) for each column x of X."""
    return np.stack([reduce(np.dot, [x] * (A.ndim - 1), A) for x in X.T], axis=1)


def coordinates(A):
    """The isometric coordinates of a dense symmetric array."""
    return np.array([np.sqrt(arrangements(a)) * A[a] for a in indices(*A.shape[:1], A.ndim)])


@cache
def indices(d, l):
    """The ascending index tuples of order l."""
    return list(combinations_with_replacement(range(d), l))


def arrangements(index):
    """In how many orders the entries of an index tuple can stand."""
    return factorial(len(index)) // prod(map(factorial, Counter(index).values()))


@cache
def moment_matrix(d, l):
    """E[c(u) c(u)ᵀ] for the coordinates c of u^{⊗l}, from the moments of the sphere."""
    scale = np.sqrt([arrangements(a) for a in indices(d, l)])
    entries = [[_sphere_moment(d, a + b) for b in indices(d, l)] for a in indices(d, l)]
    return scale[:, None] * np.array(entries) * scale


@cache
def _sphere_moment(d, axes):
    """E of the product of u's entries at ``axes``, u uniform on the sphere."""
    counts = Counter(axes).values()
    if any(n % 2 for n in counts):
        return 0.0
    odd = prod(prod(range(n - 1, 0, -2)) for n in counts)
    return odd / prod(range(d, d + len(axes), 2))


def loss(w, U, A):
    """½‖sum_i w_i u_i^{⊗l} - A‖² for a dense array A."""
    return 0.5 * np.sum((dense(w, U, A.ndim) - A) ** 2)


def derivative(f, x, h=1e-5):
    """Central differences of f at x; the axes of x come last."""
    x, columns = np.asarray(x, dtype=float), []
    for k in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[k] = h
        columns.append((f(x + e) - f(x - e)) / (2 * h))
    columns = np.stack(columns, axis=-1)
    return columns.reshape(*columns.shape[:-1], *x.shape)


def histories(T, m, **options):
    """For each run of a trajectory, arrays over its steps: errors, norms and directions."""
    tapes, names = {}, ("error", "norms", "directions")
    for stage in trajectory(T, m, **options):
        seen = {name: to_numpy(getattr(stage.now, name)) for name in names}
        for i, k in enumerate(stage.runs.tolist()):
            tapes.setdefault(k, []).append([seen[name][i] for name in names])
    stacked = ([np.stack(x) for x in zip(*tapes[k], strict=True)] for k in sorted(tapes))
    return [dict(zip(names, arrays, strict=True)) for arrays in stacked]


def inside(d, T, seed):
    """A tensor of R^k put into a uniform k-dimensional subspace of R^d."""
    return T.image(targets.orthogonal(d, T.dim, 2, seed=seed, batch=T.batch).factors)


def notebook(name):
    """What a notebook defines, without its runs: its imports and functions, as a namespace."""
    path = Path(__file__).parent.parent / "notebooks" / f"{name}.py"
    tree, kinds = ast.parse(path.read_text(encoding="utf-8")), (ast.Import, ast.ImportFrom)
    tree.body = [node for node in tree.body if isinstance(node, (*kinds, ast.FunctionDef))]
    space = {"__name__": name}
    exec(compile(tree, str(path), "exec"), space)
    return SimpleNamespace(**space)
