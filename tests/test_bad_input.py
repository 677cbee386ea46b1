"""Bad input: every complaint names the argument, what it got and what is allowed.

One argument at a time of one right call, in the table of cases.py, is spoilt.
"""

import inspect
import re

import array_api_strict
import numpy as np
import pytest
import reference
from cases import FUNCTIONS, INF, NAN, TABLE, WRONG, call, problem

from td.tensor import SymmetricTensor

PROBLEM = problem(np.asarray)


def right(name):
    """The arguments of an entry's first call, by name."""
    calls, function = [], FUNCTIONS[name]

    def noted(*args, **options):
        calls.append(inspect.signature(function).bind(*args, **options).arguments)
        return function(*args, **options)

    call(name, noted, PROBLEM)
    options = {"options", "tensors"} & calls[0].keys()  # what a function takes by any name
    return calls[0] | {k: v for name in options for k, v in calls[0].pop(name).items()}


def spoilt(x, lists):
    """Ways to spoil an array by itself; some functions take ``lists`` and integers, too."""
    last = np.arange(x.size).reshape(x.shape) == x.size - 1
    ways = [x[:0], np.where(last, NAN, x), np.where(last, INF, x), np.ma.masked_array(x)]
    ways += [] if lists else [x.tolist(), x.astype(int)]
    return ways + [np.array(1.0)] * (x.ndim > 1)


def unfit(x, axis):
    """Ways to make an array or a tensor unfit for the others of its call."""
    if isinstance(x, SymmetricTensor):
        others = [reference.tensor(5, 5, 3, batch=(2,)), reference.tensor(4, 5, 3, batch=(3,))]
        return [x.moved(np, dtype=np.float32), x.moved(array_api_strict), *others]
    others = [np.concatenate([x, x[:1]]), *[np.delete(x, 0, axis=axis)] * (x.ndim > 1)]
    return [x.astype(np.float32), array_api_strict.asarray(x), *others]


def bad_calls(name):
    """All calls that must fail, and the words of which the complaint must hold one."""
    good, entry = right(name), TABLE[name]
    arrays = [k for k, x in good.items() if isinstance(x, (np.ndarray, SymmetricTensor))]
    arrays = [k for k in arrays if k != "clock"]  # always the host's
    for argument in {**good, **entry.refused}:
        value, refused = good.get(argument), entry.refused.get(argument, [])
        if entry.spoil and isinstance(value, np.ndarray):
            refused = [*refused, *spoilt(value, entry.lists)]
        elif entry.spoil and not isinstance(value, SymmetricTensor):
            refused = refused or WRONG.get(argument, [])
        yield from (({**good, argument: bad}, [argument]) for bad in refused)
        if entry.spoil and argument in arrays and len(arrays) > 1:
            yield from (({**good, argument: bad}, arrays) for bad in unfit(value, entry.axis))


@pytest.mark.parametrize("name", [name for name, x in TABLE.items() if x.spoil or x.refused])
def test_complaints(name):
    """A spoilt argument is a ValueError or TypeError that names it, or what it does not fit."""
    for arguments, words in bad_calls(name):
        with pytest.raises((ValueError, TypeError)) as complaint:
            result = FUNCTIONS[name](**arguments)
            next(result) if inspect.isgenerator(result) else None  # it complains where it begins
            pytest.fail(f"no complaint about {words} of {arguments}")
        text = str(complaint.value)
        for needed in ("|".join(words), "must", "got|zero|symmetric"):
            assert re.search(rf"\b({needed})\b", text), (words, text)
