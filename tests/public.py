"""Every public function and method of td, so that a new one cannot go without its checks."""

import functools
import importlib
import inspect
import pkgutil

import td

METHODS = (property, functools.cached_property, classmethod, staticmethod)


def modules():
    """The package's modules by their short names."""
    names = [module.name for module in pkgutil.iter_modules(td.__path__)]
    return {name: importlib.import_module(f"td.{name}") for name in names}


def functions():
    """The public functions that each module defines, as "module.function"."""
    found = {}
    for name, module in modules().items():
        for key, value in vars(module).items():
            own = getattr(value, "__module__", None) == module.__name__
            if own and callable(value) and not inspect.isclass(value) and key[0] != "_":
                found[f"{name}.{key}"] = value
    return found


def methods():
    """The public methods and properties that each public class defines, as "Class.method"."""
    found = {}
    for module in modules().values():
        for key, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == module.__name__ and key[0] != "_":
                for name, value in vars(cls).items():
                    if name[0] != "_" and (callable(value) or isinstance(value, METHODS)):
                        found[f"{key}.{name}"] = value
    return found
