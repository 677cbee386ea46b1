"""What all checks share: Hypothesis' profile, and the order in which two workers run them."""

from hypothesis import settings

# The same examples in every run, and the time they need.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("repeatable")

# What others wait for, then what takes longest: test_fast.py compiles for all that come after it.
FIRST = ("test_fast.py", "test_html.py", ".ipynb", "test_sweep.py")


def pytest_collection_modifyitems(items):
    """Begin with these files, so that no worker compiles twice or is left waiting in the end."""
    items.sort(key=lambda item: [name in item.nodeid for name in FIRST], reverse=True)
