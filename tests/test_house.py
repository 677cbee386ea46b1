"""The package stays small, and reads from the top down: what it may import, and how much it is."""

import ast
from pathlib import Path
from statistics import median

import pytest

import td

ORDER = (  # each module may import those before it
    *("backend", "check", "tensor", "moments", "objective", "targets", "lazy", "flow", "data"),
    *("descent", "fast", "decomposition", "rates", "sweep", "show"),
)
ON_DEMAND = [("backend", "'array_api_compat.cupy'"), ("descent", "'td.fast'")]
WIDE = {"descend", "trajectory", "decompose"}  # the entries, whose arguments are the user's choices
SOURCES = {p.stem: p.read_text(encoding="utf-8") for p in Path(td.__file__).parent.glob("*.py")}
NODES = {k: list(ast.walk(ast.parse(x))) for k, x in sorted(SOURCES.items()) if k != "__init__"}
FUNCTIONS = {
    (module, node.name, node.lineno): node
    for module, nodes in NODES.items()
    for node in nodes
    if isinstance(node, ast.FunctionDef)
}


def imported(nodes):
    """The modules of td that one imports by statement, each by its short name."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            names = [f"{base}.{x.name}" for x in node.names] if base in ("td", ".") else [base]
        else:
            names = [x.name for x in node.names] if isinstance(node, ast.Import) else []
        yield from ([*x.split("."), ""][1] for x in names if x.partition(".")[0] in ("td", ""))


def length(key):
    """The lines of a function's code: no signature, docstring, comment or blank line."""
    node = FUNCTIONS[key]
    body = node.body[ast.get_docstring(node) is not None :]
    lines = SOURCES[key[0]].splitlines()[body[0].lineno - 1 : body[-1].end_lineno] if body else []
    return sum(1 for line in lines if line.strip() and line.strip()[0] != "#")


def parameters(key):
    """How many arguments a function takes, less ``self``."""
    a = FUNCTIONS[key].args
    taken = [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg) if x]
    return len([x for x in taken if x != "self"])


def test_each_module_has_its_place():
    """A new one must be put into the order."""
    assert sorted(ORDER) == sorted(NODES)


@pytest.mark.parametrize("name", ORDER)
def test_modules_import_only_those_before_them(name):
    """So there is no circle, and whoever reads in this order has read all that is used."""
    before = ORDER[: ORDER.index(name)]
    assert not [x for x in imported(NODES[name]) if x not in before]


def test_two_modules_are_imported_on_demand():
    """Cupy and the compiled steps, by name: nothing else hides from the order."""
    calls = [
        (module, ast.unparse(node.args[0]))
        for module, nodes in NODES.items()
        for node in nodes
        if isinstance(node, ast.Call) and "import_" in ast.unparse(node.func)
        if isinstance(node.args[0], ast.Constant)  # a variable names what a reader's code imports
    ]
    assert calls == ON_DEMAND
    assert [name for name in NODES if "importlib" in SOURCES[name]] == ["backend", "descent"]


def test_lines():
    """The package has at most 2,490 lines, a fifth of them `td.decompose`."""
    lines = {name: text.count("\n") for name, text in sorted(SOURCES.items())}
    assert sum(lines.values()) <= 2490, f"{sum(lines.values())} lines: {lines}"


def test_public_names():
    """At most 90 functions and classes are public."""
    names = [
        f"{module}.{node.name}"
        for module, nodes in NODES.items()
        for node in nodes[0].body  # the module's own, not methods
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_"
    ]
    assert len(names) <= 90, f"{len(names)} public functions and classes: {names}"


def test_functions_are_short():
    """The median function has at most seven lines of code."""
    lengths = {key: length(key) for key in FUNCTIONS}
    longest, found = sorted(lengths, key=lengths.get)[-5:], median(lengths.values())
    assert found <= 7, f"median {found}, longest {[(key, lengths[key]) for key in longest]}"


def test_functions_take_few_arguments():
    """At most six, but for the entries."""
    counts = {key: parameters(key) for key in FUNCTIONS if key[1] not in WIDE}
    assert not {key: n for key, n in counts.items() if n > 6}
