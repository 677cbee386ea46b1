"""One and two BLAS threads give the same digits (whole notebooks: weekly, see the workflow)."""

import os
import subprocess
import sys

import pytest

# Products and decompositions large enough that two threads share them.
WORK = """
import numpy as np
from td import descent, lazy, objective, targets
from td.tensor import SymmetricTensor

rng = np.random.default_rng(0)
U, w = rng.standard_normal((30, 500)), rng.standard_normal(500)
model, small = (SymmetricTensor(w[:m], U[:, :m], 3) for m in (500, 12))
T = targets.random(30, 3, 3, seed=1)
run = descent.descend(T, 60, seed=0)
for found in (
    objective.gradient(model, T),
    lazy.lazy_error(rng.standard_normal((9, 20)), rng.standard_normal((495, 3)), 4),
    np.linalg.eigvalsh(lazy.tangent_kernel(small)),
    run.error, run.steps,
):
    print(" ".join(f"{x:.6g}" for x in np.ravel(found)))
"""


def printed(threads):
    """What the work prints in a process of its own."""
    names = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]
    env = os.environ | dict.fromkeys(names, str(threads))
    return subprocess.check_output([sys.executable, "-c", WORK], env=env, text=True)


@pytest.mark.slow
def test_two_threads_print_what_one_does():
    one = printed(1)
    assert len(one.split()) > 15_000 and printed(2) == one
