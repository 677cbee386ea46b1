"""Write docs/minutes.csv anew: what each notebook takes at the budgets named, one at a time.

That is its kernel's processor time with one BLAS thread, in minutes, rounded up to halves. The
stored notebooks stay as they are.
"""

import os
import sys
from math import ceil
from tempfile import TemporaryDirectory

import pandas as pd

from tools.paper import ROOT, perform, sources

TABLE = ROOT / "docs" / "minutes.csv"


THREADS = dict.fromkeys(["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"], "1")


def minutes(source, budget):
    """Execute a notebook in a folder of its own and return what it took."""
    before = sum(os.times()[2:4])  # of all processes that have ended
    env = THREADS | {"TD_BUDGET": budget}
    with TemporaryDirectory(dir=ROOT) as folder:
        _, failure = perform(source, timeout=None, env=env, folder=folder)
    assert not failure, failure
    return ceil((sum(os.times()[2:4]) - before) / 30) / 2


if __name__ == "__main__":
    table = pd.read_csv(TABLE, index_col="notebook", dtype=str)
    for source in sources():
        for budget in sys.argv[1:] or ["quick", "ci"]:
            table.loc[source.stem[:2], budget] = f"{minutes(source, budget):g}"
            table.sort_index().to_csv(TABLE, na_rep="not measured")
            print(source.stem, budget, table.loc[source.stem[:2], budget], flush=True)
