"""What tests that open pages share: Chromium, and a server that logs nothing."""

import shutil
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)


class Quiet(SimpleHTTPRequestHandler):
    """Serve a folder and log nothing."""

    def log_message(self, *_):
        """Print nothing."""


@contextmanager
def served(folder):
    """Serve a folder; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@contextmanager
def chromium():
    """Start Chromium, if playwright is installed."""
    api = pytest.importorskip("playwright.sync_api", reason="the group `docs` is not installed")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
