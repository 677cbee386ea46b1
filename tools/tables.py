"""Is a stored table what the code gives? Recompute cells chosen at random; sign what agrees.

A table of td/tables is made by one function of a notebook, cell by cell, in hours. `make tables`
recomputes some cells of each with new seeds. Where counts agree it writes the digest of the code
that they agree with, the function and all of the notebook that it reads, in notebooks/digests.json.
A test compares digests, and another recomputes cells of a few tables in every run.
"""

import ast
import inspect
import json
import re
import symtable
import sys
from functools import cache
from hashlib import sha256

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from tools.ledger import NOTEBOOKS, ROOT

TABLES = ROOT / "td" / "tables"
RUNS = 40  # in a recomputed cell, where the notebook does not say how many
ODD = 1e-6  # so that a false alarm is not to be expected in a lifetime of runs
DIGESTS = NOTEBOOKS / "digests.json"
ONE_PERCENT = {"sum": lambda run: run["error"] <= 0.01}
EPOCHS = {f"{n}": lambda run, n=n: run["steps"] <= 300 * n for n in (20, 40)}
STEPS = {f"{t}": lambda run, t=t: run["steps"] <= t for t in (6_000, 18_000)}
SWEEPS = {f"{t}": lambda run, t=t: run["taken"] <= t for t in (100, 1_000)}
REACHED = {"wins": lambda run: np.isfinite(run["taken"])}
ALS = {"start": "normal", "rule": "plain", "tol": 0.01, "sweeps": 1_000, "r": 8}
MAKERS = {  # table: notebook, function, what is counted, runs in a stored cell, what it leaves out
    "needed": ("08", "cell", ONE_PERCENT, "size", {}),
    "rank_is_enough": ("08", "at_rank", ONE_PERCENT, "size", {}),
    "apart": ("08", "patience", EPOCHS, "runs", {}),
    "accuracy": ("08", "accuracy", {"sum": lambda run: run["success"]}, "size", {}),
    "overcomplete": ("11", "overcomplete", STEPS, "runs", {}),
    "recipes": ("11", "at_the_rank", STEPS, "runs", {}),
    "hard_rates": ("11", "hard", STEPS, "runs", {}),
    "trap": ("11", "trapped", STEPS, "runs", {}),
    "parallel": ("11", "near_parallel", STEPS, "runs", {}),
    "parallel_wide": ("11", "doubled", STEPS, "runs", {}),
    "als_width": ("12", "fitted", REACHED, "runs", ALS),
    "als_rules": ("12", "fitted", SWEEPS, "runs", ALS),
    "als_worst": ("12", "fitted", REACHED, 30, ALS),
    "als_on_hard": ("12", "on_hard", SWEEPS, 200, {}),
    "als_descent": ("12", "beside", {"done": lambda run: run["done"]}, 60, {}),
}

OTHERS = {  # not counts of a cell: who checks them
    **dict.fromkeys(
        ("hard", "als_hard"), "targets that a search found: the notebook evaluates them"
    ),
    **dict.fromkeys(
        ("missing", "noisy"), "means: the notebook recomputes some, within their errors"
    ),
    **dict.fromkeys(("ends", "starts", "patient"), "single long runs, made at TD_BUDGET=paper"),
    **{"als_speed": "errors: the notebook recomputes medians", "als_tensorly": "another library's"},
    **{"alternatives": "timings by `make bench`: notebook 09 recomputes 30 of its cells"},
}


def reads(node):
    """Return the global names that a statement reads, those of its inner functions included."""
    tables, found = [symtable.symtable(ast.unparse(node), "", "exec")], set()
    for table in tables:
        tables += table.get_children()
        inner = isinstance(table, symtable.Function)
        symbols = [x for x in table.get_symbols() if x.is_global() or x.is_referenced() > inner]
        found |= {x.get_name() for x in symbols}
    return found


def names(node):
    """Return the names that a statement gives: of a function, of imports, or of variables."""
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return {x.id for x in ast.walk(node) if isinstance(x, ast.Name) and type(x.ctx) is ast.Store}


@cache
def part(name):
    """Return the notebook that makes a table, and its statements that the maker reads, in order."""
    number, wanted, *_ = MAKERS[name]
    (path,) = NOTEBOOKS.glob(f"{number}_*.py")
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.Assign)
    body = [x for x in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(x, kinds)]
    needed, before = {wanted}, set()
    while needed != before:
        before = needed
        needed = before.union(*(reads(node) for node in body if names(node) & before))
    return path, [node for node in body if names(node) & needed]


def digest(name):
    """Return the digest of a maker and of all of its notebook that it reads, in any layout."""
    path, body = part(name)
    text = path.read_text(encoding="utf-8")
    own = [node for node in body if not isinstance(node, (ast.Import, ast.ImportFrom))]
    code = "".join(ast.get_source_segment(text, node) for node in own)
    bare = re.sub(r"""\s|#[^\n"']*$""", "", code, flags=re.MULTILINE)
    return sha256(re.sub(r",(?=[)\]}])", "", bare).encode()).hexdigest()[:16]


@cache
def maker(name):
    """Return the function that makes a table, with no more of its notebook than it reads."""
    path, body = part(name)
    exec(compile(ast.Module(body, []), str(path), "exec"), space := {"__name__": path.stem})
    return space[MAKERS[name][1]]


def compared(name, rng):
    """Recompute a random cell with a new seed; return it, and the least p of Fisher's tests."""
    _, _, counts, size, extra = MAKERS[name]
    table = pd.read_csv(TABLES / f"{name}.csv")
    row, seed = table.iloc[rng.integers(len(table))].to_dict(), int(rng.integers(2**31))
    given = {"k": row.get("r"), **extra, **row, "runs": RUNS}  # als_rules has k = r
    asked = inspect.signature(maker(name)).parameters
    run = maker(name)(seed, **{key: x for key, x in given.items() if key in asked})
    won = {column: np.asarray(count(run)) for column, count in counts.items()}
    both = [(int(row[c]), row.get(size, size), int(x.sum()), x.size) for c, x in won.items()]
    least = min(fisher_exact([[k, n - k], [j, m - j]]).pvalue for k, n, j, m in both)
    return {**row, "seed": seed, "recomputed": both}, least


def signed():
    """Return the digests of the code with which the tables were last found to agree."""
    return json.loads(DIGESTS.read_text(encoding="utf-8")) if DIGESTS.exists() else {}


def main(wanted, cells=6):
    """Recompute cells of the tables named, or of all; sign those that agree; return the status."""
    digests, rng, failed = signed(), np.random.default_rng(), []
    for name in wanted or MAKERS:
        found = [compared(name, rng) for _ in range(cells)]
        odd = [cell for cell, p in found if p < ODD]
        print(f"{name}: {cells - len(odd)} of {cells} cells agree", *odd, sep="\n  ", flush=True)
        if odd:
            failed.append(name)
        else:
            digests[name] = digest(name)
    DIGESTS.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
