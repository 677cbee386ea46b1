"""Measure how long each notebook takes at the budgets named, one at a time: docs/minutes.csv.

What is counted is the kernel's processor time with one BLAS thread, in minutes, rounded up to
halves: the time by the clock on an otherwise idle core. The stored notebooks stay as they are.
"""

import csv
import os
import resource
import sys
from math import ceil
from tempfile import TemporaryDirectory

import jupytext
from nbclient import NotebookClient

from tools.paper import ROOT

TABLE = ROOT / "docs" / "minutes.csv"
COLUMNS = ["notebook", "quick", "ci", "paper"]


def used():
    """Return the processor time of all processes that have ended, in seconds."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def minutes(source):
    """Execute a notebook in a folder of its own and return what it took."""
    before = used()
    with TemporaryDirectory(dir=ROOT) as folder:
        where = {"metadata": {"path": folder}}
        NotebookClient(jupytext.read(source), timeout=None, resources=where).execute()
    return ceil((used() - before) / 30) / 2


def write(rows):
    """Write the table, a row for each notebook."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows[name] for name in sorted(rows))


def main(budgets):
    """Measure every notebook at each budget and renew those columns of the table."""
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    stored = list(csv.DictReader(TABLE.open(encoding="utf-8"))) if TABLE.exists() else []
    known = {row["notebook"]: row for row in stored}
    for source in sorted(ROOT.glob("notebooks/[0-9][0-9]_*.py")):
        row = known.setdefault(source.stem[:2], dict.fromkeys(COLUMNS, "not measured"))
        row["notebook"] = source.stem[:2]
        for budget in budgets:
            os.environ["TD_BUDGET"] = budget
            row[budget] = f"{minutes(source):g}"
            print(source.stem, budget, row[budget], flush=True)
            write(known)


if __name__ == "__main__":
    main(sys.argv[1:] or ["quick", "ci"])
