"""The two-step rule by hand in JAX, compiled for all runs at once: td.descent's step, p = 2.

It runs in a process of its own that is pinned to some cores, for JAX takes a thread for each.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
PROBLEM = {}  # of this process


@contextmanager
def pinned(cores, *problem):
    """A process on these cores, ready to ``advance`` the problem, which stays there."""
    with ProcessPoolExecutor(1, get_context("spawn"), load, (cores, *problem)) as process:
        yield lambda *args, **options: process.submit(advance, *args, **options).result()


def load(cores, U, a, c, V, l, recipe):
    """Pin this process and compile one step of all runs, and any number of steps in one call."""
    os.sched_setaffinity(0, cores)
    one = jax.vmap(partial(step, l=l, recipe=recipe), in_axes=(0, 0, None, None))
    a, c, V, error = *map(jnp.asarray, (a, c, V)), jnp.zeros(len(U))
    many = lambda n, U: jax.lax.fori_loop(0, n, lambda _, x: one(x[0], a, c, V), (U, error))  # noqa: E731
    PROBLEM.update(U=jnp.asarray(U), one=jax.jit(lambda U: one(U, a, c, V)), many=jax.jit(many))


def advance(steps, *, loop, fetch=False):
    """Take steps from the start, in one compiled loop or one by one; return factors if asked."""
    U = PROBLEM["U"]
    if loop:
        U, _ = PROBLEM["many"](steps, U)
    else:
        for _ in range(steps):
            U, _ = PROBLEM["one"](U)
    U.block_until_ready()
    return np.asarray(U) if fetch else None


def step(U, a, c, V, l, recipe):
    """One step of one run, U (k, m), on T* = sum_j c_j v_j^{⊗l}, and the error before it."""
    norms = jnp.sqrt(jnp.sum(U * U, axis=0))
    X, w, rest = U / norms, a * norms**2, U.shape[0] - V.shape[0]
    G = X.T @ X
    theirs = jnp.pad((V * c) @ (V.T @ X[: V.shape[0]]) ** (l - 1), ((0, rest), (0, 0)))
    E = (X * w) @ G ** (l - 1) - theirs
    square = 1 + jnp.sum(w * jnp.sum(X * (E - theirs), axis=0))
    s = step_sizes(norms, G, E, l, recipe)
    return U - s * norms * a * E, jnp.sqrt(jnp.maximum(square, 0))


def step_sizes(norms, G, E, l, recipe):
    """One step for the small components and one for the large, as ``td.descent`` says."""
    small, kernel = norms <= recipe.small, jnp.abs(G) ** (l - 2)
    turning = jnp.sqrt(jnp.sum(E * E, axis=0)) / recipe.turn

    def stiffness(chosen):
        curving = l * (jnp.where(chosen, norms**2, 0) @ kernel) / recipe.damp
        return jnp.max(jnp.where(chosen, jnp.maximum(turning, curving), 0))

    stiff = stiffness(small)
    return 1 / jnp.where(small, stiff, jnp.maximum(stiff, stiffness(~small)))
