"""Where arrays live: numpy on the CPU or cupy on a GPU. The only file that names cupy.

Functions of this package follow the arrays they are given: ``xp = namespace(x)``. Random numbers
are drawn by numpy on the host and then moved, so CPU and GPU start from the same point.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from functools import cache
from textwrap import shorten
from typing import Any

import array_api_compat
import array_api_compat.numpy
import numpy as np

Array = Any  # an array of any namespace: numpy, cupy, array-api-strict
Namespace = Any
# glibc returns freed arrays to the system, which hands them back page by page, at every step. It
# stops doing so for arrays smaller than the largest one freed so far (32 MiB at most).
np.empty(31 << 20, dtype=np.uint8)

Seed = int | Sequence[int] | np.random.SeedSequence | np.random.Generator


def namespace(*arrays: Array) -> Namespace:
    """Return the array-API namespace that all ``arrays`` share; TypeError if there is not one."""
    if set(map(type, arrays)) == {np.ndarray}:  # the common case, made fast
        return array_api_compat.numpy
    try:
        return array_api_compat.array_namespace(*arrays)
    except TypeError:
        kinds = sorted({f"{type(x).__module__}.{type(x).__name__}" for x in arrays})
        raise TypeError(
            f"all arrays must come from one array library, got {', '.join(kinds)}"
        ) from None


def like(x: Any, reference: Array) -> Array:
    """Move host data ``x`` to the namespace, device and float dtype of ``reference``."""
    x = np.asarray(x)
    dtype = reference.dtype if x.dtype.kind == "f" else None
    if isinstance(reference, np.ndarray):  # the common case, made fast
        return x.astype(dtype or x.dtype, copy=False)
    xp = namespace(reference)
    return xp.asarray(x, dtype=dtype, device=array_api_compat.device(reference))


def to_numpy(x: Array) -> np.ndarray:
    """Copy ``x`` to the host as a numpy array, from whatever device it is on."""
    if array_api_compat.is_cupy_array(x):
        return x.get()
    if array_api_compat.is_numpy_array(x):
        return x
    return np.from_dlpack(x, device="cpu")


def generator(seed: Seed) -> np.random.Generator:
    """Return a numpy Generator for ``seed``: a non-negative int, several, or a Generator.

    Raises TypeError for anything else (None too: unseeded runs cannot be repeated).
    """
    if seed is None or isinstance(seed, (bool, float, str)):
        raise TypeError(f"seed must be an integer, integers or a numpy Generator, got {seed!r}")
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as err:
        raise type(err)(
            f"seed must be non-negative integers or a numpy Generator, got {seed!r}"
        ) from None


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
            _say_once(f"td uses numpy: cupy is installed, but no usable GPU was found: {why}")
        return array_api_compat.numpy


@cache
def _say_once(line: str) -> None:
    """Print a line on stderr, once per process; notebooks do not store it."""
    print(line, file=sys.stderr)


def _usable_cupy() -> Namespace:
    """Import cupy and multiply two matrices: counting devices does not show that one works."""
    xp: Namespace = importlib.import_module("array_api_compat.cupy")

    ones = xp.ones((2, 2))
    if float(xp.sum(ones @ ones)) != 8.0:
        raise RuntimeError("a 2 x 2 product came back wrong")
    return xp
