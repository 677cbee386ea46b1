"""Stored counts are what the code gives: cells of some tables are recomputed, new ones each run."""

import random

import numpy as np
import pandas as pd
import pytest

from tools import tables

every_table = pytest.mark.parametrize("name", tables.MAKERS)


@pytest.mark.slow
def test_random_cells():
    """Of five tables; `make tables` (weekly) looks at six cells of each."""
    for name in random.sample(sorted(tables.MAKERS), 5):  # no seed: that is the point
        cell, least = tables.compared(name, np.random.default_rng())
        assert least >= tables.ODD, f"{name}: {cell}"


def test_every_table_has_a_maker_or_a_reason():
    assert {path.stem for path in tables.TABLES.glob("*.csv")} == {*tables.MAKERS, *tables.OTHERS}


@every_table
def test_a_table_is_signed_by_the_code_that_gives_it(name):
    assert tables.signed().get(name) == tables.digest(name), f"make tables ONLY={name}"


@pytest.mark.slow
def test_false_counts_are_found(tmp_path, monkeypatch):
    table = pd.read_csv(tables.TABLES / "needed.csv")
    table["sum"] = table["size"] - table["sum"]
    table[table["sum"] == 0].to_csv(tmp_path / "needed.csv", index=False)
    monkeypatch.setattr(tables, "TABLES", tmp_path)
    assert tables.compared("needed", np.random.default_rng(0))[1] < tables.ODD


def test_a_digest_follows_what_the_maker_reads(tmp_path, monkeypatch):
    """Another constant, deep down, changes it; another layout, or other code, does not."""
    (source,) = tables.NOTEBOOKS.glob("08_*.py")
    monkeypatch.setattr(tables, "NOTEBOOKS", tmp_path)

    def digest(old, new):
        text = source.read_text(encoding="utf-8")
        assert old in text
        (tmp_path / source.name).write_text(text.replace(old, new), encoding="utf-8")
        tables.part.cache_clear()
        return tables.digest("needed")

    same = digest("DIM, EXTRA = 100, [0, 1", "DIM, EXTRA = 100, [0, 1")
    assert same == digest("DIM, EXTRA = 100, [0, 1", "DIM, EXTRA = 100, [\n    0,  # none\n    1")
    assert same == digest("def bar(", "def bars_of(")
    assert same != digest("DIM, EXTRA = 100,", "DIM, EXTRA = 101,")
    assert same != digest('redraw="norm"', 'redraw="own"')
    tables.part.cache_clear()
