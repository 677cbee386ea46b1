"""Other seeds: TD_SALT shifts them all, and what notebooks assert holds nevertheless."""

import os
import random
import re
import subprocess
import sys

import numpy as np
import pytest

from td import backend, targets
from tools import ledger, paper, salts

SHORT = ["04", "05"]  # those that take less than half a minute


def test_a_salt_shifts_all_seeds(monkeypatch):
    """0 is what numpy draws from the seed; other salts draw other numbers, as the variable says."""
    seen = []
    for salt in (0, 1, 2):
        monkeypatch.setattr(backend, "SALT", salt)
        seen.append((backend.generator([1, 2]).random(), backend.generator(3).spawn(2)[1].random()))
    rng = np.random.default_rng
    assert seen[0] == (rng([1, 2]).random(), rng(3).spawn(2)[1].random())
    assert len(set(sum(seen, ()))) == 6
    code = "from td.backend import generator; print(generator([1, 2]).random())"
    env, command = {**os.environ, "TD_SALT": "2"}, [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    assert float(done.stdout) == seen[2][0]


def test_a_salt_keeps_runs_apart(monkeypatch):
    """Run k of many is that of the k-th child alone, with a salt too."""
    monkeypatch.setattr(backend, "SALT", 7)
    children = backend.generator(5).spawn(3)
    for k, child in enumerate(children):
        seed = np.random.SeedSequence(5, n_children_spawned=k)
        assert backend.generator(seed).spawn(1)[0].random() == child.random()
    rng = np.random.default_rng(0)
    assert backend.generator(rng) is rng
    salted = targets.random(3, 2, 3, seed=1).factors
    monkeypatch.setattr(backend, "SALT", 0)
    assert not np.array_equal(salted, targets.random(3, 2, 3, seed=1).factors)


def test_notebooks_draw_by_the_generator_that_salts():
    """Nothing is drawn by numpy's own, which no salt shifts.

    But for the cell of notebook 02 that needs numpy alone, and td beside it on the same draws.
    """
    own = re.compile(r"np\.random\.(default_rng|seed|rand|normal)")
    texts = {path.stem: path.read_text(encoding="utf-8") for path in paper.sources()}
    found = {name: len(own.findall(text)) for name, text in texts.items()}
    assert {name: n for name, n in found.items() if n} == {"02_algorithm": 2}


@pytest.mark.weekly
def test_a_random_salt_of_a_notebook():
    """`make salts` runs every notebook on five."""
    source, salt = random.choice(paper.sources(SHORT)), random.randrange(1, 10**6)
    stored = source.with_suffix(".ipynb").read_bytes()
    assert not (found := salts.failure(source, salt)), f"{source.stem}, salt {salt}: {found}"
    assert source.with_suffix(".ipynb").read_bytes() == stored


@pytest.mark.slow
def test_a_failing_assertion_is_told(tmp_path, capsys, monkeypatch):
    source = tmp_path / "00_false.py"
    text = "# %%\nfrom td.backend import generator\nassert generator(0).integers(10**9) == {}\n"
    source.write_text(text.format(np.random.default_rng(0).integers(10**9)), encoding="utf-8")
    monkeypatch.setattr(paper, "sources", lambda names: [source])
    assert salts.main(["salt=0"]) == 0 and salts.main(["salt=1"]) == 1
    assert "00_false, salt 1: 00_false.py, cell 0: " in capsys.readouterr().out
    assert ledger.NOTEBOOKS.exists()
