"""Theorem L (notebook 08): where a component lands, and how many epochs are enough."""

from fractions import Fraction
from itertools import permutations, product
from math import exp

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

shown = reference.notebook("08_rank_is_enough")  # the functions that it shows
SIGNS = st.sampled_from([1.0, -1.0])
cases = {
    "l": st.integers(3, 6),
    "signs": st.lists(SIGNS, min_size=1, max_size=6),
    "seed": st.integers(0, 10**6),
}


def turned(x):
    """All sign patterns of the numbers x (k,), by rows."""
    return np.array(list(product([1.0, -1.0], repeat=len(x)))) * x


@settings(max_examples=12, deadline=None)
@given(**cases, a=SIGNS, log_d=st.integers(1, 12))
@pytest.mark.slow
def test_landing_is_that_of_the_flow(l, signs, seed, a, log_d):
    """(a): which one, and when, against the integrated flow, from the sphere of any dimension."""
    rng = np.random.default_rng(seed)
    c, X = rng.uniform(0.5, 1, len(signs)) * signs, shown.sphere(8, len(signs), 10**log_d, rng)
    (j, expected), (i, time) = shown.landing(c, l, X, a), shown.integrated(c, l, X, a)
    assert np.array_equal(i, j)
    np.testing.assert_allclose(time, expected, rtol=1e-6)


@given(**cases)
def test_landing_probability(l, signs, seed):
    """(a), exactly: whatever |x| and |c|, over all signs of x and both a."""
    rng, k = np.random.default_rng(seed), len(signs)
    c, X = rng.uniform(0.01, 1, k) * signs, turned(rng.uniform(0.1, 1, k))
    share = np.mean([shown.landing(c, l, X, a)[0] >= 0 for a in (1.0, -1.0)])
    assert share == (1 - 0.5**k if l % 2 else len(set(signs)) / 2) >= 0.5


@given(l=cases["l"], signs=st.lists(SIGNS, min_size=1, max_size=4), seed=cases["seed"])
def test_equal_weights_are_hit_alike(l, signs, seed):
    """(c), exactly: each missing one with probability at least 1/(2k), over all orders of x too."""
    k, x = len(signs), np.random.default_rng(seed).uniform(0.1, 1, len(signs))
    X = np.concatenate([turned(np.array(y)) for y in permutations(x)])
    hits = [np.bincount(shown.landing(np.array(signs), l, X, a)[0] + 1) for a in (1.0, -1.0)]
    for j, sign in enumerate(signs):
        hit = sum(h[j + 1] for h in hits if len(h) > j + 1) / (2 * len(X))
        law = (1 - 0.5**k) / k if l % 2 else 0.5 / signs.count(sign)
        assert abs(hit - law) < 1e-12 and hit >= 0.5 / k - 1e-12


def one_epoch(k):
    """P(h of k missing are hit) by k components, each on a uniform one with probability 1/2."""
    law = [Fraction(1)] + [Fraction(0)] * k
    for _ in range(k):
        up = [p * Fraction(k - h, 2 * k) for h, p in enumerate(law)]
        law = [p - up[h] + (up[h - 1] if h else 0) for h, p in enumerate(law)]
    return law


def epochs(r, n):
    """The law of the number missing before the first of n epochs and after each one."""
    laws, steps = [[Fraction(0)] * r + [Fraction(1)]], [[Fraction(1)]]
    steps += [one_epoch(k) for k in range(1, r + 1)]
    for _ in range(n):
        after = [Fraction(0)] * (r + 1)
        for k, p in enumerate(laws[-1]):
            for h, q in enumerate(steps[k]):
                after[k - h] += p * q
        laws.append([Fraction(p).limit_denominator(10**30) for p in after])
    return laws


@pytest.mark.parametrize("r", [1, 2, 3, 5, 8, 12])
def test_number_of_epochs(r):
    """(b) and (c), for equal weights of one sign and even l, where (c)'s mean is exact."""
    laws = epochs(r, 60)
    means = [float(sum(k * p for k, p in enumerate(law))) for law in laws]
    assert abs(means[1] - r * (1 - 1 / (2 * r)) ** r) < 1e-12
    for n, (law, mean) in enumerate(zip(laws, means, strict=True)):
        assert float(1 - law[0]) <= mean + 1e-12 and mean <= r * exp(-n / 2) + 1e-12
    assert sum(float(1 - law[0]) for law in laws) <= 2 * r + 1e-12  # the mean number of epochs


@pytest.mark.parametrize("l", [4, 6])
def test_simulated_epochs_have_this_law(l):
    """The notebook's simulation, epoch by epoch, within 4 standard errors."""
    path = shown.process(np.ones(5), l, 4000, 6, np.random.default_rng(l))
    for counts, law in zip(path, epochs(5, 6), strict=True):
        mean = float(sum(k * p for k, p in enumerate(law)))
        assert abs(counts.mean() - mean) <= 4 * counts.std() / np.sqrt(len(counts))


@settings(max_examples=20, deadline=None)
@given(**cases, extra=st.integers(0, 3), one_by_one=st.booleans())
def test_an_epoch_never_loses_what_was_found(l, signs, seed, extra, one_by_one):
    """(b): what is found stays found, and at most as many are found as components are free."""
    rng, r = np.random.default_rng(seed), len(signs)
    missing = rng.random((50, r)) < 0.5
    options = {"one_by_one": one_by_one}
    after = shown.epoch(np.array(signs), l, missing, r + extra, rng, **options)
    found = np.sum(missing & ~after, axis=1)
    assert np.all(missing | ~after) and np.all(found <= extra + missing.sum(axis=1))
