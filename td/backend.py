"""Where arrays live: numpy on the CPU or cupy on a GPU. The only file that names cupy.

Functions of this package follow the arrays they are given: ``xp = namespace(x)``. Random numbers
are drawn by numpy on the host and then moved, so CPU and GPU start from the same point.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from textwrap import shorten
from typing import Any

import array_api_compat
import array_api_compat.numpy
import numpy as np

Array = Any  # an array of any namespace: numpy, cupy, array-api-strict
Namespace = Any
Seed = int | Sequence[int] | np.random.SeedSequence | np.random.Generator
SALT = int(os.environ.get("TD_SALT") or 0)  # other seeds for all that is drawn: see `make salts`

# glibc returns freed arrays to the system, which hands them back page by page, at every step. It
# stops doing so for arrays smaller than the largest one freed so far (32 MiB at most).
np.empty(31 << 20, dtype=np.uint8)


def namespace(*arrays: Array) -> Namespace:
    """Return the array-API namespace that all ``arrays`` share; TypeError if there is not one."""
    if set(map(type, arrays)) == {np.ndarray}:  # the common case, made fast
        return array_api_compat.numpy
    try:
        return array_api_compat.array_namespace(*arrays)
    except TypeError:
        kinds = sorted({f"{type(x).__module__}.{type(x).__name__}" for x in arrays})
        found = ", ".join(kinds)
        raise TypeError(f"all arrays must come from one array library, got {found}") from None


def from_numpy(x: Any, reference: Array) -> Array:
    """Copy host data ``x`` to the namespace, device and float dtype of ``reference``."""
    x = np.asarray(x)
    dtype = reference.dtype if x.dtype.kind == "f" else None
    if isinstance(reference, np.ndarray):  # the common case, made fast
        return x.astype(dtype or x.dtype, copy=False)
    device = array_api_compat.device(reference)
    return namespace(reference).asarray(x, dtype=dtype, device=device)


def to_numpy(x: Array) -> np.ndarray:
    """Copy ``x`` to the host as a numpy array, from whatever device it is on."""
    if array_api_compat.is_cupy_array(x):
        return x.get()
    return x if array_api_compat.is_numpy_array(x) else np.from_dlpack(x, device="cpu")


def generator(seed: Seed) -> np.random.Generator:
    """Return a numpy Generator for ``seed``: a non-negative int, several, or a Generator.

    Raises TypeError for anything else (None too: unseeded runs cannot be repeated).
    """
    if seed is None or isinstance(seed, (bool, float, str)):
        raise TypeError(f"seed must be an integer, integers or a numpy Generator, got {seed!r}")
    try:
        rng = np.random.default_rng(seed)
    except (TypeError, ValueError) as err:
        wanted = "non-negative integers or a numpy Generator"
        raise type(err)(f"seed must be {wanted}, got {seed!r}") from None
    seq: Any = rng.bit_generator.seed_seq
    salted = {**seq.state, "spawn_key": (SALT, *seq.spawn_key)} if SALT and rng is not seed else {}
    return np.random.default_rng(np.random.SeedSequence(**salted)) if salted else rng


def gaussians(rng: np.random.Generator, d: int, used: int, places: np.ndarray) -> np.ndarray:
    """Standard normal vectors of R^d by coordinates, ``used`` <= d of which are in use: (k, m).

    k = min(d, used + m). Vector j, at position places[j] of a permutation of 0, ..., m-1, has
    standard normals in the coordinates of ``used`` and of the positions before its own, and in a
    coordinate of its own the length of the rest: chi with d - used - places[j] degrees of freedom.
    No rest is left from position d - used on. Source: notebook 07, "A fresh direction".
    """
    k, own = min(d, used + len(places)), used + places
    Z = rng.standard_normal((len(places), k)).T
    Z[np.arange(k)[:, None] > own] = 0.0
    new = np.flatnonzero(own < k)
    Z[own[new], new] = np.sqrt(rng.chisquare(float(d) - own[new]))
    return Z


def select(name: str | None = None) -> Namespace:
    """Return the namespace that notebooks compute in.

    ``name`` is "numpy", "cupy" or "auto" (cupy if a usable GPU is found; else numpy, with a line on
    stderr if cupy is installed); by default the variable TD_BACKEND, else "auto". RuntimeError if
    cupy is asked for and unusable, ValueError for another name.
    """
    name = name or os.environ.get("TD_BACKEND") or "auto"
    if name not in ("numpy", "cupy", "auto"):
        raise ValueError(f"backend must be 'numpy', 'cupy' or 'auto', got {name!r}")
    if name == "numpy":
        return array_api_compat.numpy
    try:
        return _usable_cupy()
    except Exception as err:  # whatever a broken driver raises means the same: no GPU to use
        why = shorten(f"{type(err).__name__}: {err}", 200, placeholder=" ...")
        if name == "cupy":
            raise RuntimeError(f"cupy was asked for but no usable GPU was found: {why}") from err
        if importlib.util.find_spec("cupy"):  # whoever installed it may be counting on a GPU
            print(f"td uses numpy: cupy is installed, but no usable GPU: {why}", file=sys.stderr)
        return array_api_compat.numpy


def _usable_cupy() -> Namespace:
    """Import cupy and multiply two matrices: counting devices does not show that one works."""
    xp: Namespace = importlib.import_module("array_api_compat.cupy")
    ones = xp.ones((2, 2))
    if float(xp.sum(ones @ ones)) != 8.0:
        raise RuntimeError("a 2 x 2 product came back wrong")
    return xp
