"""The page "Run it here", in Chromium where `make live` has built it: td runs as elsewhere."""

import re
from pathlib import Path

import numpy as np
import pytest
from browsing import CHROMIUM, served

from td import targets
from td.descent import descend

api = pytest.importorskip("playwright.sync_api", reason="the group `docs` is not installed")
ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "docs" / "_build" / "html"
if not (CHROMIUM and (HTML / "_static" / "run" / "page.json").exists()):
    pytest.skip("no Chromium, or `make live` has not been run", allow_module_level=True)
pytestmark = pytest.mark.slow

MEDIANS = """
import numpy as np
from td import targets
from td.descent import descend
for d in (10, 10**12):
    T = targets.spanned("random", d, 4, 3, seed=0, batch=(20,))
    print(repr(float(np.median(descend(T, 8, seed=0, runs=20, dim=d).error))))
"""
PLOT = "import matplotlib.pyplot as plt\nfrom td import show\nshow.figure()\nplt.show()"


@pytest.fixture(scope="module")
def run(browser):
    """Serve the page; return what runs code in it, or an example by its number, and reads it."""
    with served(HTML) as address:
        page = browser.new_page()
        page.goto(f"{address}run.html")
        button = page.get_by_role("button", name="Run", exact=True)
        page.wait_for_function("() => document.querySelector('.run textarea').value")

        def run(code):
            if isinstance(code, int):
                page.get_by_label("Example").select_option(str(code))
            else:
                page.get_by_label("Python code").fill(code)
            button.click()
            api.expect(button).to_be_enabled(timeout=240_000)
            return page.locator(".run-output").inner_text(), page.locator(".run-output img").count()

        yield run


def test_the_readme_runs(run):
    """Its first example finds three terms; its second makes its table of six success rates."""
    assert run(0)[0].startswith("<Decomposition: 3 terms of order 3 in dimension 10, error")
    rates = [float(x) for x in re.findall(r"\d\.\d+", run(1)[0])]
    assert len(rates) == 6 and rates[0] == rates[3] == 0 and min(rates[1:3] + rates[4:]) > 0.8


def test_the_numbers_are_those_of_any_other_computer(run):
    """To 12 places, at d = 10^12 too, where C's long has 32 bits."""
    found = [float(line) for line in run(MEDIANS)[0].split()]
    for d, there in zip((10, 10**12), found, strict=True):
        T = targets.spanned("random", d, 4, 3, seed=0, batch=(20,))
        assert abs(np.median(descend(T, 8, seed=0, runs=20, dim=d).error) - there) < 1e-12


def test_errors_are_pythons_and_the_next_run_goes_on(run):
    """A traceback; variables that were made before are still there."""
    assert "ZeroDivisionError: division by zero" in run("kept = 7\n1 / 0")[0]
    assert run("print(kept)")[0].strip() == "7"
    assert "ImportError: python-flint is not in the browser" in run("import flint")[0]


def test_a_figure_is_shown(run):
    """As a picture, once."""
    assert run(PLOT)[1] == 1
    assert run("print(1)")[1] == 0


def test_a_page_opened_as_a_file_says_what_to_do(browser):
    """No page may fetch from files."""
    page = browser.new_page()
    page.goto((HTML / "run.html").as_uri())
    page.get_by_text("python -m http.server").wait_for()
    page.close()
