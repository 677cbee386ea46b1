"""What td offers, so that nothing new can go without its entry in the table of cases.py."""

import functools
import importlib
import inspect
import pkgutil
from importlib.util import find_spec

import td

METHODS = (property, functools.cached_property, classmethod, staticmethod)
# What every refusal goes through, what the notebooks draw with, and what needs numba to import.
ELSEWHERE = ("check", "show", *(() if find_spec("numba") else ("fast",)))


def modules():
    """The package's modules by their short names."""
    names = [module.name for module in pkgutil.iter_modules(td.__path__)]
    return {name: importlib.import_module(f"td.{name}") for name in names if name not in ELSEWHERE}


def everything():
    """All that takes arguments, by name: "module.function", "Class.method", checked "Class"."""
    found = {}
    for short, module in modules().items():
        own = {k: v for k, v in vars(module).items() if k[0] != "_" and callable(v)}
        for name, value in own.items():
            if getattr(value, "__module__", None) != module.__name__:
                continue
            if not inspect.isclass(value):
                found[f"{short}.{name}"] = value
            else:
                found |= {f"{name}.{key}": method for key, method in methods(value).items()}
                found |= {name: value} if "__post_init__" in vars(value) else {}
    return found


def methods(cls):
    """The public methods and properties of a class as functions of ``self`` and the arguments."""
    found = {k: v for k, v in vars(cls).items() if k[0] != "_"}
    read = lambda key: lambda self: getattr(self, key)  # noqa: E731
    return {
        key: value if inspect.isfunction(value) else read(key)
        for key, value in found.items()
        if callable(value) or isinstance(value, METHODS)
    }
