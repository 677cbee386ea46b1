"""What all checks share: Hypothesis' profile, and the order in which two workers run them."""

import os

import browsing
import pytest
from hypothesis import Phase, settings

# The same examples in every run, and the time they need.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
# For `make claims`: that a test fails is enough, no smaller example is looked for.
settings.register_profile("first", settings.get_profile("repeatable"), phases=[Phase.generate])
settings.load_profile(os.environ.get("TD_HYPOTHESIS") or "repeatable")

# What others wait for, then what takes longest: test_fast.py compiles for all that come after it.
FIRST = ("test_fast.py", "test_html.py", ".ipynb", "test_sweep.py")


def pytest_collection_modifyitems(items):
    """Begin with these files, so that no worker compiles twice or is left waiting in the end."""
    items.sort(key=lambda item: [name in item.nodeid for name in FIRST], reverse=True)


@pytest.fixture(scope="module")
def browser():
    """Chromium, for the tests that open pages."""
    with browsing.chromium() as started:
        yield started
