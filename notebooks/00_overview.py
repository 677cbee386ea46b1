# %% [markdown]
# # Overview: what leaving the lazy regime buys
# *For Colab, Kaggle or any Jupyter:* `dist/colab/00_overview.ipynb`, from `make colab`.
#
# **What you will see.** Gradient descent is to write a tensor of rank 3 and order 3 in dimension $d$ as a sum of
# $m$ components. *Lazy* training needs at least $\lceil D/d\rceil\approx d^2/6$ of them for an exact fit,
# $D=\binom{d+2}3$ being the dimension of the symmetric tensors, and hardly fewer for an error of 1 %: 15 at
# $d=8$, and $1.7\cdot10^{23}$ at $d=10^{12}$. A variant of gradient descent that leaves the lazy regime needs 3,
# the rank itself, at every $d$ we try up to $10^{12}$. All of this is computed below, in under a minute.
#
# This is the first page of an executable edition of Xiang Wang, Chenwei Wu, Jason D. Lee, Tengyu Ma and
# Rong Ge, *Beyond Lazy Training for Over-parameterized Tensor Decomposition*, NeurIPS 2020. The paper
# proves theorems. What we can read of it reports no experiment in detail. Here a statement stands beside the code
# that checks it.

# %% tags=["hide-input"]
import sys
from importlib.util import find_spec

if not find_spec("td"):
    sys.exit("td is not installed. The notebooks that `make colab` writes bring it along.")

# %% tags=["hide-input"]
import os
from bisect import bisect_left
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from td import lazy, moments, show, targets
from td.backend import generator, select, to_numpy
from td.descent import Recipe, descend, trajectory
from td.rates import budget, mean, needed, rate
from td.tensor import SymmetricTensor

# %% tags=["hide-input"]
xp = select()  # a usable GPU if there is one, else numpy
BUDGET = budget("quick", "ci", "paper")


def keep(name, save, **options):
    """Leave a picture as a file for the README, where `make paper` asks for it."""
    if folder := os.environ.get("TD_FIGURES"):
        save(os.path.join(folder, name), **options)


# %% [markdown]
# ## The problem
# **P1** `[paper]`. Given is a symmetric tensor of order $l$ in dimension $d$, and of rank $r\ll d$,
#
# $$T^*=\sum_{j=1}^{r}c^*_j\,(u^*_j)^{\otimes l}.$$
#
# Find $m>r$ terms that fit it: minimise $\bigl\|\sum_{i=1}^{m}c_i\,u_i^{\otimes l}-T^*\bigr\|_F^2$ over
# $u_i\in\mathbb R^d$ and $c_i\in\mathbb R$. How large must $m$ be so that gradient descent from a random
# start succeeds?
#
# (The entries of $u^{\otimes l}$ are all products of $l$ coordinates of $u$. For $l=2$ it is the matrix
# $uu^\top$. We call the terms with $u^*_j$ the *true components*, those with $u_i$ the *components*.)
#
# **Two regimes.**
#
# - **Lazy.** The start is large, and paired so that its tensor is 0. Then tiny moves of the components
#   change the tensor enough, so no component turns, and the model is as good as linear in its parameters.
#   It can fit what its tangent space at the start contains, and nothing else. This is why it fails: that
#   space knows nothing of the target.
# - **Rich.** The algorithm in one sentence: **start tiny, with a stop-gradient on the norms; directions
#   turn first, the aligned ones grow; what the others can replace is redrawn.** So components find the few
#   directions that matter, and the dimension $d$ around these has little say.
#
# *Stop-gradient on the norms*: a component of norm $\|u_i\|$ has the weight $\pm\|u_i\|^2$, the model being
# $\sum_i\pm\|u_i\|^{2-l}\,u_i^{\otimes l}$, and the factor $\|u_i\|^{2-l}$ counts as a constant when the
# gradient is taken. Directions then turn at a speed that does not depend on how small the component is
# ([notebook 02](02_algorithm.ipynb) has the algorithm in twenty lines).
#
# **What is the paper's, and what is ours.** Every statement bears one of four marks.
#
# | mark | means |
# |---|---|
# | `[paper]` | stated by the paper where we can read it: P1 to P5, nothing else |
# | `[proved here]` | derived in full in a notebook, and what it states checked |
# | `[known]` | a published theorem by others, cited, verified at the sizes shown |
# | `[measured]` | the outcome of an experiment, with seeds, sizes and spread |
#
# We hold the paper's abstract, the opening of its introduction and the outline of the authors' talk, not
# its proofs. Theorem B is Alexander and Hirschowitz's (1995). The other lettered statements are ours, and
# so are the details of the algorithm, a reconstruction, and the rule that redraws what the others can
# replace.

# %% [markdown]
# ## Lazy and rich, in one picture
# The target has two orthogonal true components in $d=20$, both with weight 1, and $m=8$. We draw a
# component by its two cosines with $u_1^*$ and $u_2^*$, a dot in the unit disc: at the rim it lies in their
# plane, in the middle it knows nothing of them. ($l=3$ is odd: a component of weight $-$ is the opposite
# one of weight $+$, and drawn so.)
#
# Both runs descend on $\|T-T^*\|^2$. The lazy one starts at norm 10, four directions each with weight $+$
# and $-$, and takes plain gradient steps on $\sum_i\pm u_i^{\otimes3}$. The other one is the algorithm,
# which starts at norm $10^{-3}$.

# %%
L, M, RUNS = 3, 8, 20
T = targets.orthogonal(20, 2, L, seed=[0, 20], batch=(RUNS,)).moved(xp)
X = generator([1, 20]).standard_normal((RUNS, 20, M // 2))
X = xp.asarray(X / np.linalg.norm(X, axis=-2, keepdims=True))
pairs = xp.asarray([[1.0] * (M // 2) + [-1.0] * (M // 2)] * RUNS)
large = 10 * xp.concat([X, X], axis=-1), pairs

plain = {"model": "plain", "small": 0.0}  # the true gradient, one step for all
never = {"reinit": 0.0, "stall": 0.0}  # no redraws
GRADIENT = Recipe(**plain, **never, epochs=1, steps=100)
options = {"seed": 1, "runs": RUNS}
lazily = trajectory(T, M, recipe=GRADIENT, start=large, **options)
richly = trajectory(T, M, **options)


# %% tags=["hide-input"]
def watched(stages, basis):
    """Run 0's cosines, norms and error at every step; every run's turn (degrees), error, steps."""
    views, first, ends = [], None, {}
    for stage in stages:
        now, first = stage.now, first or stage.now
        if stage.runs[0] == 0:
            seen = (now.signs[0, :] * (basis.mT @ now.directions[0, ...]), now.norms[0, :])
            views.append((*map(to_numpy, seen), float(now.error[0])))
        for i in np.flatnonzero(stage.reason != "").tolist():
            k = int(stage.runs[i])
            cosines = (first.directions[k, ...] * now.directions[i, ...]).sum(0)
            turn = np.degrees(np.arccos(np.clip(to_numpy(cosines), -1, 1))).mean()
            ends[k] = (turn, float(now.error[i]), int(stage.steps[i]))
    return views, np.array([ends[k] for k in sorted(ends)]).T


BASIS = T.factors[0, ...]
LAZY, (turn, error, _) = watched(lazily, BASIS)
RICH, (turned, left, steps) = watched(richly, BASIS)

# %% tags=["hide-input"]
goals = T.coordinates().coords[..., None] / T.norm[..., None, None]
reach = to_numpy(lazy.lazy_error(X, goals, L))[:, 0]
print(f"lazy: components turn by {mean(turn, 4)} degrees; relative error {mean(error, 3)},")
print(f"      the tangent space allows {mean(reach, 3)} ({RUNS} runs, {GRADIENT.steps} steps)")
print(f"rich: components turn by {mean(turned, 1)} degrees, in {mean(steps, 0)} steps;")
print(f"      relative error at most 0.01 in {rate(left <= 0.01)}")
distinct = lazy.threshold(20, L)
print(
    f"to fit exactly, lazy training needs {distinct} distinct directions here: m = {2 * distinct}"
)
assert turn.max() < 0.05 and abs(error - reach).max() < 1e-3
assert turned.mean() > 40 and rate(left <= 0.01).low > 0.75


# %% tags=["hide-input"]
def disc(ax, views, k, color):
    """The components at step k, area by norm, their paths, and the two true ones as stars."""
    paths, largest = np.array([cosines for cosines, *_ in views[: k + 1]]), views[-1][1].max()
    ax.add_patch(plt.Circle((0, 0), 1, fill=False, color=show.GREY))
    ax.plot(*np.moveaxis(paths, 1, 0), color=color, lw=0.8)
    area, look = 24 + 200 * views[k][1] / largest, {"edgecolors": "white", "lw": 0.8}
    ax.scatter(*paths[-1], s=area, color=color, zorder=3, clip_on=False, **look)
    star = {"mfc": "none", "mew": 1.8, "ms": 17, "zorder": 4, "clip_on": False}
    ax.plot([1, 0], [0, 1], "*", color=show.GOLD, **star)
    ax.set(xlim=(-1.05, 1.2), ylim=(-1.05, 1.2), aspect="equal")
    ax.set_axis_off()


def still(axes, views, color, name):
    """A run's start, a third of it, and its end, each with its error."""
    last = len(RICH) - 1
    for ax, k in zip(axes, (0, last // 3, last), strict=True):
        disc(ax, views[: last + 1], k, color)
        ax.set(ylim=(-1.4, 1.2))
        ax.text(0, -1.12, f"error {views[k][2]:.2f}", ha="center", va="top", color=color)
        ax.set_title(f"{name}, step {k}", loc="center", color=color)


# %% tags=["hide-input"]
ROWS = {"lazy": (LAZY, show.RED), "rich": (RICH, show.BLUE)}
fig, axes = show.figure(3, nrows=2, figsize=(5.8, 5.2))
for row, (name, (views, color)) in zip(axes, ROWS.items(), strict=True):
    still(row, views, color, name)
fig.suptitle("Lazy dots do not move;\nrich ones fly to the rim, then swell", weight="bold")
fig.canvas.draw()  # the layout settles with the first drawing
keep("lazy_and_rich.png", fig.savefig, dpi="figure")
plt.show()

# %% [markdown]
# **Figure 1.** *Lazy dots do not move; rich ones fly to the rim, then swell* `[measured]`. The first of the
# runs above, as it comes. Dots: components, by their cosines with the two true components (stars), area by
# norm, in each row relative to its largest; lines are their paths. Top: lazy training; the error falls as
# far as the tangent space allows, and stops. Bottom: the algorithm; directions turn while all norms are
# small, then the aligned ones share the weight.
#
# The same, as a film:
#
# ![Eight lazy components stand still; eight that start small fly to the rim and swell](figures/lazy_and_rich.gif)
#
# **Live figure.** *From lazy to rich.* A knob for the scale of the start; components turn, or stay. The
# HTML edition (`make html`) shows it here, and on [a page of its own](../docs/live.md).


# %% tags=["hide-input"]
def frame(rows, k):
    """Step k of all runs side by side, as an image."""
    fig, axes = show.figure(2, figsize=(5.2, 3.1), dpi=100)
    for ax, (name, (views, color)) in zip(axes, rows.items(), strict=True):
        disc(ax, views, k, color)
        ax.set_title(f"{name}: error {views[k][2]:.2f}", loc="center", color=color)
    fig.text(0.5, 0.03, f"step {k}", ha="center")
    fig.canvas.draw()
    image = Image.fromarray(np.asarray(fig.canvas.buffer_rgba())).convert("RGB")
    plt.close(fig)
    return image


def film(path, rows):
    """Every step for a tenth of a second, the last one held; all in the last one's colours."""
    steps = min(len(views) for views, _ in rows.values())
    images = [frame(rows, k) for k in range(steps)]
    palette = images[-1].quantize(32)
    first, *rest = (x.quantize(palette=palette, dither=Image.Dither.NONE) for x in images)
    pace = [1000, *[100] * (steps - 2), 2500]
    first.save(path, save_all=True, append_images=rest, duration=pace, loop=0, optimize=True)


keep("lazy_and_rich.gif", film, rows=ROWS)

# %% [markdown]
# ## The two theorems
# **P3** `[paper]`. In the lazy regime $m=O(d^{\,l-1})$ is enough and $m=\Omega(d^{\,l-1})$ is needed.
#
# **P4** `[paper]`. A variant of gradient descent finds an approximate $T^*$ with $m=O^*(r^{2.5\,l}\log d)$.
#
# *What this edition adds.* With $D=\binom{d+l-1}l$, the dimension of the symmetric tensors, the widths are:
#
# | | lazy | beyond it |
# |---|---|---|
# | the paper | $\Theta(d^{\,l-1})$ | $O^*(r^{2.5\,l}\log d)$ |
# | proved | $\lceil D/d\rceil$ | $\binom{r+l-1}l+1$, and $r$ |
# | measured | $\lceil D/d\rceil$ | $r$ |
#
# - **Lazy, proved**: for an exact fit. Theorem A (ours) bounds what any start can do, Theorem B `[known]`
#   says that generic starts do it.
# - **Beyond, proved**: for idealised variants, flows whose epochs are simpler than the algorithm's, in
#   every dimension. The first width is Theorem K, for any target whose true components span $r$ dimensions.
#   The second is Theorem L, for orthogonal ones ([notebook 06](06_all_at_once.ipynb)).
# - **Measured**: random targets of rank 3, lazy at $d\le20$, beyond it from $d=8$ to $10^{12}$.
# - **Not proved**: that the algorithm as it runs below succeeds with $r$ components, or with any number
#   free of $d$. The paper's own proof of P4 is not reproduced.

# %% [markdown]
# ## How the numbers are made
# - **Targets.** Order $l=3$, rank $r=3$, weights $\pm1$ at random. The true components are *orthogonal* (a
#   uniform frame) or *random* (independent uniform directions). Every run has its own target.
# - **Success**: a *relative error* $\|T-T^*\|_F/\|T^*\|_F$ of at most 1 %.
# - **Needed m**: the smallest $m$ of the grid from which on at least 90 % of the runs succeed. Each rate has its
#   95 % interval (Wilson's); printed after $\pm$ is its farther end. The bar of needed $m$ goes from the smallest
#   $m$ whose interval reaches up to 90 % to the smallest from which on all intervals lie above 90 %.
# - The grid begins at $m=r$: the section "Drop a hypothesis" shows that no smaller $m$ can succeed.
# - The variable `TD_BUDGET` (`quick`, `ci`, `paper`) sets the size of all runs; stored here are those of
#   `ci`.

# %% tags=["hide-input"]
SEEDS = budget(40, 60, 200)
DIMS = budget([8, 100, 10**12], [8, 20, 100, 10**3, 10**4, 10**6, 10**9, 10**12], None)
DIMS = DIMS or [8, 20, *(10**k for k in range(2, 13))]
LAZY_DIMS = budget([4, 8, 12], [4, 6, 8, 10, 12, 16, 20], [4, 6, 8, 10, 12, 16, 20, 24])
R, WIDTHS = 3, [3, 4, 5, 6, 8]
FAMILIES = {"orthogonal": targets.orthogonal, "random": targets.random}


def batch(name, d, l=3):
    """SEEDS targets of one family."""
    return FAMILIES[name](d, R, l, seed=[d, l], signs="mixed", batch=(SEEDS,))


# %% [markdown]
# ## Lazy training: what it can reach
# Linearised at its start $U_0$, the model reaches the tensors of the space
# $V=\operatorname{span}\{\operatorname{Sym}(u_i^{\otimes(l-1)}\otimes x):x\in\mathbb R^d\}$ and no other
# ($\operatorname{Sym}$ is the mean over all orders of the axes). Its smallest error is the distance from $T^*$ to
# $V$. We add random directions one at a time. $V$ only grows, so errors only fall, and bisection finds the first
# $m$ at which 90 % of the targets are within 1 %.
#
# This counts *distinct* directions. Real lazy training starts from pairs $\pm$ and needs twice as many
# components ([notebook 01](01_lazy_training.ipynb), section 4).


# %%
@cache
def lazy_errors(d, m):
    """Distance to V of each orthogonal target; V from m of one set of draws."""
    most = 2 * lazy.threshold(d, L)
    U = generator([d, 7]).standard_normal((most, d))[:m].T
    T = batch("orthogonal", d)
    columns = xp.asarray(T.coordinates().coords.T / T.norm)
    return to_numpy(lazy.lazy_error(xp.asarray(U), columns, L))


def lazy_rate(d, m):
    """How many targets lazy training from these m directions can reach."""
    return rate(lazy_errors(d, m) <= 0.01)


def lazy_needed(d):
    """The first m with which 90 % of the targets are reached."""
    widths = range(1, 2 * lazy.threshold(d, L))
    return 1 + bisect_left(widths, 0.9, key=lambda m: lazy_rate(d, m).value)


# %%
measured = {d: lazy_needed(d) for d in LAZY_DIMS}
print("distinct directions needed, and ceil(D/d):")
for d in LAZY_DIMS[1::2]:
    print(f"d = {d:2d}: {measured[d]:3d} {lazy.threshold(d, L):5d}")
assert all(m == lazy.threshold(d, L) for d, m in measured.items())

# %% [markdown]
# Why it is $\lceil D/d\rceil$ for generic starts is **Theorem B** `[known]` ($d=5$ would need one more).
# That no start does much better is **Theorem A** `[proved here]`, both in
# [notebook 01](01_lazy_training.ipynb): whatever $U_0$, if it is chosen without looking at $T^*$,
#
# $$\mathbb E\,\frac{\operatorname{dist}(T^*,V)^2}{\|T^*\|_F^2}\;\ge\;\Bigl(1-\frac{dm}{D}\Bigr)_+\,\Pi,\qquad \Pi=\prod_{i=0}^{l-1}\frac{d+i}{d+2i}.$$
#
# It is stated there for $T^*=u^{\otimes l}$ and holds for our orthogonal targets word for word. With
# independent random signs the cross terms average to zero, each true component is uniform on the sphere,
# and $\|T^*\|_F^2=r$.
#
# **Exactly, or to 1 %?** The theorem bounds a mean, the figure asks for 1 % on 90 % of the targets.
#
# - *About nine tenths of it: 0.87 at $d=8$, tending to 0.8999.* No relative error exceeds 1. So where 90 % of the
#   targets are within 1 %, the mean square is at most $0.1+0.9\cdot10^{-4}$, and the theorem leaves
#   $m\ge(1-0.1001/\Pi)\,D/d$.
# - *A few fewer do suffice at large $d$.* The moment operator's largest eigenvalue is $3/(d(d+2))$
#   (notebook 01). With one component fewer than $\lceil D/d\rceil$ the mean square is at most $3/(d+2)$: at
#   $d=10^6$ at least 97 % of the targets are within 1 %, by Markov's inequality.

# %% tags=["hide-input"]
for d in LAZY_DIMS[-2:]:
    m = int(moments.sym_dim(d, L) / d * (1 - 0.25 / float(moments.lazy_bound(d, L, 0))))
    square, bound = lazy_errors(d, m) ** 2, float(moments.lazy_bound(d, L, m))
    print(f"d = {d}, m = {m}: mean square error {mean(square, 3)}, Theorem A: {bound:.3f} or more")
    assert square.mean() + 4 * square.std() / np.sqrt(SEEDS) > bound >= 0.25
whole = float(moments.lazy_bound(10**12, L, 0))
print(f"1 % on 90 % of the targets, d = 10^12: m >= {1 - 0.1001 / whole:.4f} D/d")
first = max(block.eigenvalue for block in moments.spectrum(10**6, L))
assert 10**6 * (10**6 + 2) * first == 3 and 1 - 10**6 * float(first) / 1e-4 > 0.969

# %% [markdown]
# ## The algorithm: what it needs
# Components start at norm $10^{-3}$ with random directions and signs. The settings are those of
# `td.Recipe()`, and none depends on $d$:
#
# - One step size serves all small components, another all large ones (the *two-step rule*).
# - An *epoch* is 300 steps, a *run* at most 20 epochs. Between epochs the components that the others can
#   replace are *redrawn*: those that stayed small, doubles, and one more if nothing else helped. A
#   component's *own part* measures what its removal costs ([notebook 02](02_algorithm.ipynb)). **This rule
#   is ours.**
# - Beside it we run the *norm rule*, which redraws only what stayed small.
#
# No array has $d$ rows. A run sees its components through inner products alone, so it can be followed in
# the $r+m$ coordinates that it uses, with exactly the law of a run in $\mathbb R^d$: **Theorem I**
# `[proved here]`, [notebook 07](07_any_dimension.ipynb). All dimensions of one width are one batch.


# %%
def some(name, d):
    """SEEDS targets of R^d, given in the few coordinates of their span."""
    seed = [d, list(FAMILIES).index(name)]
    sizes, signs = (d, R, L), {"signs": "mixed", "batch": (SEEDS,)}
    return targets.spanned(name, *sizes, seed=seed, **signs)


def runs(m, recipe, cases):
    """Success of SEEDS runs in each case (d, family), all of them one batch."""
    T = [some(name, d) for d, name in cases]
    w = np.concatenate([t.weights for t in T])
    U = np.concatenate([t.factors for t in T])
    dims = [d for d, _ in cases for _ in range(SEEDS)]
    options = {"seed": m, "runs": len(dims), "dim": dims, "recipe": recipe}
    result = descend(SymmetricTensor(w, U, L).moved(xp), m, **options)
    success = (result.error <= 0.01).reshape(-1, SEEDS)
    return dict(zip(cases, map(rate, success), strict=True))


CASES = [(d, name) for d in DIMS for name in FAMILIES]
found = {m: runs(m, Recipe(), CASES) for m in WIDTHS}

# %% tags=["hide-input"]
ENDS = [(d, "orthogonal") for d in (DIMS[0], DIMS[-1])]
by_norm = {m: runs(m, Recipe(redraw="norm", stall=0.0), ENDS) for m in WIDTHS}
RATES = {case: [found[m][case] for m in WIDTHS] for case in CASES}
OLD = {case: [by_norm[m][case] for m in WIDTHS] for case in ENDS}
BARS = {case: needed(WIDTHS, RATES[case]) for case in CASES}

# %% [markdown]
# ## The headline figure


# %% tags=["hide-input"]
def draw_needed(ax):
    """Needed m against d: a line for the theorem, points with bars for measurements."""
    line = np.unique(np.geomspace(4, 10**12, 200).astype(int)).tolist()
    ax.plot(line, [lazy.threshold(d, L) for d in line], color=show.RED, lw=2.4)
    ax.plot(LAZY_DIMS, list(measured.values()), "s", mfc="white", mew=1.6, color=show.RED, ms=7)
    for name, marker, shift in (("orthogonal", "o", 0.8), ("random", "^", 1.25)):
        middle, low, high = zip(*(BARS[d, name] for d in DIMS), strict=True)
        look = {"color": show.BLUE, "fmt": marker, "markersize": 8}
        show.points(ax, shift * np.array(DIMS), middle, low, high, **look)
    ax.set(xscale="log", yscale="log", ylim=(0.03, 1e25), xlim=(2.5, 6e12))
    ax.set_xticks([10.0**k for k in range(3, 13, 3)])
    ax.set_yticks([10.0**k for k in range(0, 25, 6)])
    ax.minorticks_off()
    ax.set(xlabel="dimension $d$", ylabel="components needed, $m$")


# %% tags=["hide-input"]
def label_needed(ax):
    """Names beside the curves."""
    exact = "lazy training:\nabout $d^2/6$"
    place = {"xytext": (-14, 8), "ha": "right", "fontsize": 13}
    show.label(ax, 10**8, lazy.threshold(10**8, L), exact, show.RED, **place)
    centred = {"xytext": (0, 0), "ha": "center"}
    rich = "beyond lazy: 3, the rank"
    show.label(ax, 1e8, 3e3, rich, show.BLUE, fontsize=13, weight="bold", **centred)
    show.label(ax, 1e8, 0.16, "● orthogonal   ▲ random targets", show.BLUE, **centred)
    ax.set_title(
        "Lazy training needs about $d^2/6$ components,\nthe algorithm the rank", weight="bold"
    )


fig, ax = show.figure(figsize=(5.6, 4.6))
draw_needed(ax)
label_needed(ax)
keep("headline.png", fig.savefig, dpi="figure")
plt.show()

# %% [markdown]
# **Figure 2.** *Lazy training needs about $d^2/6$ components, the algorithm the rank* `[measured]`.
# Components needed against dimension, both axes logarithmic, $l=3$, $r=3$. Red line: $\lceil D/d\rceil$,
# the width for an exact lazy fit (Theorem B). Red squares: the distinct directions measured above, 1 % on
# 90 % of the targets. Blue: the algorithm's needed $m$ on the grid 3, 4, 5, 6, 8, with bars as defined
# above; where no bar is seen it is shorter than the point.
#
# **Does needed $m$ grow, if only slowly?** We fit a line to needed $m$ against $\log_{10}d$. Its
# uncertainty comes from the success rates: each is drawn anew from what its counts allow (a Beta law), and
# the line is fitted again. Here needed $m$ is the first width with a rate of 90 %. One component more per
# three decades would be a slope of 0.33, or more on this grid.


# %%
def growth(dims, rates, widths, draws=2000):
    """The slope of needed m in log10 d: its mean and 1.96 deviations."""
    counts = [[(r.successes, r.trials) for r in row] for row in rates]
    wins, trials = np.moveaxis(np.array(counts), -1, 0)
    law = generator(0).beta
    p = law(wins + 0.5, trials - wins + 0.5, (draws, *wins.shape))
    short = np.minimum.accumulate(p < 0.9, axis=-1).sum(axis=-1)
    m = np.array([*widths, 2 * widths[-1]])[short]
    slopes = np.polyfit(np.log10(dims), m.T, 1)[0]
    return slopes.mean(), 1.96 * slopes.std()


slope, half = growth([d for d, _ in CASES], RATES.values(), WIDTHS)
print(f"needed m: {slope:.3f} ± {half:.3f} components more per decade of d")
assert slope + half < 1 / 6

# %% tags=["hide-input"]
for d in (8, 10**12):
    most = max(BARS[d, name][0] for name in FAMILIES)
    print(f"d = {d:,}: lazy {lazy.threshold(d, L):,}, the algorithm {most}")
least, old = min(RATES[case][0] for case in CASES), OLD[ENDS[0]][0]
print(f"success at m = 3, the least of {len(CASES)} rates: {least}")
print(f"the norm rule at m = 3, d = {DIMS[0]}: {old}")
assert all(BARS[case][0] == R for case in CASES) and old.value < least.value
assert least.low > 0.75 or BUDGET == "quick"


# %% tags=["hide-input"]
def points(ax, m, rates, **look):
    """Rates as points, their intervals as bars."""
    low, high = [r.low for r in rates], [r.high for r in rates]
    show.points(ax, m, [r.value for r in rates], low, high, **look)


# %% tags=["hide-input"]
def draw_rates(ax):
    """Success against m: both rules at the smallest and largest d, lazy training at two d."""
    for case, marker, shift in zip(ENDS, "Do", (0.98, 1.02), strict=True):
        x, look = shift * np.array(WIDTHS), {"color": show.BLUE, "lw": 1.2}
        points(ax, x, OLD[case], fmt=marker + ":", mfc="white", **look)
        points(ax, x, RATES[case], fmt=marker + "-", **look)
    for d in (8, LAZY_DIMS[-1]):
        m = measured[d]
        widths = sorted({3, 5, 8, m // 2, m - 1, m, 2 * m})
        look = {"fmt": "s-", "mfc": "white", "lw": 1.2, "color": show.RED}
        points(ax, widths, [lazy_rate(d, k) for k in widths], **look)
        show.label(ax, m, 0.5, f"lazy\n$d={d}$", show.RED, xytext=(6, 0))
    far = f"$d=10^{{{np.log10(DIMS[-1]):.0f}}}$"
    names = f"beyond lazy\n◆ $d={DIMS[0]}$\n● {far}\nopen:\nnorm rule"
    show.label(ax, 4, 0.36, names, show.BLUE, xytext=(0, 0))
    ax.set(xscale="log", xlabel="components $m$", ylabel="success rate", ylim=(-0.06, 1.06))
    ax.set_xticks(x := [3, 5, 8, 15, 30, 77, 150], [str(m) for m in x])
    ax.minorticks_off()
    ax.set_title("Lazy training fails until its threshold", weight="bold")


fig, ax = show.figure(figsize=(5.8, 4.3))
draw_rates(ax)
plt.show()

# %% [markdown]
# **Figure 3.** *Lazy training fails until its threshold* `[measured]`. Success rates on orthogonal targets
# against $m$ (distinct directions where lazy), with 95 % intervals. Red: lazy training fails on every
# target below the threshold, and reaches every one from there on. Blue, full: with own parts the algorithm
# succeeds at the rank. Open: the norm rule needs a component or two more at $d=8$, where two components
# grow on one true one and nothing small is left to be redrawn. At $d=10^{12}$ such a double stays small,
# and the norm rule sees it (notebook 07, section 6).
#
# **What it says, and what not.** On these targets the needed number does not grow with $d$, while the lazy
# threshold grows like $d^2/6$. Three limits:
#
# - The targets are random, not worst cases. Nothing here tests P4's exponent in $r$.
#   [Notebook 08](08_rank_is_enough.ipynb) measures needed $m$ against $r$,
#   [notebook 11](11_where_width_is_needed.ipynb) looks for harder targets.
# - Needed $m$ is for 20 epochs, and one run. Time does grow with $d$, for one component in the end like $\log d$ (notebook
#   07).
# - One step size for all components (`Recipe(small=0)`) is the variant for which we prove that components
#   stay near the subspace (Theorem E). It is not the one that is flat in $d$. So the algorithm of the
#   figure has no subspace guarantee, and the one with the guarantee is not in the figure:

# %% tags=["hide-input"]
m, d = 6, [DIMS[0], 10**12]
options = {"seed": 0, "signs": "mixed", "batch": (2 * SEEDS,)}
T = targets.spanned("orthogonal", DIMS[0], R, L, **options).moved(xp)
dims = np.repeat(d, SEEDS).tolist()
for name, small in (("two steps", Recipe().small), ("one step ", 0.0)):
    recipe = Recipe(small=small, epochs=10)
    result = descend(T, m, seed=m, runs=2 * SEEDS, dim=dims, recipe=recipe)
    near, far = (rate(x) for x in (result.error <= 0.01).reshape(2, SEEDS))
    print(f"{name}, m = {m}: success at d = {d[0]} in {near}, at d = 10^12 in {far}")
    assert near.low > 0.8 and (far.low > 0.8 if small else far.high < 0.3)

# %% [markdown]
# ## Drop a hypothesis, and it fails
# **Too few components, $m<r$.** Flattened to a $d\times d^{\,l-1}$ matrix, an orthogonal target has $r$
# singular values equal to 1, and a sum of $m$ powers has rank at most $m$. By Eckart and Young the relative
# error is at least $\sqrt{(r-m)/r}$, for every algorithm. With $m=2$ and $r=3$ that is $0.577$, and the
# runs end there:

# %%
T = batch("orthogonal", 16).moved(xp)
recipe = Recipe(epochs=5)
result = descend(T, 2, seed=1, runs=SEEDS, recipe=recipe)
least, floor = result.error.min(), np.sqrt((R - 2) / R)
print(f"m = 2 < r = 3: smallest error {least:.3f}, floor {floor:.3f}")
assert floor - 1e-7 < least < floor + 1e-3

# %% [markdown]
# **The wrong signs.** For even $l$ a sum of positively weighted powers takes only values $\ge0$. Say $k$ of the
# $r$ weights of an orthogonal target are $-1$. The powers $(u^*_j)^{\otimes l}$ are orthonormal, so
# $\|T-T^*\|_F^2\ge\sum_j(\langle T,(u_j^*)^{\otimes l}\rangle-c_j^*)^2\ge k$: a relative error of at least
# $\sqrt{k/r}$. With all signs $+$ the algorithm ends at that floor, target by target; with random signs it
# reaches 0:

# %% tags=["hide-input"]
T = batch("orthogonal", 16, l=4)
floors = {"positive": np.sqrt(np.mean(T.weights < 0, axis=-1)), "random": 0.0}
for signs, floor in floors.items():
    recipe = Recipe(signs=signs, epochs=4)
    above = descend(T.moved(xp), 8, seed=1, runs=SEEDS, recipe=recipe).error - floor
    print(f"l = 4, {signs} signs: at most 0.02 above the floor in {rate(above <= 0.02)}")
    assert np.mean(above <= 0.02) >= 0.9 and above.min() > -1e-7

# %% [markdown]
# **A large start.** The same algorithm, started at norm 3 instead of $10^{-3}$, neither ever redrawn:

# %% tags=["hide-input"]
T = batch("orthogonal", 16).moved(xp)
for delta0 in (1e-3, 3.0):
    recipe = Recipe(delta0=delta0, **never, epochs=5)
    good = rate(descend(T, 5, seed=1, runs=SEEDS, recipe=recipe).error <= 0.01)
    print(f"start at norm {delta0:g}: success in {good}")
    assert good.low > 0.75 if delta0 < 1 else good.high < 0.75

# %% [markdown]
# ## The notebooks
#
# <!-- notebooks -->
# - **00** [Overview](00_overview.ipynb):
#   lazy and rich in one picture; components needed against *d*; what is proved, and what not.
# - **01** [Lazy training and its limit](01_lazy_training.ipynb):
#   what a large start can reach, exactly, and how many components it needs.
# - **02** [The algorithm, from one idea up](02_algorithm.ipynb):
#   twenty lines of code from one idea, own parts, and what each ingredient is for.
# - **03** [The landscape](03_landscape.ipynb):
#   a trap at every width, a saddle at zero, and what happens at *m* = *r*.
# - **04** [Iterates stay close to the correct subspace](04_subspace.ipynb):
#   with one step size, what is outside the true subspace never grows, whatever *d*.
# - **05** [Escape and amplify](05_escape_and_amplify.ipynb):
#   random directions, amplified one after another: a width free of *d*.
# - **06** [All at once](06_all_at_once.ipynb):
#   the same while all components move; with pruning a width free of *d* and of the error.
# - **07** [Any dimension](07_any_dimension.ipynb):
#   runs in R*ᵈ*, followed exactly in *r* + *m* coordinates; needed *m* up to *d* = 10¹².
# - **08** [The rank is enough](08_rank_is_enough.ipynb):
#   needed *m* against the rank: *m* = *r* on four families of random targets, not on close components.
# - **09** [Other methods on the same tensors](09_alternatives.ipynb):
#   ALS, Jennrich, power and quasi-Newton methods on the same tensors; which one when.
# - **10** [Real data](10_real_data.ipynb):
#   mixed pictures unmixed by a moment tensor; handwritten digits, where the model fails.
# - **11** [Where width is needed, and where time is](11_where_width_is_needed.ipynb):
#   more components than dimensions, nearly parallel ones, near cancellation.
# - **12** [An open problem, measured](12_open_problem.ipynb):
#   how many components alternating least squares needs, and what redraws do for it.
# <!-- /notebooks -->
#
# ## The claims
#
# <!-- ledger -->
# 37 claims: 5 `[paper]`, 14 `[proved here]`, 1 `[known]`, 17 `[measured]`; not settled: P4.
# [The table of claims](../docs/ledger.md) says where each is derived, and what checks it.
#
# No GPU receipt yet: `make gpu` on a machine with a GPU writes one.
# <!-- /ledger -->

# %% [markdown]
# ## On a GPU
# The notebooks use an NVIDIA GPU where they find one that works, else numpy; `TD_BACKEND` (`numpy`, `cupy`,
# `auto`) decides otherwise. `make gpu` checks every array function and every notebook there, and writes a
# receipt. In Colab, with a GPU runtime, the next cell does the same once its first line says `True`.

# %% tags=["hide-input"]
CHECK_THE_GPU = False

if CHECK_THE_GPU:
    from IPython import get_ipython

    clone = "git clone https://example.invalid/beyond-lazy-training edition"
    install = f"{sys.executable} -m pip install -q jupytext nbclient -e edition"
    check = f"cd edition && PYTHONPATH=tests {sys.executable} -m tools.gpu"
    get_ipython().system(f"{clone} && {install} && {check}")

# %% [markdown]
# ## Take-away
# - Lazy training fits what its start happens to span. That takes $\lceil D/d\rceil$ directions. With fewer
#   it failed on every target here ($d\le20$).
# - From a tiny start with a stop-gradient on the norms, directions turn before anything grows: the same
#   $m=8$ components find both true ones.
# - With redraws of what the others can replace, the rank was enough at every $d$ on these random targets.
#
# ## What is open
# - Whether the algorithm as it runs needs a width free of $d$ is measured, not proved. Theorems H, J, K and
#   L are about idealised variants.
# - Whether one step rule can have both: a width that is flat in $d$, and the subspace guarantee.
# - How needed $m$ grows with $r$ on worst-case targets.
#
# ## Exercises
# 1. (check) Take $l=4$ and $d=10^6$. What is the lazy threshold, and how often does the algorithm succeed
#    at $m=3$? *Hint:* `lazy.threshold`, and `targets.spanned` with `descend(..., dim=d)`.
# 2. (think) In Figure 1 the lazy directions come in pairs. Why do pairs double the threshold? *Hint:* count
#    the nonzero columns of `lazy.tangent_basis` for four directions, the same four twice, and eight.
# 3. (check) Replace the orthogonal components by correlated ones, `targets.spanned("correlated", ...)`,
#    whose cosines are 0.5. Is $m=3$ still enough?
# 4. (open) Find a family of targets on which needed $m$ grows faster than $r$.
#    [Notebook 11](11_where_width_is_needed.ipynb) has looked.
#
# **Solution to 1.** About $d^3/24$, against 3:

# %% tags=["hide-input"]
d, options = 10**6, {"seed": 4, "signs": "mixed", "batch": (40,)}
T = targets.spanned("orthogonal", d, R, 4, **options).moved(xp)
good = descend(T, 3, seed=4, runs=40, dim=d).error <= 0.01
print(f"l = 4, d = 10^6: lazy {lazy.threshold(d, 4):,}; m = 3 succeeds in {rate(good)}")

# %% [markdown]
# **Solution to 2.** A direction taken twice spans nothing new: $V$ depends on the distinct directions.

# %% tags=["hide-input"]
four, more = X[0, ...], X[1, ...]
for name, other in (("four twice", four), ("eight", more)):
    Q = lazy.tangent_basis(xp.concat([four, other], axis=-1), L)
    print(f"{name}: V has dimension {int((abs(Q).sum(0) > 0.5).sum())}")

# %% [markdown]
# **Solution to 3.** On these random targets it is:

# %% tags=["hide-input"]
d, options = 100, {"seed": 5, "signs": "mixed", "batch": (40,)}
T = targets.spanned("correlated", d, R, L, **options).moved(xp)
good = descend(T, 3, seed=5, runs=40, dim=d).error <= 0.01
print(f"cosines 0.5, d = 100: m = 3 succeeds in {rate(good)}")

# %% [markdown]
# Next: [01, lazy training](01_lazy_training.ipynb): the tangent space, exactly, and why a constant part of
# the target stays outside it.

# %% tags=["hide-input"]
print(f"receipt: budget {BUDGET}, l = {L}, r = {R}, {SEEDS} runs per family, d and m; 1 % error")
print(f"algorithm: d = {DIMS}, m = {WIDTHS}, seeds m, targets by d and family")
print(f"lazy: d = {LAZY_DIMS}, {SEEDS} targets, one start per d, seed [d, 7]")
print(f"figure 1: d = 20, r = 2, m = {M}, {RUNS} runs, the first is drawn")
