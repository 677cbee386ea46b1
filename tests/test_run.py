"""The page "Run it here", in Chromium where `make live` has built it: td runs as elsewhere."""

import re
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from td import targets
from td.descent import descend

api = pytest.importorskip("playwright.sync_api", reason="the group `docs` is not installed")
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
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


class Quiet(SimpleHTTPRequestHandler):
    """Serve a folder and log nothing."""

    def log_message(self, *_):
        """Print nothing."""


@pytest.fixture(scope="module")
def browser():
    """Start Chromium."""
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def run(browser):
    """Serve the page; return what runs code in it, or an example by its number, and reads it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=HTML)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/run.html")
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
        server.shutdown()


def test_the_readme_runs(run):
    """Its first example finds three terms; its second makes its table of nine medians."""
    assert re.match(r"reached the target error 3 \d", run(0)[0])
    medians = re.findall(r"0\.0\d+$", run(1)[0], re.MULTILINE)
    assert len(medians) == 9 and max(map(float, medians)) <= 0.01


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
