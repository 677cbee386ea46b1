"""The examples of the README and of the page on decomposition do what they say."""

import doctest
import re
import runpy
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
def test_the_sweep_runs(tmp_path):
    """The second example, with fewer runs: one table over dimensions up to 10^12."""
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[1]
    script = tmp_path / "example.py"
    script.write_text(code.replace("100", "5"), encoding="utf-8")
    table = runpy.run_path(str(script))["table"]
    assert len(table) == 3 * 3 * 5 and table.error.median() <= 0.01


def test_the_page_on_decomposition():
    page = ROOT / "docs" / "decompose.md"
    code = "\n".join(
        re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    )
    examples = doctest.DocTestParser().get_doctest(code, {}, page.name, str(page), 0)
    assert len(examples.examples) > 10
    assert doctest.DocTestRunner().run(examples).failed == 0
