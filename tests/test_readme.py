"""The examples of the README and of the page on decomposition do what they say."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_five_line_example_decomposes_the_tensor(capsys):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    names = {}
    exec(code, names)
    assert names["fit"].error <= 1e-3
    assert "reached" in capsys.readouterr().out
    model = np.einsum("i,ai,bi,ci", names["fit"].weights, *[names["fit"].factors] * 3)
    assert np.linalg.norm(model - names["T"]) <= 1e-3 * np.linalg.norm(names["T"])


@pytest.mark.slow
def test_the_second_example_pasted_into_an_interpreter():
    """It prints the success rates that the README shows, but for a run that flips."""
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[1]
    options = {"input": code, "capture_output": True, "text": True, "check": True, "cwd": ROOT}
    done = subprocess.run([sys.executable, "-q", "-i"], **options)
    assert "Error" not in done.stderr
    row = r"^(?:# )?10+( +\d\.\d+){3}$"
    shown, found = (
        np.array([line.group().removeprefix("# ").split() for line in lines], dtype=float)
        for lines in (re.finditer(row, text, re.MULTILINE) for text in (code, done.stdout))
    )
    assert len(shown) == 2 and np.allclose(shown, found, atol=0.2)
    assert np.all(found[:, 1] == 0)  # below the rank


def test_the_page_on_decomposition():
    page = ROOT / "docs" / "decompose.md"
    code = "\n".join(
        re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    )
    examples = doctest.DocTestParser().get_doctest(code, {}, page.name, str(page), 0)
    assert len(examples.examples) > 10
    assert doctest.DocTestRunner().run(examples).failed == 0
