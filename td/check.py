"""Every complaint about bad input, at the doors: the argument, what it got, what is allowed."""

from typing import Any

import numpy as np

from td.backend import Array, Namespace, namespace


def integer(name: str, value: Any, minimum: int) -> int:
    """Return ``value`` as an int that is at least ``minimum``, or raise TypeError / ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, got {value!r} ({type(value).__name__})")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")
    return int(value)


def number(name: str, value: Any, minimum: float = -np.inf, *, strict: bool = False) -> float:
    """Return ``value`` as a finite float >= ``minimum`` (> if ``strict``), or raise."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a real number, got {value!r} ({type(value).__name__})")
    if not np.isfinite(value) or value < minimum or (strict and value == minimum):
        bound = "" if minimum == -np.inf else f" and {'>' if strict else '>='} {minimum:g}"
        raise ValueError(f"{name} must be finite{bound}, got {value}")
    return float(value)


def choice(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of the ``allowed`` words, or raise ValueError."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def array(name: str, x: Array, shape: tuple[str | int, ...]) -> Array:
    """Return ``x`` if it is a finite float32 or float64 array, ``shape`` its last axes, or raise.

    TypeError for another dtype, ValueError for another shape or for NaN and inf. A number in
    ``shape`` is the size required there; a letter only names the axis in the message. Leading axes
    are a batch of any shape, but none of them may be empty.
    """
    xp = same_library(**{name: x})
    if x.dtype not in (xp.float32, xp.float64) or np.ma.isMaskedArray(x):
        raise TypeError(f"{name} must hold float32 or float64, got {type(x).__name__} {x.dtype}")
    trailing = x.shape[max(x.ndim - len(shape), 0) :]
    fits = len(trailing) == len(shape) and all(
        s == n or isinstance(s, str) for s, n in zip(shape, trailing, strict=True)
    )
    if not fits or 0 in x.shape:
        wanted, got = f"(..., {', '.join(map(str, shape))})", tuple(x.shape)
        raise ValueError(f"{name} must have shape {wanted} with no empty axis, got {got}")
    if not bool(xp.all(xp.isfinite(x))):
        raise ValueError(f"{name} must be finite, got NaN or infinite entries")
    return x


def given(name: str, x: Any) -> Array:
    """Return a user's array: lists and DataFrames as numpy's, integers as float64, or raise."""
    if np.ma.isMaskedArray(x) or hasattr(x, "toarray"):
        raise TypeError(f"{name} must be dense and without a mask, got {type(x).__name__}")
    x = np.asarray(x) if isinstance(x, np.ndarray) or not hasattr(x, "dtype") else x
    xp = same_library(**{name: x})
    x = xp.astype(x, xp.float64) if xp.isdtype(x.dtype, "integral") else x
    return array(name, x, x.shape)


def same_library(**arrays: Array) -> Namespace:
    """Return the one namespace of ``arrays``; raise TypeError if they mix namespaces or dtypes."""
    try:
        xp = namespace(*arrays.values())
    except TypeError as err:
        raise TypeError(f"{', '.join(arrays)}: {err}") from None
    if len({x.dtype for x in arrays.values()}) > 1:
        found = ", ".join(f"{name} {x.dtype}" for name, x in arrays.items())
        raise TypeError(f"the arrays must share one dtype, got {found}")
    return xp


def batch(**shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that the batch axes ``shapes`` broadcast to, or raise ValueError."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"the batch axes must broadcast together, got {found}") from None
