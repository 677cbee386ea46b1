# %% [markdown]
# # The main theorem: what it promises, and what we see
# *For Colab, Kaggle or any Jupyter:* `dist/colab/08_rank_is_enough.ipynb`, from `make colab`.
#
# **What you will see.** The paper promises that a number of components polynomial in the rank $r$ is enough, with exponent $2.5\,l$. **The rank itself is enough here.** On four families of random
# targets in $\mathbb R^{100}$, up to rank 12, at least 90 % of the runs with $m=r$ components reach an error of 1 % within 20 epochs of 300 steps. No method can do with fewer. It takes one rule that is this edition's, not the paper's: redraw what
# the others can replace (notebook 02). By the norm alone, the old rule, they need up to 18 at rank 12. On orthogonal targets we prove for an idealised version of the process, in every dimension, that $m=r$ is enough. So width is not needed to succeed: it buys time,
# and it costs the last digits. Take away the low rank, and the width of lazy training is needed again.
#
# Each statement bears one of four marks. `[paper]`: stated by Wang, Wu, Lee, Ma and Ge (NeurIPS 2020)
# where we can read it. `[proved here]`: derived in full below, what it states also checked. `[known]`: a published
# theorem by others, cited and verified at the sizes shown. `[measured]`: the outcome of an experiment.
#
# > **Claim P4** `[paper]`. A variant of gradient descent finds an approximate $T$ with $m=O^*(r^{2.5l}\log d)$ components.

# %%
import sys
from importlib.util import find_spec

if not find_spec("td"):
    sys.exit("td is not installed. The notebooks that `make colab` writes bring it along.")

# %%
import os
from collections import deque
from dataclasses import replace
from importlib.util import find_spec
from math import comb
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import stats

# %%
import td
from td import lazy, show, targets
from td.backend import from_numpy, generator, select, to_numpy
from td.descent import (
    BASE,
    REACHED,
    Recipe,
    descend,
    fresh,
    own_parts,
    replaceable,
    trajectory,
)
from td.flow import flow, greedy_width
from td.moments import sym_dim
from td.rates import budget, needed, rate
from td.sweep import sweep
from td.tensor import CoordinateTensor, SymmetricTensor

xp = select()  # a usable GPU if there is one, else numpy
COMPILED = "numpy" in xp.__name__ and find_spec("numba") is not None  # the same steps, sooner
BUDGET = budget("quick", "ci", "paper")

# %% [markdown]
# ## 1. What P4 promises
#
# What $O^*$ hides we cannot read; we take it to be all that does not depend on $r$ and $d$. The statement is an upper bound for the paper's algorithm. On orthogonal targets no method reaches 1 % with fewer than $r$
# components (notebook 00). In growth, Theorem H of notebook 05 `[proved here]` stands between the two: a greedy algorithm, one component at a time, needs at most
#
# $$m=\Bigl\lceil\frac{2\,r(r+2)\cdots(r+2l-2)}{l!}\,\ln\frac1{p\,\varepsilon^2}\Bigr\rceil$$
#
# components with probability $1-p$, for every target and every $d$. The table takes $\varepsilon=1\,\%$, $p=10\,\%$. For P4 it shows the power alone; its factor is not known to us.

# %%
print("  l   r    rank    Theorem H      r^(2.5 l)   lazy at d = 100, ceil(D/d)")
for l in (3, 4):
    for r in (2, 4, 8, 12):
        h, p4 = greedy_width(r, l, eps=0.01, p=0.1), r ** (2.5 * l)
        print(f"{l:3d} {r:3d} {r:7d} {h:12,} {p4:14.2e} {lazy.threshold(100, l):28,}")

# %% [markdown]
# An upper bound with an unknown factor cannot be refuted at finitely many sizes, nor can random targets say whether its exponent is needed. What we can measure is how many components the algorithm needs on
# such targets.
#
# ## 2. Experiment 9: components needed against the rank
#
# **Targets** in $\mathbb R^{100}$, in coordinates of their span (Theorem I, notebook 07), another for each run:
#
# - *orthogonal*: an orthonormal frame, weights 1;
# - *random*: independent uniform directions, weights 1;
# - *correlated*: any two components have cosine 0.5, weights 1;
# - *mixed*: the same, weights $\pm1$ at random.
#
# **Rules.** *Own part*: as notebook 02 has it. Between epochs the components are redrawn that the others can replace, and where there are none and the epoch lowered the error by less than 2 %, the one they can replace best. *Norm*: the old rule, only
# components of norm below 0.1 are redrawn. All else is the same: 20 epochs of 300 steps at most.
#
# **Needed $m$**: the smallest of $r+\{0,1,2,3,4,6,8,12,16\}$ from which on at least 90 % of the runs reach 1 %; bars as in notebook 00.
#
# The grid begins at $m=r$, and rightly: flattened to a matrix, each of these targets has an $r$-th singular value above $0.1\,\|T^*\|$ (checked below on 50 targets for each family, $l$ and $r$), so by Eckart and Young no smaller $m$ reaches 1 %.
#
# The whole grid has $r=1,\dots,12$, both rules and 200 runs in each of its cells: about half an hour of work. The cells below computed it at `TD_BUDGET=paper`: the table `td/tables/needed.csv` holds its
# counts. Whatever the budget, this notebook reads the table and tests that what it computes agrees: at `paper` the whole grid, which it leaves beside the notebook, at the others a part *with other seeds*.

# %%
D, EXTRA = 100, [0, 1, 2, 3, 4, 6, 8, 12, 16]
FAMILIES = {
    "orthogonal": ("orthogonal", "positive"),
    "random": ("random", "positive"),
    "correlated": ("correlated", "positive"),
    "mixed": ("correlated", "mixed"),
}
RULES = {"own part": BASE, "norm": Recipe(redraw="norm", stall=0.0)}
RUNS = budget(20, 40, 200)
GRID = {
    "rule": list(RULES),
    "family": budget(["mixed"], ["orthogonal", "mixed"], list(FAMILIES)),
    "l": [3, 4],
    "r": budget([3], [6], list(range(1, 13))),
    "extra": budget([0, 4], [0, 2], EXTRA),
}


# %%
def cell(seed, rule, family, l, r, extra):
    """RUNS runs with m = r + extra components, each on its own target."""
    rng, (kind, signs) = generator(seed), FAMILIES[family]
    T = targets.spanned(kind, D, r, l, seed=rng, signs=signs, batch=(RUNS,))
    options = {"recipe": RULES[rule], "compiled": COMPILED}
    run = descend(T.moved(xp), r + extra, seed=rng, runs=RUNS, dim=D, **options)
    return {"error": run.error, "steps": run.steps}


def counts(table):
    """Of each cell: successes, runs, mean steps (those of a failed run count in full)."""
    key = [name for name in table if name not in ("error", "steps")]
    cells = table.assign(success=table.error <= 0.01).groupby(key, sort=False)
    return cells.success.agg(["sum", "size"]).assign(steps=cells.steps.mean().round(1))


# %%
paper = BUDGET == "paper"
options = {"jobs": os.cpu_count(), "folder": "cells"} if paper else {"seed": 1}
TABLES = Path(td.__file__).parent / "tables"


def beside(live, table, name):
    """Write what was computed at ``paper`` beside the notebook, if it is the whole of a table."""
    if paper and table.index.isin(live.index).all():
        live.to_csv(name)


def stored(live, name):
    """The stored counts, after a comparison of those computed with them (Fisher's test)."""
    table = pd.read_csv(TABLES / name, index_col=live.index.names).sort_index()
    beside(live, table, name)
    pairs = [(live.loc[key], table.loc[key]) for key in live.index]
    tests = [[[x["sum"], x["size"] - x["sum"]] for x in pair] for pair in pairs]
    least = min(stats.fisher_exact(test).pvalue for test in tests) * len(tests)
    assert least > 1e-3
    print(f"stored: {len(table)} cells; {len(live)} recomputed, none at odds (Fisher, 0.1 %)")
    return table


# %%
grid9 = stored(counts(sweep(cell, GRID, **options)), "needed.csv")
RANKS = sorted(set(grid9.index.get_level_values("r")))
print(f"{grid9['size'].max()} runs in each stored cell, r = {RANKS[0]} to {RANKS[-1]}")


# %%
def smallest_singular_value(family, l, r, n=50):
    """The least, over n targets, of the r-th singular value of the flattened T over ‖T‖."""
    kind, signs = FAMILIES[family]
    T = targets.spanned(kind, D, r, l, seed=[l, r], signs=signs, batch=(n,))
    G = np.swapaxes(T.factors, 1, 2) @ T.factors
    tall, wide = (np.swapaxes(np.linalg.cholesky(x), 1, 2) for x in (G, G ** (l - 1)))
    flat = (tall * T.weights[:, None, :]) @ np.swapaxes(wide, 1, 2)  # same singular values
    return (np.linalg.svd(flat, compute_uv=False)[:, -1] / T.norm).min()


least = min(smallest_singular_value(f, l, r) for f in FAMILIES for l in (3, 4) for r in RANKS)
print(f"r-th singular value over the norm: at least {least:.2f}, so above 0.1 for every target")
assert least > 0.1

# %%
pairs = zip(grid9["sum"], grid9["size"], strict=True)
MEMO = {pair: rate(np.arange(pair[1]) < pair[0]) for pair in set(pairs)}
RATES = {key: MEMO[one["sum"], one["size"]] for key, one in grid9.iterrows()}
CELLS = [(family, l, r) for family in FAMILIES for l in (3, 4) for r in RANKS]


def bar(rule, family, l, r):
    """Needed m and the ends of its bar, from the stored counts."""
    ends = needed(EXTRA, [RATES[rule, family, l, r, extra] for extra in EXTRA])
    return r + np.minimum(ends, 2 * EXTRA[-1])


bars = {(rule, *at): bar(rule, *at) for rule in RULES for at in CELLS}
for rule in RULES:
    for l in (3, 4):
        print(f"{rule}, l = {l}".ljust(16) + "r:" + "".join(f"{r:4d}" for r in RANKS))
        for family in FAMILIES:
            line = (bars[rule, family, l, r][0] for r in RANKS)
            print(f"{family:>18s}" + "".join(f"{m:4.0f}" for m in line))

# %%
worst = min((RATES["own part", *at, 0] for at in CELLS), key=lambda x: x.value)
print(
    f"own part, m = r: at least 90 % in all {len(CELLS)} cells, 20 epochs of 300 steps; the least:"
)
print(
    f"  {worst.successes} of {worst.trials}, Wilson's interval [{worst.low:.3f}, {worst.high:.3f}]"
)
assert worst.value >= 0.9 and worst.low > 0.85
old = [RATES["norm", *at, 0].value for at in CELLS]
print(f"norm, m = r: at least 90 % in {sum(x >= 0.9 for x in old)} cells; the least {min(old):.2f}")
most = max(bars["norm", *at][2] / at[-1] for at in CELLS)
print(f"norm: all {len(CELLS)} bars end at or below {most:.2f} r")
assert most <= 2

# %% [markdown]
# `[measured]` By own parts needed $m$ is $r$ in every cell: the least that any method can do, so up to rank 12 there is no exponent left to fit. Wilson's lower end is above 85 % in all 96. By the norm alone needed $m$ at $r=12$ is 16, 15, 12 and 18 for $l=3$ (families in the order of the
# table) and 13, 12, 13 and 15 for $l=4$, and all bars stay below $2r$. (That is what these ranks, a cosine of ½ and 6,000 steps give, no law: by the norm alone mixed targets of rank 32 at $l=3$ reach 1 % in 0 of 16 runs at $m=2r$ within 20 epochs and in 15 within 40; by own parts in 1 within 20.) Correlated components of one sign are easy for both.

# %%
LOOKS = dict(zip(FAMILIES, zip(show.CYCLE, show.MARKERS, strict=True), strict=False))
x = np.array(RANKS, float)
fig, axes = show.figure(2, sharey=True)
for ax, l in zip(axes, (3, 4), strict=True):
    for k, (family, (color, marker)) in enumerate(LOOKS.items()):
        old = np.array([bars["norm", family, l, r] for r in RANKS]).T
        style = {"color": color, "fmt": marker, "markersize": 5, "markerfacecolor": "white"}
        show.points(ax, x + 0.15 * (k - 1.5), *old, **style)
        symbol = dict(zip(show.MARKERS, "○□△◇▽", strict=True))[marker]
        show.label(ax, 0.8, 23 - 2.2 * k, f"{symbol} {family}, norm", color, xytext=(0, 0))
    new = {family: [bars["own part", family, l, r][0] for r in RANKS] for family in FAMILIES}
    for y in new.values():
        ax.plot(x, y, "o:", color=show.INK, lw=1, markersize=4)
    show.label(ax, 0.8, 25.2, "● own part, all four", show.INK, xytext=(0, 0))
    show.label(ax, 9, 9, "$m=r$", show.INK, xytext=(4, -14))
    ax.set(xlim=(0.4, 12.8), ylim=(0, 27), xlabel="rank $r$", title=f"$l={l}$")
axes[0].set_ylabel("components needed, $m$")
fig.suptitle("Redraw by own part: the rank itself is enough", fontsize=12)
plt.show()

# %% [markdown]
# **Figure 1.** *What was needed.* Needed $m$ for 1 % error in 90 % of 200 runs, $d=100$. Open symbols, with bars: redraws by the norm alone (shifted sideways to be told apart). Filled: redraws by own part; the four families lie on each other.

# %%
fig, axes = show.figure(2, sharey=True)
for ax, l in zip(axes, (3, 4), strict=True):
    ax.plot(x, x, "o-", color=show.BLUE, lw=2, markersize=4)
    ax.plot(x, [greedy_width(r, l, eps=0.01, p=0.1) for r in RANKS], color=show.INK, lw=1.2)
    ax.plot(x, x ** (2.5 * l), color=show.INK, lw=1.2, ls="--")
    ax.axhline(lazy.threshold(D, l), color=show.RED, lw=1.2, ls=":")
    show.label(ax, 1, lazy.threshold(D, l), "lazy, $d=100$", show.RED, xytext=(0, 8))
    show.label(ax, 7, greedy_width(7, l, eps=0.01, p=0.1), "Theorem H", show.INK, xytext=(4, -12))
    show.label(ax, 4, 4 ** (2.5 * l), "P4's $r^{2.5\\,l}$", show.INK, xytext=(-8, 6), ha="right")
    show.label(ax, 3, 3, "measured: $m=r$", show.BLUE, xytext=(4, -12))
    ax.set(xscale="log", yscale="log", xlim=(0.9, 13), ylim=(0.1, 1e12), xlabel="rank $r$")
    ax.set_xticks(ticks := [1, 2, 4, 8, 12], ticks)
    ax.minorticks_off()
    ax.set_title(f"$l={l}$")
axes[0].set_ylabel("components, $m$")
fig.suptitle("Theorem H's width is far above what these targets need", fontsize=12)
plt.show()

# %% [markdown]
# **Figure 2.** *Bounds and measurement.* Both axes are logarithmic. Blue: Figure 1, all four families. Solid: Theorem H. Dashed: P4's power with factor 1, for its slope only. Dotted: what lazy training needs at $d=100$, about $d^{\,l-1}/l!$ (notebook 01).
#
# ## 3. Theorem L: why the rank is enough, on orthogonal targets
#
# **The idealised process.** Let $T^*=\sum_{j\le r}c_j\,e_j^{\otimes l}$ with $e_j$ orthonormal in $\mathbb R^d$, all $c_j\ne0$, $l\ge3$, and let $m\ge r$. A true component is *found* if model components sit on it,
# which then have together its exact weight; else it is *missing*. Let $k$ be missing when an epoch begins. The residual is
#
# $$E=-\sum_{j\ \text{missing}}c_j\,e_j^{\otimes l}.$$
#
# Of several components on one true one all but one are free: their own part is 0 (notebook 02). One each of the found ones stays, so at least $m-(r-k)\ge k$ are *free*. In the epoch each free component, independently of the others,
#
# 1. draws a start $v$ uniform on the sphere $S^{d-1}$ and a sign $a=\pm1$ by a fair coin;
# 2. follows from there Lemma G's flow (notebook 05), $\dot x=\nabla p(x)$ with $p(x)=-a\,E(x^l)$ and $E$ held as it was when the epoch began;
# 3. if it blows up, *lands*: its limit direction is added with the best weight. If not, it is free again in the next epoch.
#
# **Theorem L** `[proved here]`. Let $k\ge1$ be missing.
#
# **(a) Landing.** With probability 1 a component that lands does so on $\pm e_j$ for exactly one missing $j$, and its best weight makes it $c_j\,e_j^{\otimes l}$. It lands with probability $1-2^{-k}$ if $l$ is odd. If $l$ is even, with probability 1 if
# the missing $c_j$ have both signs, and $\frac12$ if they have one. In every case that is at least $\frac12$, and $d$ does not matter.
#
# **(b) Epochs.** The number missing never rises, and each epoch lowers it with probability at least $\frac12$. So the epochs until none is missing are at most as many as tosses of a fair coin until $r$ heads have come: at most $2r$ in the mean.
#
# **(c) Equal weights.** If all $|c_j|$ are equal,
#
# $$\mathbb E[\text{missing after the epoch}]\ \le\ k\Bigl(1-\frac1{2k}\Bigr)^{k}\ \le\ e^{-1/2}\,k,\qquad \mathbb P[\text{some are missing after } n \text{ epochs}]\ \le\ r\,e^{-n/2}.$$
#
# **So $m=r$ components and $\lceil2\ln(r/p)\rceil$ epochs are enough with probability $1-p$, whatever $d$.** Fewer than $r$ are not, by any method.
#
# *Proof of (a).* The coordinates decouple: $p(x)=a\sum_{j\text{ missing}}c_j\,x_j^l$, so $\dot x_j=l\,a\,c_j\,x_j^{l-1}$ for the missing $j$, and all else stands still. Divide by $x_j^{l-1}$:
#
# $$\frac{d}{dt}\,x_j^{2-l}=-l(l-2)\,a\,c_j,\qquad\text{so } x_j \text{ blows up at } t_j=\frac1{l(l-2)\,a\,c_j\,x_j(0)^{l-2}}\ \text{ if this is positive,}$$
#
# and else $|x_j|$ falls for all times. The smallest positive $t_j$ ends the flow; the $t_j$ differ with probability 1, and the other coordinates are then still finite. So the limit direction is $v=\pm e_j$ for that one $j$. The best weight is
# $-E(v^l)=c_j(\pm1)^l$, and it makes the component $c_j\,e_j^{\otimes l}$. Does any $t_j$ exist? For odd $l$ coordinate $j$ has one if $x_j(0)$ has the sign of $a\,c_j$. The signs of the coordinates of $v$ are independent fair coins, so all fail with probability $2^{-k}$. For even $l$
# it has one if $a$ has the sign of $c_j$. $\blacksquare$
#
# The order of the $t_j$ does not change if $v$ is multiplied by a number. So only the direction of $(x_j)_{j\text{ missing}}$ counts, which is uniform on $S^{k-1}$ whatever $d$ is. The *time* does depend on $d$: $t_j$ is of order $d^{(l-2)/2}$.
#
# **Check of (a) against the flow:** `landing` is the formula, `integrated` follows the differential equation (scipy's DOP853, `td.flow.flow`).


# %%
def sphere(n, k, d, rng):
    """k coordinates of n uniform points of S^{d-1}: (n, k)."""
    X = rng.standard_normal((n, k))
    rest = rng.chisquare(d - k, (n, 1)) if d > k else 0.0
    return X / np.sqrt(np.sum(X**2, axis=1, keepdims=True) + rest)


def landing(c, l, X, a):
    """Where starts X (n, k) with sign(s) a land and when, by (a): -1 and inf if they do not."""
    pull = np.reshape(a, (-1, 1)) * c * X ** (l - 2)
    first = pull.max(axis=1)
    time = 1 / (l * (l - 2) * np.where(first > 0, first, np.nan))
    return np.where(first > 0, pull.argmax(axis=1), -1), np.nan_to_num(time, nan=np.inf)


def integrated(c, l, X, a):
    """The same by integration; a start with E(x^l) not above 0 at the end does not land."""
    path = flow(SymmetricTensor(a * c, np.eye(len(c)), l), X.T, np.array([600 / (l * (l - 2))]))
    q, V = path.values[0], abs(path.directions[0])
    left = path.lengths[0] ** (2.0 - l) / (l * (l - 2) * np.where(q > 0.1, q, np.nan))
    time = np.nan_to_num(path.times[0] + left, nan=np.inf)
    assert np.all(V.max(axis=0)[q > 0.1] > 0.999)
    return np.where(q > 0.1, V.argmax(axis=0), -1), time


# %%
rng, n = generator(71), budget(4, 20, 100)
agree, total, gap = 0, 0, 0.0
for l in (3, 4, 5):
    for k in (1, 2, 4, 8):
        c, a = rng.uniform(0.5, 1, k) * rng.choice([-1.0, 1.0], k), rng.choice([-1.0, 1.0])
        X = np.concatenate([sphere(n, k, d, rng) for d in (k, 100, 10**6)])
        (j, t_star), (i, time) = landing(c, l, X, a), integrated(c, l, X, a)
        agree, total, hits = agree + np.sum(i == j), total + len(X), j >= 0
        gap = max(gap, abs(time[hits] / t_star[hits] - 1).max(initial=0))
print(f"l = 3, 4, 5; k = 1, 2, 4, 8; d = k, 100, 1e6: of {total} flows {agree} land as (a) says")
print(f"largest relative difference of blow-up times: below {1e-6 if gap < 1e-6 else gap:.0e}")
assert agree == total and gap < 1e-6

# %% [markdown]
# **Check of the probabilities**, with weights of equal size and with weights that differ, of one sign and of both. The table shows equal weights of one sign; the last line holds for all.

# %%
rng, N, worst = generator(72), budget(10_000, 40_000, 400_000), []


def off(share, p):
    """How many standard errors a share of N draws is away from its probability."""
    return np.max(abs(share - p) / np.sqrt(p * (1 - p) / N + 1e-12))


# %%
print("share that lands, k =    1     2     3     4     5     6     7     8")
for l in (3, 4, 5):
    row = []
    for k in range(1, 9):
        flips = np.where(np.arange(k) % 2, -1.0, 1.0)
        for c in (np.ones(k), flips, rng.uniform(0.1, 1, k), flips * rng.uniform(0.1, 1, k)):
            j, _ = landing(c, l, sphere(N, k, 100, rng), rng.choice([-1.0, 1.0], N))
            p = 1 - 0.5**k if l % 2 else (0.5 if len(set(np.sign(c))) == 1 else 1.0)
            worst.append(off(np.mean(j >= 0), p))
            if len(set(abs(c))) == 1:  # exchangeable: each j of a sign that lands, equally often
                hit, among = np.bincount(j[j >= 0], minlength=k) / N, np.sum(c == c[0])
                law = p / k if l % 2 or among == k else 0.5 / np.where(c > 0, among, k - among)
                worst.append(off(hit, law))
            row += [np.mean(j >= 0)] if np.all(c == 1) and len(row) < k else []
    print(f"l = {l}, sampled:" + " " * 9 + "  ".join(f"{x:.2f}" for x in row))
print("1 - 2^-k:" + " " * 15 + "  ".join(f"{1 - 0.5**k:.2f}" for k in range(1, 9)))
print(
    f"96 shares, and how often equal weights are hit: {max(worst):.1f} standard errors off at most"
)
assert max(worst) < 5

# %% [markdown]
# *Proof of (b).* What is found stays found: the residual has no part along it. By $m\ge r$ at least $k\ge1$ components are free. The first of them lands with probability at least $\frac12$, whatever has happened before, and then one less is missing. Count an epoch in which the number falls as heads:
# $r$ heads are enough. $\blacksquare$
#
# *Proof of (c).* Fix a missing $j$. A free component lands on $j$ with probability at least $1/(2k)$. For odd $l$: given $a$, the numbers $a\,c_j\,x_j^{l-2}$ of the missing $j$ have a joint law that no permutation changes, as $v$ is uniform and the $|c_j|$ are equal. The largest, if positive, is therefore
# equally likely each of them, and $(1-2^{-k})/k\ge1/(2k)$. For even $l$ the same holds among the $k'$ missing ones whose sign is $a$: $j$'s sign comes with probability $\frac12$, and $\frac12\cdot\frac1{k'}\ge\frac1{2k}$. At least $k$ components are free and
# independent, so $j$ stays missing with probability at most $(1-\frac1{2k})^k\le e^{-1/2}$. Sum over the $k$ missing ones: the first claim. Hence after $n$ epochs at most $r\,e^{-n/2}$ are missing in the mean, and Markov's inequality gives the second. $\blacksquare$
#
# For equal weights of one sign and even $l$ every step but the last is an equality with $m=r$: the mean is *exactly* $k(1-\frac1{2k})^k$.
#
# **Check of (b) and (c)** by simulation of the idealised process. `one_by_one=True` is a variant for later: each free component sees what those before it have found in the same epoch.


# %%
def epoch(c, l, missing, m, rng, *, one_by_one=False):
    """Which are missing, (n, r), after one more idealised epoch of n processes."""
    free, after = m - np.sum(~missing, axis=1), missing.copy()
    for i in range(m):
        X, a = rng.standard_normal(missing.shape), rng.choice([-1.0, 1.0], (len(missing), 1))
        pull = np.where(after if one_by_one else missing, a * c * X ** (l - 2), 0.0)
        lands = np.flatnonzero((pull.max(axis=1) > 0) & (i < free))
        after[lands, pull.argmax(axis=1)[lands]] = False
    return after


def process(c, l, n, epochs, rng, **options):
    """Numbers missing before the first epoch and after each one, m = r: (epochs + 1, n)."""
    missing, counts = np.ones((n, len(c)), bool), [np.full(n, len(c))]
    for _ in range(epochs):
        on = np.flatnonzero(missing.any(axis=1))
        missing[on] = epoch(c, l, missing[on], len(c), rng, **options)
        counts.append(missing.sum(axis=1))
    return np.array(counts)


# %%
rng, N = generator(73), budget(2_000, 10_000, 100_000)
print("mean missing after one epoch, k =     1      2      4      8")
for l in (3, 4, 5):
    means = [process(np.ones(k), l, N, 1, rng)[1] for k in (1, 2, 4, 8)]
    print(f"l = {l}, simulated:" + " " * 16 + "  ".join(f"{x.mean():5.2f}" for x in means))
    for k, x in zip((1, 2, 4, 8), means, strict=True):
        gap = (x.mean() - k * (1 - 1 / (2 * k)) ** k) / (x.std() / np.sqrt(N))
        assert gap < 4 and (l % 2 or gap > -4)
print(
    "k (1 - 1/(2k))^k:"
    + " " * 16
    + "  ".join(f"{k * (1 - 0.5 / k) ** k:5.2f}" for k in (1, 2, 4, 8))
)

# %%
WEIGHTS = {
    "equal, one sign": np.ones(8),
    "equal, both signs": np.tile([1.0, -1.0], 4),
    "1 to 0.1": np.geomspace(1, 0.1, 8),
    "1 to 1e-6": np.geomspace(1, 1e-6, 8),
}
CURVES, N = {}, budget(500, 2_000, 20_000)
print("r = m = 8        weights   epochs, mean   (b): at most   last of 99 %   after epoch 1")
for l in (3, 4):
    for name, c in WEIGHTS.items():
        path = CURVES[l, name] = process(c, l, N, 60, rng)
        done = np.sum(path > 0, axis=0)
        assert path[-1].max() == 0 and np.all(np.diff(path, axis=0) <= 0) and done.mean() < 16
        late = np.quantile(done, 0.99)
        words = f"l = {l} {name:>18s} {done.mean():14.1f} {16:14d} {late:14.0f}"
        print(f"{words} {path[1].mean():15.2f}")
        if name.startswith("equal"):
            tail = np.mean(path > 0, axis=1)
            assert np.all(tail <= 8 * np.exp(-np.arange(61) / 2) + 4 * np.sqrt(0.25 / N))
assert CURVES[4, "1 to 0.1"][1].mean() > 8 * np.exp(-0.5)  # (c) fails without its premise
n = int(np.ceil(2 * np.log(8 / 0.01)))
print(f"(c), equal weights: {n} epochs are enough in 99 %, and e^(-1/2) 8 = {8 * np.exp(-0.5):.2f}")

# %% [markdown]
# **Falsification.** Drop the premise of (c). With weights from 1 to 0.1 and $l=4$ more than 4.85 of 8 are missing after the first epoch, which (c) would forbid; with weights from 1 to $10^{-6}$ more than 6 are, as most free components land on the two largest missing ones. At $l=3$
# the bound happens to hold. (b) needs no premise on the weights, and holds in all rows.
#
# **What is not covered.** In the algorithm of notebook 02
#
# - all components move at once, and the residual changes while they do;
# - fresh components have norm $10^{-3}$, not 0, and doubles have an own part that is small, not 0;
# - an epoch is cut off after 300 steps. A cut-off lowers the probabilities of (a), and $d$ lengthens the flow;
# - and targets need not be orthogonal.
#
# So for the algorithm itself all this is a reason to expect something, and the rest is measured. **Measured:** how many true components are missing at the end of each epoch of the *real* algorithm at $m=r=8$, orthogonal targets in $\mathbb R^{100}$? A component *holds* a true one if its norm is above 0.1 and their
# cosine above 0.95 in size; missing is what none holds. The table `td/tables/missing.csv` has 1,000 runs (`paper`); a part is recomputed with other seeds.


# %%
def holds(V, now):
    """Whether true components V (n, q, r) are held by a run's: (n, r, m) booleans."""
    U, norms = to_numpy(now.directions), to_numpy(now.norms)
    V = V / np.linalg.norm(V, axis=1, keepdims=True)
    return (abs(np.swapaxes(V, 1, 2) @ U[:, : V.shape[1]]) > 0.95) & (norms[:, None] > 0.1)


def per_epoch(seed, rule, l, r):
    """Missing after each epoch with m = r: mean and standard deviation over the runs."""
    rng, n, recipe = generator(seed), budget(40, 80, 1000), replace(RULES[rule], epochs=8)
    T, left = targets.spanned("orthogonal", D, r, l, seed=rng, batch=(n,)), np.full((n, 9), r)
    options = {"runs": n, "recipe": recipe, "dim": D, "compiled": COMPILED}
    for k, steps, now, *_ in trajectory(T.moved(xp), r, seed=rng, **options):
        missing = np.sum(~holds(T.factors[k], now).any(axis=2), axis=1)
        ended = np.arange(9) >= -(-steps[:, None] // recipe.steps)  # epochs that are over
        left[k] = np.where(ended, missing[:, None], left[k])
    columns = {"missing": left.mean(axis=0).round(3), "deviation": left.std(axis=0).round(3)}
    return {"epoch": np.arange(9), **columns, "runs": n}


# %%
key = ["rule", "l", "r", "epoch"]
real = sweep(per_epoch, {"rule": list(RULES), "l": [3, 4], "r": [8]}, **options).set_index(key)
missing = pd.read_csv(TABLES / "missing.csv", index_col=key).sort_index()
beside(real, missing, "missing.csv")
error = np.sqrt(missing.deviation**2 / missing.runs + real.deviation**2 / real.runs)
gap = (abs(missing.missing - real.missing) / (error + 0.01)).max()
assert gap < 4
print(f"recomputed: {len(real)} means, all within 4 standard errors of the stored")

# %%
EPOCHS, MODELS = np.arange(9), {}
print("r = m = 8: missing after epoch            1     2     3     4     5     6     7     8")
for l in (3, 4):
    frozen = CURVES[l, "equal, one sign"][:9].mean(axis=1)
    serial = process(np.ones(8), l, N, 8, rng, one_by_one=True).mean(axis=1)
    own, norm = (missing.loc[rule, l, 8].missing.to_numpy() for rule in RULES)
    MODELS[l] = {"(c): at most": 8 * np.exp(-EPOCHS / 2), "idealised": frozen}
    MODELS[l] |= {"one by one": serial, "algorithm, own part": own, "algorithm, norm": norm}
    for name, y in MODELS[l].items():
        print(f"l = {l}  {name:>26s}  " + "".join(f"{v:6.2f}" for v in y[1:]))
    assert np.all(own <= MODELS[l]["(c): at most"])
low, high = MODELS[4]["one by one"], MODELS[4]["idealised"]
assert np.all((low - 0.1 < MODELS[4]["algorithm, own part"]) & (own < high + 0.1))
assert MODELS[3]["algorithm, norm"][-1] > 0.5  # the old rule leaves some missing for good

# %%
fig, axes = show.figure(2, sharey=True)
STYLES = dict(zip(MODELS[3], [":", "-", "--", "o-", "s-"], strict=True))
TINTS = dict(zip(MODELS[3], [show.INK, show.GREY, show.GREY, show.BLUE, show.RED], strict=True))
for ax, l in zip(axes, (3, 4), strict=True):
    for name, y in MODELS[l].items():
        seen = y > 0.004
        ax.plot(EPOCHS[seen], y[seen], STYLES[name], color=TINTS[name], lw=1.4, markersize=5)
    ax.set(yscale="log", ylim=(0.008, 11), xlim=(-0.2, 8.6), xlabel="epochs", title=f"$l={l}$")
for l, name, at, place in (
    (3, "(c): at most", 4, (0, 9)),
    (3, "idealised", 5, (4, 7)),
    (3, "algorithm, own part", 3, (-8, 0)),
    (3, "algorithm, norm", 8, (-6, 9)),
    (4, "(c): at most", 2, (4, 8)),
    (4, "one by one", 4, (-6, -8)),
    (4, "algorithm, norm", 8, (-2, 24)),
):
    side = "left" if place[0] >= 0 else "right"
    y = MODELS[l][name][at]
    show.label(axes[l - 3], at, y, name, TINTS[name], xytext=place, ha=side, fontsize=9)
axes[0].set_ylabel("true components missing, mean")
fig.suptitle(
    "Missing after each epoch: the law and the algorithm ($r=m=8$, orthogonal)", fontsize=12
)
plt.show()

# %% [markdown]
# **Figure 3.** *Epoch by epoch.* Dotted: (c)'s bound. Grey: the idealised process, the residual held for all of an epoch (solid) or seen anew by each free component (dashed). Blue: the algorithm, redraws by own part. Red: by the norm.
#
# **They need not agree, and do not everywhere.**
#
# - *First epoch:* the algorithm lies between the two idealisations. All components move at once, but those that grow first take their true component away from the others.
# - *Even order:* at $l=4$ it stays between them, epoch by epoch.
# - *Odd order:* at $l=3$ the second epoch leaves fewer missing than either. The flow cannot cross $x_j=0$; a step of finite length can. A fresh component that is small turns by up to 0.2 in a step, however weak the pull, until the other bound on the step, `damp`, is reached. So a
#   start with the wrong sign of $x_j$ is carried over to the right one. At even order it is the sign $a$ that is wrong, and no step changes that.
# - *Old rule:* from the second epoch on almost nothing is free any more, and at $l=3$ about one of the eight stays missing in the mean. That is the falsification of the rule: without it $m=r$ is not enough.
#
# **Check of the third point.** One of two true components is held exactly; one fresh component seeks the other, for one epoch. By (a) it lands if and only if its sign is right.


# %%
def lone(l, d, n):
    """Whether each of n fresh components has the right sign for (a), and whether it lands."""
    rngs = np.array(generator([l, n]).spawn(n))
    V, a = fresh(rngs, d, 1, BASE, used=2, rows=3)
    U, signs = np.zeros((n, 4, 2)), np.concatenate([np.ones((n, 1)), a], axis=1)
    U[:, 0, 0], U[:, :3, 1] = 0.5**0.25, V[..., 0]  # e_1 with its exact weight, and the fresh one
    T, start = (
        SymmetricTensor(np.ones(2), np.eye(2), l).moved(xp),
        (xp.asarray(U), xp.asarray(signs)),
    )
    options = {"recipe": Recipe(epochs=1), "compiled": COMPILED}
    run = descend(T, 2, seed=0, runs=n, start=start, dim=d, **options)
    return a[:, 0] * V[:, 1, 0] ** (l - 2) > 0, run.reason == REACHED


# %%
def words(one, names=("few", "some", "most"), edge=0.5):
    """A rate in words, which a few runs do not change."""
    return names[2] if one.low > 1 - edge else names[0] if one.high < edge else names[1]


ENDS = {"names": ("hardly any", "some", "nearly all"), "edge": 0.2}
print("  l           d   right sign: land   wrong sign: land   (a)")
for l, d in ((3, 100), (3, 10**12), (4, 100), (4, 10**6), (5, 100), (5, 10**6)):
    right, landed = lone(l, d, budget(100, 400, 1000))
    print(
        f"{l:3d} {d:11.0e} {words(rate(landed[right]), **ENDS):>18s} {words(rate(landed[~right]), **ENDS):>18s}   all, none"
    )

# %% [markdown]
# At order 3 the wrong sign does not matter either, up to dimensions where the pull is too weak; at order 4 it decides, as (a) says. So (a) describes the flow; at odd order the steps did better than it in every case we looked at, except where they could not.
#
# ## 4. Time: what grows with the rank
#
# With $m=r$ fixed, what grows with $r$ is the time. The table counts the steps to 1 % at $m=r$ (mean of 200 runs, a failed one counts with all its 6,000).

# %%
print("mean steps at m = r, l = 3:  r =     2     4     6     8    10    12")
for family in FAMILIES:
    for rule in RULES:
        line = [grid9.loc[(rule, family, 3, r, 0), "steps"] for r in range(2, 13, 2)]
        print(f"{family:>14s} {rule:>9s}        " + "".join(f"{v:6.0f}" for v in line))
own, norm = ({f: grid9.loc[(x, f, 3, 12, 0), "steps"] for f in FAMILIES} for x in RULES)
print(
    "at r = 12, own part over norm: " + ", ".join(f"{f} {own[f] / norm[f]:.2f}" for f in FAMILIES)
)
assert all(own[f] <= norm[f] / 2 for f in ("orthogonal", "random", "mixed"))

# %% [markdown]
# On orthogonal, random and mixed targets the new rule takes less than half of the old one's steps at $r=12$. On correlated ones of one sign both take the same time at $l=3$: nothing gets stuck there.
#
# **Further up, and with unequal weights.** The same at $r=16$ to 48, by own parts. And orthogonal targets with weights that fall geometrically from 1 to 0.1, by both rules. The counts are in `td/tables/rank_is_enough.csv` (200 runs a cell, 100 from $r=32$ on); again a part is recomputed with other seeds.


# %%
def at_rank(seed, rule, family, l, r, epochs):
    """Runs with m = r; the family "unequal" is orthogonal with weights from 1 to 0.1."""
    rng, (kind, signs) = generator(seed), FAMILIES.get(family, ("orthogonal", "positive"))
    runs = min(RUNS, 200 if r <= 24 else 100)
    T = targets.spanned(kind, D, r, l, seed=rng, signs=signs, batch=(runs,))
    c = np.geomspace(1, 0.1, r) if family == "unequal" else 1.0
    T = SymmetricTensor(c * T.weights, T.factors, l)
    options = {"recipe": replace(RULES[rule], epochs=epochs), "compiled": COMPILED}
    run = descend(T.moved(xp), r, seed=rng, runs=runs, dim=D, **options)
    return {"error": run.error, "steps": run.steps}


def grid(rules, families, orders, ranks, epochs):
    """One grid for ``sweep``."""
    return {"rule": rules, "family": families, "l": orders, "r": ranks, "epochs": [epochs]}


# %%
OWN, LARGE = ["own part"], [16, 24, 32, 48]
small = (["unequal"], [3], [8]), (["orthogonal", "mixed"], [3], [16])
unequal, large = budget(
    small, small, ((["unequal"], [3, 4], [4, 8, 12]), (list(FAMILIES), [3, 4], LARGE))
)
grids = [grid(list(RULES), *unequal, 20), grid(OWN, *large, 20)]
longer = grid(OWN, ["mixed"], [3], [24, 32, 48], 60), grid(OWN, ["mixed"], [4], [48], 60)
grids += longer if paper else []
high = pd.concat([counts(sweep(at_rank, one, **options)) for one in grids])
high = stored(high, "rank_is_enough.csv")

# %%
print("successes at m = r, own part, 20 epochs (and 60 where it says so)")
for l in (3, 4):
    for family in FAMILIES:
        cells = (high.loc[("own part", family, l, r, 20)] for r in LARGE)
        text = "   ".join(
            f"r = {r}: {c['sum']:3.0f} of {c['size']:.0f}"
            for r, c in zip(LARGE, cells, strict=True)
        )
        print(f"l = {l} {family:>11s}   {text}")
late = high[high.index.get_level_values("epochs") == 60]
for (_, family, l, r, _), c in late.iterrows():
    print(f"l = {l} {family:>11s}   r = {r}, 60 epochs: {c['sum']:.0f} of {c['size']:.0f}")
for l in (3, 4):
    for r in (4, 8, 12):
        own, norm = (high.loc[(rule, "unequal", l, r, 20)] for rule in RULES)
        text = f"own part {own['sum']:.0f}, norm {norm['sum']:.0f} of {own['size']:.0f}"
        print(f"l = {l}, weights 1 to 0.1, r = {r:2d}: {text}")


# %% [markdown]
# `[measured]` Within 20 epochs at least 90 % succeed in all of these cells but three: mixed targets at $r=32$ for $l=3$, and at $r=48$ for both orders (the table has the counts: about a half, a twentieth, two thirds). They are slow, not stuck: with 60 epochs all runs succeed there, and at $r=24$ for $l=3$ too. With unequal
# weights the new rule succeeds in all runs of all six cells. The old one fails the more often the more components there are.
#
# **Against the rank.** As a description we fit steps $\sim r^\gamma$ from $r=4$ on, to the cells with at least 90 % success in 20 epochs. The interval holds the scatter about the line, nothing else.


# %%
def slope(r, steps):
    """The exponent gamma of steps ~ r^gamma by least squares, and its 95 % interval."""
    fit = stats.linregress(np.log(r), np.log(steps))
    half = stats.t.ppf(0.975, len(r) - 2) * fit.stderr
    return fit.slope, fit.slope - half, fit.slope + half


def steps_at_rank(rule, family, l):
    """Ranks with at least 90 % success at m = r in 20 epochs, and the mean steps there."""
    rows = [(r, grid9.loc[(rule, family, l, r, 0)]) for r in RANKS]
    if rule == "own part":
        rows += [(r, high.loc[(rule, family, l, r, 20)]) for r in LARGE]
    rows = [(r, row["steps"]) for r, row in rows if row["sum"] >= 0.9 * row["size"]]
    return np.array(rows).T


print("steps ~ r^gamma at m = r, own part, r >= 4:   l = 3                  l = 4")
for family in FAMILIES:
    text = ""
    for l in (3, 4):
        r, steps = steps_at_rank("own part", family, l)
        g = slope(r[r >= 4], steps[r >= 4])
        text += f"   {g[0]:.2f} [{g[1]:.2f}, {g[2]:.2f}]"
        assert g[2] < 2
    print(f"{family:>30s} {' ' * 10}{text}")

# %%
fig, axes = show.figure(2, sharey=True)
for ax, l in zip(axes, (3, 4), strict=True):
    for k, (family, (color, marker)) in enumerate(LOOKS.items()):
        r, steps = steps_at_rank("own part", family, l)
        ax.plot(r, steps, marker + "-", color=color, lw=1.2, markersize=5)
        old = [grid9.loc[("norm", family, l, r, 0), "steps"] for r in RANKS]
        ax.plot(RANKS, old, marker, color=color, markersize=5, markerfacecolor="white")
        symbol = dict(zip(show.MARKERS, "●■▲◆▼", strict=True))[marker]
        show.label(ax, 10, 110 * 0.74**k, f"{symbol} {family}", color, xytext=(0, 0))
    ax.axhline(6000, color=show.GREY, lw=1, ls=":")
    ax.set(xscale="log", yscale="log", xlim=(0.9, 60), ylim=(30, 8000), xlabel="rank $r$")
    ax.set_xticks(ticks := [1, 2, 4, 8, 16, 32, 48], ticks)
    ax.minorticks_off()
    ax.set_title(f"$l={l}$")
axes[0].set_ylabel("mean steps to 1 % at $m=r$")
fig.suptitle("With $m=r$ it is the time that grows with the rank", fontsize=12)
plt.show()

# %% [markdown]
# **Figure 4.** *Steps at $m=r$.* Filled symbols: redraws by own part, ranks with at least 90 % success in 20 epochs. Open: by the norm. Dotted: the 6,000 steps of 20 epochs, where a failed run counts.
#
# `[measured]` For these ranks $\gamma$ lies between 0.3 and 1.2: the time grows far more slowly than $r^2$. A power law is a description here; at $l=4$ a logarithm would do as well on orthogonal and random targets.

# %%
print("r = 4, mean steps to 1 %     own part: m = r    2r    4r      norm: m = r    2r    4r")
for l in (3, 4):
    for family in FAMILIES:
        own, norm = ([grid9.loc[(x, family, l, 4, e), "steps"] for e in (0, 4, 12)] for x in RULES)
        texts = ("".join(f"{v:6.0f}" for v in one) for one in (own, norm))
        print(f"l = {l} {family:>11s}" + " " * 23 + (" " * 13).join(texts))
        assert own[0] > own[1] > own[2] or family == "correlated"

# %% [markdown]
# **Width buys time** `[measured]`. By own parts twice the rank takes 29 to 56 % of the steps, and four times the rank 41 to 80 % of those. The exception is correlated targets at $l=3$, where neither rule gets stuck: there width buys nothing. From $m=2r$ on the two rules take about the same time;
# the largest difference in the table is 90 steps against 121.
#
# ## 5. Accuracy
#
# How do width and time depend on the error $\varepsilon$ that is asked for? Runs at rank 4 (40, at the default budget) continue to $10^{-6}$ or to the end of their 6,000 steps. We note when each first has an error below $\varepsilon$.

# %%
EPS, R = 10.0 ** -np.arange(1, 7), 4


def first_below(family, l, m, runs):
    """Steps after which each run is first below each eps; infinite if never: (runs, eps)."""
    kind, signs = FAMILIES[family]
    T = targets.spanned(kind, D, R, l, seed=[l, R], signs=signs, batch=(runs,)).moved(xp)
    first = []
    for eps in EPS:  # the same runs, which stop later
        options = {"recipe": Recipe(tol=eps), "compiled": COMPILED}
        run = descend(T, m, seed=m, runs=runs, dim=D, **options)
        first.append(np.where(run.reason == REACHED, run.steps, np.inf))
    return np.stack(first, axis=1)


# %%
WIDTHS, KINDS, SAMPLE = [R, 2 * R, 4 * R], ("orthogonal", "mixed"), budget(20, 40, 200)
reach = {(k, m): first_below(k, 3, m, SAMPLE) for k in KINDS for m in WIDTHS}
print("l = 3, r = 4: share of runs that get below       1e-2           1e-6")
for (family, m), first in reach.items():
    good = [rate(np.isfinite(first[:, k])) for k in (1, 5)]
    said = ["most" if x.low > 0.75 else "few" if x.high < 0.55 else "some" for x in good]
    print(f"{family:>22s}, m = {m:2d} {said[0]:>26s} {said[1]:>14s}")
few, many = (reach["mixed", m] for m in (R, 4 * R))
assert rate(np.isfinite(many[:, 5])).high < rate(np.isfinite(few[:, 5])).low
assert np.median(many[:, 1]) < np.median(few[:, 1])

# %%
fig, axes = show.figure(2, sharey=True)
for ax, kind in zip(axes, KINDS, strict=True):
    for m, color, marker in zip(WIDTHS, show.CYCLE, show.MARKERS, strict=False):
        low, middle, high_ = np.quantile(np.minimum(reach[kind, m], 1e4), [0.25, 0.5, 0.75], axis=0)
        seen = middle < 1e4
        x = EPS[seen] * 1.12 ** (np.log2(m / R) - 1)
        style = {"color": color, "fmt": marker + "-", "lw": 1}
        show.points(ax, x, middle[seen], low[seen], high_[seen], **style)
        place = {R: (8, 2), 2 * R: (8, -5), 4 * R: (-7, 13)}[m]
        side = "right" if m == 4 * R else "left"
        show.label(ax, x[-1], middle[seen][-1], f"$m={m}$", color, xytext=place, ha=side)
    ax.set(xscale="log", yscale="log", xlim=(0.2, 1.5e-7), ylim=(30, 7000))
    ax.set(xlabel=r"error $\varepsilon$", title=kind)
axes[0].set_ylabel("steps")
fig.suptitle("More components: sooner at 1 %, later at the last digits ($l=3$, $r=4$)", fontsize=12)
plt.show()

# %% [markdown]
# **Figure 5.** *Width costs the last digits.* Steps until a run is first below $\varepsilon$; medians, bars from the 25 % to the 75 % quantile of all runs. A curve ends where the median run does not get there in 6,000 steps.
#
# **Why.** With $m=r$ every component has its own target in the end, and the error falls by a constant factor per step. With more, some share one within an epoch, and what is redrawn between epochs comes to share again. Let two components at angles $\pm\theta$ share $e_1^{\otimes l}$, with
# equal weights such that the coefficient of $e_1^{\otimes l}$ is 1 (the best ones differ by $O(\theta^4)$). Their tensor is then
#
# $$T=\frac1{2\cos^l\theta}\sum_\pm(\cos\theta\,e_1\pm\sin\theta\,e_2)^{\otimes l}=e_1^{\otimes l}+\tbinom l2\,\theta^2\,\operatorname{Sym}(e_1^{\otimes(l-2)}\otimes e_2^{\otimes2})+O(\theta^4),$$
#
# so $\|E\|\approx\sqrt{\binom l2}\,\theta^2$, as $\|\operatorname{Sym}(e_1^{\otimes(l-2)}\otimes e_2^{\otimes2})\|^2=1/\binom l2$. The field at $\bar u_\pm$ has along $e_2$ the part
# $\frac1l\partial_{x_2}E(x^l)=\pm(l-1)\,\theta^3$. A step $s$ turns the components by $s$ times that: $\theta\leftarrow\theta-s(l-1)\theta^3$. Hence
# $\theta^{-2}$ grows by $2s(l-1)$ a step, and
#
# $$\|E\|\ \approx\ \frac{\sqrt{\binom l2}}{2(l-1)\,s\,t}\qquad\text{after } t \text{ steps: like }1/t\text{, not exponentially.}$$
#
# (Leading order only: an estimate, not a theorem.) The step rule gives $s=1/l$ here. **Check:**

# %%
for l in (3, 4, 5):
    T = SymmetricTensor(np.ones(1), np.eye(2)[:, :1], l)
    U = np.sqrt(0.5) * np.array([[[np.cos(0.3)] * 2, [np.sin(0.3), -np.sin(0.3)]]])
    recipe = Recipe(tol=1e-7, epochs=1, steps=4000)  # one epoch: nothing is redrawn
    start = xp.asarray(U), xp.ones((1, 2))
    run = descend(T.moved(xp), 2, seed=0, runs=1, start=start, recipe=recipe)
    law = np.sqrt(comb(l, 2)) * l / (2 * (l - 1))
    print(
        f"l = {l}: error times steps after {run.steps[0]}: {run.error[0] * run.steps[0]:.3f}, estimate {law:.3f}"
    )
    assert abs(run.error[0] * run.steps[0] / law - 1) < 0.005

# %% [markdown]
# How much it costs depends on the targets: the median orthogonal run at $m=16$ still reaches $10^{-6}$ within two epochs, few of the mixed ones do in twenty. So plain descent is the tool for 1 %, and at $m=r$ for more; from there a second-order method is the right one.
#
# ## 6. Where it fails, and why
#
# What stopped the old rule, and what does the new one do at that moment? We take the runs that failed by the norm alone, at $m=r$ and $m=r+1$, in the state in which they ended. A component is *free* if its norm is at most 0.1, *lost* if it is not free and holds no true component, a *double* if another one
# holds the same. The gradient is $l\,\|u_i\|\,\|E(\bar u_i^{\,l-1},\cdot)\|$. Then we ask the new rule what it would redraw there, and let the algorithm go on *from this state* for another 20 epochs, once by each rule.


# %%
def failed(kind, signs, l, r, m):
    """Targets and last states of the runs that failed by the norm alone."""
    runs = budget(40, 100, 300)
    T = targets.spanned(kind, D, r, l, seed=[l, r, m], signs=signs, batch=(runs,))
    options = {"recipe": RULES["norm"], "dim": D, "compiled": COMPILED}
    (stage,) = deque(trajectory(T.moved(xp), m, seed=m, runs=runs, **options), maxlen=1)  # the last
    lost = np.flatnonzero(stage.reason != REACHED)
    return T.take(stage.runs[lost]), stage.now.take(from_numpy(lost, stage.now.norms))


def autopsy(T, now):
    """Per run: missing, free, lost; per component: doubles, and what each part redraws."""
    l, held = T.order, holds(T.factors, now)
    free, lost = to_numpy(now.norms) <= 0.1, ~held.any(axis=1)
    doubles = (held & (held.sum(axis=2, keepdims=True) > 1)).any(axis=1)
    one, two = (to_numpy(replaceable(now, e, l, BASE)) for e in (now.error + np.inf, now.error))
    missing = (~held.any(axis=2)).sum(axis=1)
    return missing, free.sum(axis=1), lost & ~free, doubles, one, two


# %%
def resumed(T, now, rule):
    """The success rate of 20 epochs more, from this state, by a rule."""
    start, n = (now.factors, now.signs), len(T.weights)
    options = {"recipe": RULES[rule], "dim": D, "compiled": COMPILED}
    run = descend(T.moved(xp), now.norms.shape[1], seed=6, runs=n, start=start, **options)
    return rate(run.reason == REACHED)


# %%
STATES = {}
for l, m in ((3, 8), (3, 9), (4, 8)):
    T, now = STATES[l, m] = failed("orthogonal", "positive", l, 8, m)
    missing, free, lost, doubles, one, two = autopsy(T, now)
    slopes = l * to_numpy(now.norms) * np.linalg.norm(to_numpy(now.field), axis=1)
    gap = abs(to_numpy(now.error) - np.sqrt(missing / 8))
    calm = (slopes.max(axis=1) < 1e-3) & (gap < 2e-3) & ~lost.any(axis=1)
    assert missing.min() > 0 and free.max() == 0 and np.sum(~calm) <= 1 + 0.03 * len(calm)
    assert two.any(axis=1).all() and doubles[two].mean() > 0.95
    exact = rate(one.sum(axis=1) == missing + m - 8)
    print(
        f"l = {l}, r = 8, m = {m}, failed by the norm: in every run some are missing, none is free;"
    )
    print("  but for at most 3 % and one of them no gradient is above 1e-3, none is lost, and the")
    print("  error is sqrt(missing / 8) to 2e-3")
    print("  own part: redraws at least one in every run, at least 95 % of them doubles; in")
    print(f"  {words(exact)} runs as many as are missing or spare")
    on, stay = resumed(T, now, "own part"), resumed(T, now, "norm")
    print(f"  20 epochs more from there: own part succeeds in {words(on)}, norm in {words(stay)}")

# %% [markdown]
# **In these three cases nearly every failed run is the same picture** `[measured]`: some true components are missing, and as each of the $m$ components holds one, some hold the same. The gradient is zero for all practical purposes, and *no
# component is free*. Doubling is the luck of the draw: two components turned to the same target. By the norm alone it does harm if the doubles grow above the threshold of redraws, and nothing below it is left. A few spare components lower the chance of
# that, which is why $2r$ were enough at these ranks. Notebook 03 says which of these points are minima: at $l=4$ two sharers with shares $a,1-a$ are one iff $6a(1-a)>1$; at $l=3$ they are half-stable.
#
# The new rule sees a double at once: its own part is nearly 0, whatever its norm. It redraws the lighter one of each pair, the other takes over its weight, and the fresh one finds what is missing: Theorem L at work. In a few runs the doubles still stand at an angle and their own parts are above the threshold; there the error has stopped falling, and the stall rule
# takes the one of smallest own part.
#
# With correlated components of both signs it is another picture: some component is lost. It lies between two true ones or among more, or near one but not on it.

# %%
T, now = STATES["mixed"] = failed("correlated", "mixed", 3, 8, 8)
missing, free, lost, doubles, one, two = autopsy(T, now)
share, above = rate(lost.any(axis=1)), rate(~one.any(axis=1))
astray = rate(((two & lost) | (two & doubles)).any(axis=1))
print(
    f"mixed, l = 3, r = m = 8, failed by the norm: free in any run: {free.max()}; some component is"
)
print(
    f"  lost in {words(share)}; no own part is below the threshold in at least 30 % of them, and there"
)
print(f"  the stall rule redraws one; what goes is lost or a double in {words(astray)}")
on, stay = resumed(T, now, "own part"), resumed(T, now, "norm")
print(f"  20 epochs more from there: own part succeeds in {words(on)}, norm in {words(stay)}")
assert free.max() == 0 and min(share.low, astray.low) > 0.5
assert above.low > 0.3 or BUDGET == "quick"

# %%
fig, axes = show.figure(2, sharey=True)
for ax, name in zip(axes, ((3, 8), "mixed"), strict=True):
    T, now = STATES[name]
    _, _, lost, doubles, _, two = autopsy(T, now)
    w, own = to_numpy(abs(now.weights)), to_numpy(own_parts(now, 3))
    kinds = {"alone on a true one": (~lost & ~doubles, "o", show.BLUE)}
    kinds |= {"double": (doubles, "s", show.RED), "lost": (lost, "^", show.GOLD)}
    for k, (kind, (which, marker, color)) in enumerate(kinds.items()):
        ax.plot(w[which], own[which], marker, color=color, markersize=5, alpha=0.7, mew=0)
        symbol = dict(zip(show.MARKERS, "●■▲◆▼", strict=True))[marker]
        show.label(ax, 0.012, 6e-5 * 0.42**k, f"{symbol} {kind}", color, xytext=(0, 0))
    ax.plot(w[two], own[two], "o", color=show.INK, markersize=9, markerfacecolor="none")
    ax.axhline(0.01, color=show.GREY, lw=1, ls=":")
    ax.plot([0.01, 1], [0.01, 1], color=show.GREY, lw=1)
    ax.set(xscale="log", yscale="log", xlim=(0.009, 1.1), ylim=(5e-6, 1.5))
    ax.set(xlabel="weight, $|w_i|=\\|u_i\\|^2$", title=name if name == "mixed" else "orthogonal")
show.label(axes[0], 0.4, 0.01, "threshold", show.GREY, xytext=(0, -8), fontsize=10)
axes[0].set_ylabel("own part")
fig.suptitle("Where the norm saw nothing to redraw ($l=3$, $r=m=8$)", fontsize=12)
plt.show()

# %% [markdown]
# **Figure 6.** *Weight and own part* of each component of each run that failed by the norm alone. The norm sees the horizontal axis only: nothing is left of 0.01. Ringed: what the new rule redraws. Left: what is left of the own part of a double is due to the angle to its twin. Heavier twins stay: without the lighter ones they are of use. What is ringed above the threshold is the stall rule's choice.
#
# ## 7. Falsification: drop the low rank
#
# P4 is stated for $r\ll d$, and Theorem H's bound is small only for small $r$. Take a target *without* low rank: normal coordinates in $\mathrm{Sym}^3(\mathbb R^d)$. All $D$ dimensions of the space matter now. Sums of $m$ powers are the image of $dm$ parameters, a set of
# measure 0 in $\mathbb R^D$ if $dm<D$. So almost no such target is fitted exactly with $m<D/d$, by any method. (An error of 1 % is a weaker demand, on which measure 0 says nothing; nearly all runs end above 5 %, and the best above 2 %.)

# %%
print("  d    D   ceil(D/d)   at ceil(D/d) - 1: smallest error   at 3 ceil(D/d): success rate")
for d in budget([4], [4, 6, 8], [4, 6, 8, 10]):
    n, threshold = budget(20, 30, 100), lazy.threshold(d, 3)
    coords = generator(d).standard_normal((n, sym_dim(d, 3)))
    T, options = CoordinateTensor(xp.asarray(coords), d, 3), {"seed": 1, "compiled": COMPILED}
    few, many = (descend(T, m, runs=n, **options).error for m in (threshold - 1, 3 * threshold))
    good = rate(many <= 0.01)
    fails = few.min() > 0.02 and rate(few > 0.05).low > 0.8
    said = ("above 2 %" if fails else "NOT"), ("above 0.7" if good.low > 0.7 else "NOT")
    print(f"{d:3d} {sym_dim(d, 3):4d} {threshold:11d} {said[0]:>34s} {said[1]:>30s}")
    assert "NOT" not in said

# %% [markdown]
# Without low rank the algorithm needs what lazy training needs, up to a constant `[measured]`, by the new rule too. Leaving the lazy regime helps because there is something simple to be found.
#
# ## 8. Both theorems in one table
#
# | | lazy training | beyond lazy |
# |---|---|---|
# | the paper | $m=\Omega(d^{\,l-1})$ needed, $O(d^{\,l-1})$ enough (P3) | $m=O^*(r^{2.5l}\log d)$ enough (P4) |
# | proved here | with fewer than $D/d$ a fixed share of the mean squared error stays, whatever the start (Theorem A) | greedy: $O(r^l\log\frac1\varepsilon)$ enough, for every $d$ and every target (Theorem H); orthogonal targets, idealised epochs: $m=r$ enough, for every $d$ (Theorem L) |
# | measured, to 1 % | exactly $\lceil D/d\rceil$ (notebook 00): at $l=3$ about $d^2/6$ | in 20 epochs of 300 steps: $m=r$ for $r\le12$, $d=100$, four families, $l=3,4$ (here); $m=3$ at rank 3, $d\le10^{12}$ (notebook 07) |
#
# In one sentence: at $l=3$ lazy training needs about $d^2/6$ components, the paper's bound is a power of the rank, and on these targets the rank itself is enough. Width is not needed to succeed, it buys time; with $m=r$ what grows is the number of epochs.
#
# **What is not shown.** The paper's proof of P4 is not reproduced: P4 is a theorem about the paper's variant, and the redraw by own parts is not part of it. Theorem L is about idealised epochs on orthogonal targets; that the algorithm itself reaches 1 % with $m=r$ is measured, on random targets and at the sizes above. Nor is
# it shown that the exponent $2.5\,l$, or any exponent above 1, is ever needed: for that one would have to find hard targets. Where width *is* needed, within a given time (more components than dimensions, components nearly parallel, targets made to be hard), is the subject of notebook 11.
#
# ## 9. What is open, and exercises
#
# 1. Find a low-rank target on which needed $m$ is far above $r$, whatever the number and length of epochs. (Notebook 11 has looked, and found none.)
# 2. Model the first epoch as balls in bins: $m$ components fall on $r$ targets. Which law of needed $m$ follows for a single epoch, and does it fit runs with `epochs=1`?
# 3. Prove (c) of Theorem L for weights whose sizes differ by at most a factor 2. Which factor replaces $e^{-1/2}$?
# 4. Derive the $1/t$ law for three components that share one target.
# 5. At odd order finite steps land more often than the flow (section 3). Replace (a)'s flow by steps of fixed angle and compute the probability again.

# %%
print(
    f"receipt: budget {BUDGET}; d = {D}; experiment 9: {grid9['size'].max()} runs per cell stored, {RUNS} recomputed,"
)
print(f"1 % error; seeds by cell (td.sweep) or as written; {SAMPLE} runs per width in section 5")
