"""The live figures' kernel, in Node and in Chromium: td's path on td's draws, draws of td's law."""

import json
import shutil
import subprocess
from pathlib import Path

import array_api_compat.numpy
import numpy as np
import pytest
import reference
from browsing import CHROMIUM
from numpy.testing import assert_allclose
from scipy.stats import beta, kstest

from td import descent, targets
from td.lazy import tangent_kernel
from td.tensor import SymmetricTensor

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent / "docs" / "_static" / "descent.js", HERE / "replay.js"
NODE = shutil.which("node")
ENGINES = [name for name, found in (("node", NODE), ("chromium", CHROMIUM)) if found]
if not ENGINES:
    pytest.skip("there is neither Node nor Chromium", allow_module_level=True)
train = reference.notebook("01_lazy_training").train
train.__globals__["xp"] = array_api_compat.numpy

NORM = {"redraw": "norm", "stall": 0.0, "epochs": 4}
RUNS = [  # family, d, r, m, l, seed, recipe: redraws in each
    ("random", 6, 5, 8, 3, 2, {}),
    ("random", 4, 3, 6, 5, 3, {}),
    ("orthogonal", 30, 5, 8, 4, 2, {}),
    ("orthogonal", 30, 8, 8, 3, 3, NORM),
    ("correlated", 30, 8, 8, 3, 0, {}),
    ("orthogonal", 10**12, 3, 3, 4, 0, {}),
    ("random", 6, 5, 12, 4, 0, {"small": 0.0, "turn": 0.1, "damp": 0.5}),
]


def answers(engine, folder, cases):
    """What replay.js answers in Node, or in a page opened as a file."""
    if engine == "node":
        command = [NODE, str(SCRIPTS[1])]
        text = subprocess.check_output(command, input=json.dumps(cases), text=True)
        return json.loads(text)
    page, ask = folder / "page.html", f"document.body.textContent = answer({json.dumps(cases)})"
    scripts = "".join(f'<script src="{path.as_uri()}"></script>' for path in SCRIPTS)
    page.write_text(f"<body>{scripts}<script>{ask}</script></body>", encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--dump-dom", page.as_uri()]
    text = subprocess.check_output(command, stderr=subprocess.DEVNULL, text=True)
    return json.loads(text[text.index("<body>") + 6 : text.index("</body>")])


def columns(T):
    """A target as JavaScript takes it."""
    return {"weights": T.weights.tolist(), "factors": T.factors.T.tolist(), "order": T.order}


def handed(family, d, r, m, l, seed, recipe):
    """A case for ``replay``, with all that td draws in the run, and what td sees in it."""
    T, draws, real = targets.spanned(family, d, r, l, seed=seed, signs="mixed"), [], descent.fresh

    def spy(*args, **options):
        U, a = real(*args, **options)
        draws.append((U[0].T.tolist(), a[0].tolist()))
        return U, a

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(descent, "fresh", spy)
        run = [*descent.trajectory(T, m, seed=seed, recipe=descent.Recipe(**recipe), dim=d)]
    return {"target": columns(T), "m": m, "recipe": recipe, "draws": draws}, run, T


def products(now, T):
    """The inner products of one run's components with each other and with T*'s, by rows."""
    U, V = now.factors[0], T.factors
    return np.hstack([U.T @ U, U[: len(V)].T @ V])


@pytest.fixture(scope="module")
def told():
    """All cases."""
    return [handed(*run) for run in RUNS]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_draws_give_the_same_path(engine, tmp_path, told):
    """Errors and norms of every step and inner products of every tenth to 1e-9; redraws alike."""
    found = answers(engine, tmp_path, [("replay", case) for case, *_ in told])
    for (_, stages, T), there in zip(told, found, strict=True):
        assert len(stages) == len(there["seen"]) > 300
        assert there["reason"] == stages[-1].reason[0]
        assert stages[-1].redraws[0] > 0 and there["left"] == 0
        for k, (stage, (error, norms)) in enumerate(zip(stages, there["seen"], strict=True)):
            assert abs(error - stage.now.error[0]) < 1e-9
            assert_allclose(norms, stage.now.norms[0], rtol=0, atol=1e-9)
            if k % 10 == 0:
                assert_allclose(there["products"][k // 10], products(stage.now, T), atol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_training_is_that_of_notebook_01(engine, tmp_path):
    """Errors over the steps from a paired start, and the kernel's largest eigenvalue."""
    T = targets.orthogonal(6, 2, 3, seed=0)
    V = targets.random(6, 4, 3, seed=1).factors
    model = SymmetricTensor(np.repeat([1.0, -1.0], 4), np.hstack([V, V]), 3)
    top = np.linalg.eigvalsh(tangent_kernel(model))[-1]
    case = {"target": columns(T), "start": model.factors.T.tolist(), "size": 0.5 / top}
    case |= {"weights": model.weights.tolist(), "steps": 400}
    alphas = [1.0, 30.0, 300.0]  # ‖E‖ by Gram matrices loses alpha² eps
    found = answers(engine, tmp_path, [("trained", case | {"alpha": alpha}) for alpha in alphas])
    scaled, times = T.scaled(1 / T.norm), tuple(range(401))
    errors, *_ = train(model, scaled, np.array(alphas), step=0.5 / top, times=times)
    for there, mine in zip(found, errors, strict=True):
        assert_allclose(there["errors"], mine, rtol=0, atol=1e-9)
        assert abs(there["stiffness"] / top - 1) < 1e-6


@pytest.mark.parametrize("d", [3, 4, 5, 12, 10**12])
def test_fresh_directions_are_uniform(d, tmp_path):
    """Squared inner products with an axis and with each other are Beta (notebook 07)."""
    case = {"d": d, "q": 2, "m": 3, "n": 3000, "seed": 0}
    (draws,) = answers(ENGINES[0], tmp_path, [("fresh", case)])
    law = beta(0.5, (d - 1) / 2).cdf
    assert min(kstest(np.square(x), law).pvalue for x in np.transpose(draws)) > 1e-4
