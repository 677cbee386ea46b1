"""The project's own rules: one list of dependencies, a lock that follows it, clean code."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import pages
from tools.ledger import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
SOURCES = sorted(ROOT.glob("td/**/*.py"))


def requirements(*groups):
    """Return what pyproject.toml asks for at run time and in ``groups``, by name."""
    lines = [*PYPROJECT["project"]["dependencies"]]
    lines += [line for group in groups for line in PYPROJECT["dependency-groups"][group]]
    return {canonicalize_name(r.name): r.specifier for r in map(Requirement, lines)}


def run(*command):
    """Run a command at the root; return how it ended."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("check", ["ruff check", "ruff format --check --diff", "mypy"])
def test_code_is_clean(check):
    done = run(sys.executable, "-m", *check.split())
    assert done.returncode == 0, done.stdout + done.stderr


def test_lock_satisfies_pyproject():
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", LOCK, re.MULTILINE)
    for name, allowed in requirements("test", "docs").items():
        versions = [version for pin, version in pins if pin == name]
        assert versions, f"{name} is missing from requirements.lock: make lock"
        assert all(version in allowed for version in versions), (name, versions, str(allowed))


def test_lock_is_portable():
    assert not re.search(r"://|index-url|find-links|@ |^-|\.whl", LOCK, re.MULTILINE)
    entries = re.findall(r"^[a-z](?:.*\\\n)*.*", LOCK, re.MULTILINE)
    assert entries and all("--hash=sha256:" in entry for entry in entries)


def test_lock_is_current(tmp_path):
    copy = shutil.copy(ROOT / "requirements.lock", tmp_path)
    done = run("make", "lock", f"LOCK={copy}", f"UV={sys.executable} -m uv -q", "READY=")
    if "Failed to fetch" in done.stderr and not os.environ.get("CI"):
        pytest.skip("the package index can't be reached")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "requirements.lock").read_text(encoding="utf-8") == LOCK, "make lock"


def test_conda_environment_names_the_same_packages():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = {r.name: r.specifier for r in map(Requirement, (x for x in listed if type(x) is str))}
    assert str(conda.pop("python")) == PYPROJECT["project"]["requires-python"]
    assert conda.pop("pip") == ""
    assert conda == requirements("test", "lab")
    assert listed[-1] == {"pip": ["-e ."]}


def test_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split()
    recipes = re.findall(r"^([a-z]+):", makefile, re.MULTILINE)
    shown = subprocess.check_output(["make", "-s", "help"], cwd=ROOT, text=True)
    assert targets == recipes == re.findall(r"^ +make (\w+) +\w", shown, re.MULTILINE)


def test_what_is_generated_is_current_and_stands_nowhere_else():
    for path, text in pages.pages():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is stale: make ledger"
        for mark in ("<!-- ledger -->", "<!-- /ledger -->"):
            assert text.count(mark) == (path.stem in ("README", "ledger", "00_overview"))
        generated = r"\(https://colab[^)]*\)|git\+https://\S+@v|git clone \S+"
        rest = re.sub(generated, "", text)
        assert pages.ADDRESS.partition("//")[2] not in rest, (
            f"{path.name} holds the address where nothing updates it"
        )


SPY = """
import importlib, pkgutil, sys

class Spy:
    def find_spec(name, *_):
        if name.partition(".")[0] in ("cupy", "cupyx"):
            sys.exit(f"something imports {name}")

sys.meta_path.insert(0, Spy)
import td
for module in pkgutil.walk_packages(td.__path__, "td."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


@pytest.mark.slow
def test_importing_td_imports_no_cupy():
    options = ["-W", "error", "-W", "ignore::DeprecationWarning"]  # those are for authors
    done = run(sys.executable, *options, "-c", SPY)
    assert done.returncode == 0, done.stderr


def imported(node):
    """Return the modules that a syntax node imports, by statement or by call."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    if isinstance(node, ast.Call) and "import" in ast.unparse(node.func):
        return [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
    return []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_only_the_backend_imports_cupy(path):
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    named = {str(name).partition(".")[0] for node in nodes for name in imported(node)}
    assert path.name == "backend.py" or not named & {"cupy", "cupyx"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_power_above_two(path):
    """An array to the power of an integer above 2 calls pow, far slower than products."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            base, power = node.left, node.right
            high = isinstance(power, ast.Constant) and type(power.value) is int and power.value > 2
            assert not high or isinstance(base, ast.Constant), f"line {node.lineno}"
