"""Hypothesis draws the same examples in every run, and takes the time it needs."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
