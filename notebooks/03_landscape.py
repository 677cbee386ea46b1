# %% [markdown]
# # The landscape: bad minima at every width, and how flat it is at zero
# *For Colab, Kaggle or any Jupyter:* `dist/colab/03_landscape.ipynb`, from `make colab`.
#
# **What you will see.** Three ways in which plain gradient descent fails, each written down exactly.
#
# - **A trap.** $m$ copies of one vector are a bad local minimum, of loss $l(l-1)/4$, at *every* width $m$. A
#   hundred copies are as stuck as two. With two small spare components runs begin to leave at $l=3$ (about two
#   thirds, with redraws), with three at $l=4$ (about half); with fewer none does.
# - **A saddle.** The point 0 is so flat that the plain model leaves it after a time $\delta^{-(l-2)}$ from
#   scale $\delta$, and the 2-homogeneous model of notebook 02 after $\log(1/\delta)$.
# - **One component for each.** On four orthonormal components with $m=r=4$, 30 of 100 runs succeed at $l=3$
#   and 55 of 100 at $l=4$; we find out why.
#
# Marks: [notebook 00](00_overview.ipynb). Propositions 1 and 2 are here, 3 and 4 in notebook 04; notebook 02 has
# its own count.
#
# > **Claim P2** `[paper]`. With $m=r$, gradient descent empirically gets stuck in bad local minima, even for
# > orthogonal $T^*$.

# %% tags=["hide-input"]
import sys
from importlib.util import find_spec

if not find_spec("td"):
    sys.exit("td is not installed. The notebooks that `make colab` writes bring it along.")

# %% tags=["hide-input"]
from dataclasses import replace
from itertools import permutations, product
from math import comb, factorial, prod

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.stats import t as student

from td import show, targets
from td.backend import generator, select, to_numpy
from td.descent import Recipe, descend, trajectory
from td.objective import bracket, gradient
from td.rates import budget, rate
from td.tensor import SymmetricTensor, distance

# %% tags=["hide-input"]
xp = select()  # a usable GPU if there is one, else numpy
BUDGET = budget("quick", "ci", "paper")
COMPILED = "numpy" in xp.__name__ and find_spec("numba") is not None  # the same steps, sooner
RUNS = budget(10, 24, 200)
PLAIN = Recipe(model="plain", signs="positive", reinit=0, small=0, epochs=1, steps=250, turn=0.1)


def directions(rng, *shape):
    """Uniform unit vectors along the axis before the last, for factors (runs, d, m)."""
    g = rng.standard_normal(shape)
    return g / np.linalg.norm(g, axis=-2, keepdims=True)


def run(T_star, U, a, recipe, seed=0):
    """Descend from factors U (runs, d, m) and signs a, in units where the target has norm 1."""
    T, start = T_star.moved(xp), (xp.asarray(U), xp.asarray(a))
    return descend(T, U.shape[2], seed=seed, runs=len(U), recipe=recipe, start=start)


def ones(U, l):
    """The model of factors U (..., d, m) with all weights 1."""
    return SymmetricTensor(np.ones(U.shape[-1]), U, l)


# %% tags=["hide-input"]
def joined(ax, x, rates, color, marker):
    """Rates with their Wilson intervals at x, joined by a line."""
    value, low, high = ([getattr(one, n) for one in rates] for n in ("value", "low", "high"))
    show.points(ax, x, value, low, high, color=color, marker=marker)
    ax.plot(x, value, color=color, lw=1)


# %% [markdown]
# ## Part I. The trap
#
# ### 1. Theorem C: bad local minima at every width
#
# The model is $T(w,U)=\sum_{i\le m}w_iu_i^{\otimes l}$, the loss $f=\frac12\|T-T^*\|_F^2$; we write
# $u_{i1},u_{i2}$ for the first two coordinates of $u_i\in\mathbb R^d$. The target of this part is the
# **trap** $T^*=e_1^{\otimes l}-Q$:
#
# $$Q=\text{the sum over the }\tbinom l2\text{ placements of }e_1^{\otimes(l-2)}\otimes e_2\otimes e_2 .$$
#
# **Theorem C** `[proved here]`. Let $l\ge3$, $d\ge2$. For every $m$ and all $(w,U)$,
#
# $$f(w,U)=\frac{l(l-1)}4+\binom l2\sum_iw_iu_{i1}^{l-2}u_{i2}^2+\tfrac12\big\|T(w,U)-e_1^{\otimes l}\big\|^2 .$$
#
# So $f\ge l(l-1)/4$ in the **region** where $w_iu_{i1}^{l-2}\ge0$ for all $i$, with equality at the
# **copies** $u_i=s_ie_1$, $w_i,s_i>0$, $\sum_iw_is_i^l=1$. A neighbourhood of the copies lies in the region:
# at every $m\ge1$, with weights trained or fixed, they are local minima of value $l(l-1)/4$.
#
# Yet $T^*$ is a sum of $l$ powers (Proposition 1): at $m\ge l$ with free signs the global minimum is 0. At
# fewer components the copies are bad as well, with one exception: at $l=3$, $m=1$ the copy is the global
# minimum, since $\max_{|x|=1}|T^*(x^3)|=1$, so that no single power comes closer.
#
# *Idea.* The residual at the copies is $Q$, and $Q$ only meets powers with a sign that the region fixes. So
# nothing in the region can use $Q$ to go down.
#
# *Proof.* Put $A=e_1^{\otimes l}$. Then $T-T^*=(T-A)+Q$, and we expand the square:
#
# $$\begin{aligned}f=\tfrac12\|T-A\|^2+\langle Q,T\rangle-\langle Q,A\rangle+\tfrac12\|Q\|^2 .\end{aligned}$$
#
# 1. $Q$ has $\binom l2$ entries 1, so $\|Q\|^2=\binom l2$ and $\frac12\|Q\|^2=l(l-1)/4$.
# 2. Each placement contributes $x_1^{l-2}x_2^2$, so $\langle Q,x^{\otimes l}\rangle=\binom l2x_1^{l-2}x_2^2$.
#    It is 0 at $x=e_1$: $\langle Q,A\rangle=0$.
# 3. That is the identity. Both terms after the constant are $\ge0$ in the region, and 0 at the copies.
#    $\blacksquare$
#
# **Check** at random points, with `td`; then how low the loss comes in the region, over points of all scales.


# %%
def right_side(model):
    """Theorem C's right-hand side for a model (w, U)."""
    w, U, l = model.weights, model.factors, model.order
    e1 = ones(np.eye(U.shape[-2])[:, :1], l)
    bend = np.sum(w * U[..., 0, :] ** (l - 2) * U[..., 1, :] ** 2, -1)
    near = bracket(model, e1).loss
    return l * (l - 1) / 4 + comb(l, 2) * bend + near


# %% tags=["hide-input"]
def identity_gap(l, d, m, seed, points=200):
    """Largest relative difference of the two sides of Theorem C at random points."""
    rng = generator(seed)
    w, U = rng.standard_normal((points, m)), rng.standard_normal((points, d, m))
    model = SymmetricTensor(w, U, l)
    right = right_side(model)
    return np.max(np.abs(bracket(model, targets.trap(d, l)).loss - right) / (1 + np.abs(right)))


def lowest_in_region(l, d, m, seed, points):
    """The smallest f - l(l-1)/4 over random points with w_i u_i1^{l-2} >= 0, of all scales."""
    rng = generator(seed)
    U = rng.standard_normal((points, d, m)) * 10 ** rng.uniform(-2, 0.5, (points, 1, 1))
    w = np.abs(rng.standard_normal((points, m))) * np.sign(U[:, 0]) ** l
    f = bracket(SymmetricTensor(w, U, l), targets.trap(d, l)).loss
    return np.min(f) - l * (l - 1) / 4


points = budget(500, 5000, 50_000)
for l in (3, 4, 5, 6):
    assert max(identity_gap(l, d, m, seed=l) for d in (2, 5) for m in (1, 4, 20)) < 1e-11
    low = min(lowest_in_region(l, d, m, l, points) for d in (2, 5) for m in (1, 8))
    assert low > -1e-12
    print(f"l = {l}: over {4 * points:,} points of the region, f >= {l * (l - 1) / 4} + {low:.1e}")

# %% [markdown]
# And symbolically, from the isometric coordinates of notebook 01 (not from the two facts just used): two
# components in $\mathbb R^3$ with symbolic weights.


# %% tags=["hide-input"]
def symbolic_identity(l, d=3, m=2):
    """Both sides of Theorem C, subtracted and expanded, for symbolic weights and factors."""
    w, u = sp.symbols(f"w:{m}"), sp.Matrix(d, m, sp.symbols(f"u:{d}:{m}"))
    f, near = 0, 0
    for alpha in product(range(l + 1), repeat=d):
        if sum(alpha) == l:
            entry = sum(w[i] * prod(u[k, i] ** alpha[k] for k in range(d)) for i in range(m))
            equal = factorial(l) // prod(map(factorial, alpha))
            first, second = int(alpha[0] == l), int(alpha[:2] == (l - 2, 2))
            f += equal * (entry - first + second) ** 2 / sp.Integer(2)
            near += equal * (entry - first) ** 2 / sp.Integer(2)
    bend = comb(l, 2) * sum(w[i] * u[0, i] ** (l - 2) * u[1, i] ** 2 for i in range(m))
    return sp.expand(f - near - bend - sp.Rational(l * (l - 1), 4))


for l in (3, 4, 5):
    assert symbolic_identity(l) == 0
print("f minus the right-hand side is the zero polynomial for l = 3, 4, 5")

# %% [markdown]
# #### The tripod: what an exact fit looks like, and which component would help
#
# At $l=3$ the trap is $x_1^3-3x_1x_2^2=\mathrm{Re}(x_1+ix_2)^3$: on the unit circle $T^*(x^3)=\cos3\theta$,
# three petals at $0°$ and $\pm120°$. Three components on the petals, each of weight $4/3$, are an exact fit,
# a *tripod*:

# %%
angles = np.deg2rad([0, 120, -120])
tripod = np.array([np.cos(angles), np.sin(angles)])
fit = SymmetricTensor(np.full(3, 4 / 3), tripod, 3)
gap = float(distance(fit, targets.trap(2, 3)))
assert gap < 1e-14
print("l = 3: three directions at 120 degrees, weights 4/3, exact to 1e-14")

# %% [markdown]
# The copies all stand on the first petal. A further component of small weight $w$ in direction $x$ changes
# the loss by $w\,\langle Q,x^{\otimes l}\rangle=w\binom l2\cos^{l-2}\theta\,\sin^2\theta$, to first order. At
# $l=3$ this is negative only for $\cos\theta<0$: behind the line $x_1=0$, best at $\cos\theta=-1/\sqrt3$,
# which is $125°$. At $l=4$ it is negative for no $x$, unless $w<0$.


# %% tags=["hide-input"]
def petals(ax):
    """The plane of the trap at l = 3: petals of T*, copies, what would help, the door."""
    theta = np.linspace(-np.pi, np.pi, 721)
    good = np.where(np.cos(3 * theta) > 0, np.cos(3 * theta), np.nan)
    ax.fill_betweenx([-1.2, 1.2], 0, 1.25, color=show.BLUE, alpha=0.08, lw=0)
    ax.plot(good * np.cos(theta), good * np.sin(theta), color=show.GREY, lw=1.2)
    arrow = {"arrowstyle": "-|>", "lw": 2.5, "shrinkA": 0, "shrinkB": 0}
    for angle, color in ((0, show.BLUE), (120, show.GOLD), (-120, show.GOLD)):
        end = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        ax.annotate("", end, (0, 0), arrowprops={**arrow, "color": color})
    ax.axvline(0, color=show.INK, lw=1.2, ls=":")
    ax.text(0.28, -0.33, "$m$ copies", color=show.BLUE)
    ax.text(0.04, 1.07, "door $x_1=0$", color=show.INK)
    ax.text(-1.2, 0.35, "would\nhelp", color=show.GOLD)
    ax.text(-1.2, -0.55, "would\nhelp", color=show.GOLD)
    ax.text(0.15, -1.05, "here $f\\geq 3/2$", color=show.BLUE)
    ax.set(aspect="equal", xlim=(-1.25, 1.25), ylim=(-1.2, 1.25), title="All copies on one petal")
    ax.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="$x_1$")
    ax.grid(False)


# %% tags=["hide-input"]
fig, (left, right) = show.figure(2, figsize=(8.6, 4.2))
petals(left)
theta = np.linspace(0, 180, 181)
for l, color, line in ((3, show.RED, "-"), (4, show.INK, "--")):
    c, s = np.cos(np.deg2rad(theta)), np.sin(np.deg2rad(theta))
    right.plot(theta, comb(l, 2) * c ** (l - 2) * s**2, color=color, ls=line)
    show.label(right, (156, 135)[l - 3], (-0.85, 1.65)[l - 3], f"$l={l}$", color)
right.axhline(0, color=show.INK, lw=0.8)
right.axvline(90, color=show.INK, lw=1.2, ls=":")
right.set(title="Help comes from behind the door", xlabel=r"angle $\theta$ to the copies, degrees")
right.set(ylabel="change of $f$ per weight", xticks=[0, 45, 90, 135, 180], ylim=(-1.3, 1.85))
plt.show()

# %% [markdown]
# **Figure 1.** *The tripod: the directions that would help lie behind the door.* Left: the plane of $e_1,e_2$
# at $l=3$. Grey: the three petals where $T^*(x^3)=\cos3\theta>0$. Blue: the copies, on one petal; in the blue
# half-plane $f\ge3/2$. Gold: the other two legs of the exact fit. Right: what a small positive component at
# angle $\theta$ adds to the loss. At $l=4$ it helps nowhere.
#
# #### The decomposition of $T^*$
#
# **Proposition 1** `[proved here]`. Let $c_1,\dots,c_{l-1}$ be distinct with $\sum_jc_j=0$, and
# $h_2=\sum_{i\le j}c_ic_j$. Then
#
# $$T^*=(1+h_2)\,e_1^{\otimes l}-\sum_{j=1}^{l-1}\frac{(c_je_1+e_2)^{\otimes l}}{\prod_{i\ne j}(c_j-c_i)} ,$$
#
# and no sum of fewer than $l$ real powers is $T^*$: its real rank is exactly $l$.
#
# *Idea.* The sums over $j$ are divided differences of powers of $t$, known in closed form. For the rank:
# derivatives of a form with real roots keep real roots, so too few powers would force $T^*$ to be a power
# itself.
#
# *Proof of the identity.* Compare the entries with $p$ axes 1 and $l-p$ axes 2. Call
# $S_p=\sum_jc_j^p/\prod_{i\ne j}(c_j-c_i)$: the divided difference of $t^p$ at the $l-1$ points. It is 0 for
# $p<l-2$, 1 for $p=l-2$, $\sum_jc_j=0$ for $p=l-1$, and $h_2$ for $p=l$. So the sum, with its minus sign, has
# the entry $-1$ at $p=l-2$, as $-Q$ has, $-h_2$ at $p=l$, and 0 elsewhere. $\blacksquare$
#
# *Proof of the rank.* Suppose that $T^*$ had $n<l$ terms (in the plane, after projecting).
#
# 1. $T^*(x^l)=x_1^{l-2}\big(x_1^2-\tbinom l2x_2^2\big)$ has real roots only, and is not a power.
# 2. Differentiate across $n-1$ of the terms' directions. Real roots stay real (Rolle), and one power of
#    degree $l-n+1\ge2$ is left. Its root is the direction orthogonal to the last term's.
# 3. Let the derivative of a real-rooted form have a root of multiplicity $k\ge2$. If that root is not the
#    direction in which we differentiated, then the form itself has it with multiplicity $k+1$. (The exception
#    is needed: $y^2x(x-y)$, differentiated along $x$, is $y^2(2x-y)$.)
# 4. We differentiated across the other terms, which are not parallel to the last. So 3 applies at each step
#    back up, and $T^*$ was a power: a contradiction. $\blacksquare$
#
# Any $l+1$ distinct directions of the plane do as well (their $l$-th powers are a basis, by Vandermonde):
# `targets.trap` uses the angles $k\pi/(l+1)$. Here both sums are compared with the definition:


# %% tags=["hide-input"]
def with_l_terms(l, c):
    """Proposition 1's decomposition for l - 1 numbers c of sum zero."""
    c = np.asarray(c, dtype=float)
    gaps = np.array([np.prod(x - np.delete(c, j)) for j, x in enumerate(c)])
    h2 = (np.sum(c) ** 2 + np.sum(c**2)) / 2
    U = np.stack([np.append(1, c), np.append(0, np.ones(l - 1))])
    return SymmetricTensor(np.append(1 + h2, -1 / gaps), U, l)


def by_definition(l):
    """Coordinates of e_1^{⊗l} - Q in the plane: entries times the square root of their number."""
    return np.append([1, 0, -np.sqrt(comb(l, 2))], np.zeros(l - 2))


for l in (3, 4, 5, 6):
    many, few = targets.trap(2, l), with_l_terms(l, np.linspace(-1, 1, l - 1))
    for T in (many, few):
        assert np.allclose(T.coordinates().coords, by_definition(l), atol=1e-13)
    assert float(distance(many, few)) < 1e-13
print("l = 3, 4, 5, 6: the sums of l + 1 and of l terms are both exact to 1e-13")

# %% [markdown]
# #### The Hessian does not decide
#
# At equal copies ($w_i=1$, $s=m^{-1/l}$) the second derivative along $V=(v_1,\dots,v_m)$ is, from the
# identity,
#
# $$\begin{aligned}l(l-1)s^{l-2}\sum_iv_{i2}^2+l^2s^{2l-2}\Big[\big(\textstyle\sum_iv_{i1}\big)^2+\tfrac1l\sum_{k\ge2}\big(\sum_iv_{ik}\big)^2\Big].\end{aligned}$$
#
# It is $\ge0$, and vanishes for $v_{i2}=0$, $\sum_iv_i=0$: a space of dimension $(d-1)(m-1)$. At $m>1$ second
# derivatives leave the question open; the identity settles it. We compare with differences of `td`'s
# gradient.


# %% tags=["hide-input"]
def hessian(l, d, m, h=1e-5):
    """Central differences of the plain gradient in U at m equal copies, (dm, dm)."""
    U, T_star = np.zeros((d, m)), targets.trap(d, l)
    U[0] = m ** (-1 / l)
    E = h * np.eye(d * m).reshape(d * m, d, m)
    up, down = (gradient(ones(X, l), T_star) for X in (U + E, U - E))
    return ((up - down) / (2 * h)).reshape(d * m, d * m)


def predicted(l, d, m):
    """The matrix of the quadratic form above."""
    s, e1, e2 = m ** (-1 / l), np.diag(np.eye(d)[0]), np.diag(np.eye(d)[1])
    bend = l * (l - 1) * s ** (l - 2) * np.kron(e2, np.eye(m))
    fit = l**2 * s ** (2 * l - 2) * np.kron(e1 + (np.eye(d) - e1) / l, np.ones((m, m)))
    return bend + fit


for l, d, m in [(3, 4, 1), (3, 4, 5), (4, 3, 5), (5, 3, 20)]:
    H = hessian(l, d, m)
    assert np.allclose(H, predicted(l, d, m), atol=1e-7 * m * l**2)
    values = np.linalg.eigvalsh(predicted(l, d, m))
    zero, below = np.sum(values < 1e-10), np.sum(values < -1e-10)
    assert zero == (d - 1) * (m - 1) and below == 0
    print(f"l = {l}, d = {d}, m = {m:2d}: {d * m:2d} eigenvalues, {below} negative, {zero:2d} zero")

# %% [markdown]
# ### 2. Experiment 4: gradient descent near the copies
#
# `[measured]`. Plain gradient descent ($T=\sum_i\|u_i\|^l\bar u_i^{\otimes l}$ with $\bar u=u/\|u\|$, all
# weights positive, one common step) starts at perturbed copies $u_i=s\,(e_1+\rho\,\xi_i)$, with $\xi_i$
# uniform on the sphere of $\mathbb R^5$. For $\rho<1$ every start lies in the region; beyond, for odd $l$,
# most do not. A run is *stuck* if after 250 steps its error is that of the copies, $\|Q\|/\|T^*\|$.


# %% tags=["hide-input"]
def copies(l, m, rho, seed, d=5):
    """Equal copies perturbed by rho, in units where the target has norm 1, and signs +1."""
    norm = (1 + comb(l, 2)) ** 0.5
    U = rho * directions(generator(seed), RUNS, d, m)
    U[:, 0] += 1
    return U * (m * norm) ** (-1 / l), np.ones((RUNS, m))


def bar(l):
    """The relative error at the copies."""
    return (comb(l, 2) / (1 + comb(l, 2))) ** 0.5


sizes, widths = (0.1, 0.3, 0.6, 0.9, 1.0, 1.5, 3.0), (1, 5, 20, 100)
ends = {
    (l, m, rho): run(targets.trap(5, l), *copies(l, m, rho, seed=k), PLAIN).error
    for l in (3, 4)
    for m in widths
    for k, rho in enumerate(sizes)
}
stuck = {key: error > bar(key[0]) - 1e-3 for key, error in ends.items()}

# %% tags=["hide-input"]
fig, ax = show.figure()
for m, color, marker in zip(widths, show.CYCLE, show.MARKERS, strict=False):
    joined(ax, sizes, [rate(stuck[3, m, rho]) for rho in sizes], color, marker)
    place = {1: (2.9, 0.95), 5: (1.4, 0.42), 20: (1.75, 0.23), 100: (0.47, 0.33)}[m]
    ax.text(*place, f"$m={m}$", color=color, ha="right" if m == 1 else "left")
ax.set(xscale="log", xlabel=r"size $\rho$ of the perturbation", ylim=(-0.04, 1.06))
ax.set(ylabel="fraction of runs stuck", title="$l=3$: near the copies no width helps")
ax.set_xticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
plt.show()

# %% [markdown]
# **Figure 2.** *Near the copies no width helps.* $l=3$, $d=5$; bars: Wilson 95 %. Up to $\rho=0.6$ every run
# at every $m$ is stuck. From far away a wider model leaves more easily: more components, more of them near
# the door. At $l=4$ every run at every $m$ and $\rho$ is stuck (the lines below): with positive weights there
# is no door, and $l(l-1)/4$ is the *global* minimum.

# %% tags=["hide-input"]
for l in (3, 4):
    close = np.concatenate([stuck[l, m, rho] for m in widths for rho in sizes[:3]])
    least = min(ends[l, m, rho].min() for m in widths for rho in sizes[:3])
    loss = least**2 * (1 + comb(l, 2)) / 2
    assert np.all(close) and loss > l * (l - 1) / 4 - 1e-9
    print(f"l = {l}, rho <= 0.6: stuck {rate(close)}, smallest loss {loss:.3f}")
everywhere = np.concatenate([stuck[4, m, rho] for m in widths for rho in sizes])
assert np.all(everywhere) and np.all(stuck[3, 1, 3.0])
assert max(rate(stuck[3, m, 3.0]).high for m in widths[1:]) < 0.4
print(f"l = 4, every rho: stuck {rate(everywhere)}")

# %% [markdown]
# #### The door, for odd $l$
#
# The region $w_iu_{i1}^{l-2}\ge0$ is not invariant. At $u_{i1}=0$ the flow has
# $\dot u_{i1}=-l\,w_iE(u_i^{l-1},e_1)$, where $E=T-T^*$, and
# $T^*(u^{l-1},e_1)=u_1^{l-1}-\binom{l-1}2u_1^{l-3}u_2^2$. At $l=3$ this is $-u_2^2<0$: the target itself
# pulls the component across.
#
# By Theorem C, $f$ can fall under $l(l-1)/4$ only *after* some $u_{i1}$ has changed sign. **Check** on random
# starts with all $u_{i1}>0$: in which order do the two things happen, and how many runs leave within 1,000
# steps?


# %% tags=["hide-input"]
def first_times(m, seed, l=3, d=5, steps=1000):
    """First step with some u_i1 < 0, first step under the bar (steps + 1: never), last error."""
    U = 0.3 * directions(generator(seed), RUNS, d, m)
    U[:, 0] = np.abs(U[:, 0])
    crossed, below, last = np.full(RUNS, steps + 1), np.full(RUNS, steps + 1), np.zeros(RUNS)
    T, start = targets.trap(d, l).moved(xp), (xp.asarray(U), xp.ones((RUNS, m)))
    for k, t, now, *_ in trajectory(T, m, seed=seed, runs=RUNS, recipe=PLAIN, start=start):
        error, out = to_numpy(now.error), to_numpy(now.factors)[:, 0].min(axis=-1) < 0
        crossed[k] = np.where(out, np.minimum(crossed[k], t), crossed[k])
        below[k] = np.where(error < bar(l) - 1e-7, np.minimum(below[k], t), below[k])
        last[k] = error
    return crossed, below, last


for m in widths:
    crossed, below, last = first_times(m, seed=m)
    early, away = np.sum(below < crossed), rate(last < bar(3) - 1e-3)
    assert early == 0
    assert away.value == 0 if m == 1 else away.value > (0.5 if m == 5 else 0.75)
    print(f"m = {m:3d}: left {away};  under the bar before the door: {early}")

# %% [markdown]
# #### A slice one can see
#
# Take three components $u_1=(s,0)$, $u_{2,3}=(x,\pm y)$ in the plane, weights 1; gradient flow keeps this
# shape. Only two ($l=3$) or three ($l=4$) coordinates of $T$ matter, and with the best $s$,
#
# $$\begin{aligned}l=3:\quad\min_sf&=\tfrac32(2xy^2+1)^2;\\ l=4:\quad\min_sf&=\tfrac12(2x^4-1)_+^2+3(2x^2y^2+1)^2+2y^8 .\end{aligned}$$
#
# We draw this function of $(x,y)$ and, on it, true gradient flows of all three components, projected.

# %% tags=["hide-input"]
SLICE = {
    3: lambda x, y: 1.5 * (2 * x * y**2 + 1) ** 2,
    4: lambda x, y: (
        np.maximum(2 * x**4 - 1, 0) ** 2 / 2 + 3 * (2 * x**2 * y**2 + 1) ** 2 + 2 * y**8
    ),
}


def flow(l, s, x, y, time=60.0):
    """Gradient flow of the three components: path of (s, x, y) and the loss along it."""
    T_star, start = targets.trap(2, l), np.array([[s, x, x], [0, y, -y]])

    def rates(_, u):
        return -gradient(ones(u.reshape(2, 3), l), T_star).ravel()

    path = solve_ivp(rates, (0, time), start.ravel(), method="LSODA", rtol=1e-9, atol=1e-11).y
    return path[[0, 1, 4]], bracket(ones(path.T.reshape(-1, 2, 3), l), T_star).loss


# %% tags=["hide-input"]
rng = generator(2)
starts = [(0.6, 0.3, 0.8), (0.6, 0.7, 0.5), (0.6, 1.0, 0.9), (0.6, -0.5, 0.3), (0.6, 0.05, 1.0)]
starts += [(0.6, 0.5, 0.15), (0.6, 0.9, 0.3), (0.6, 0.2, 0.4)]
flows = {l: [flow(l, *start) for start in starts] for l in (3, 4)}
for l, s, x, y in [(l, *rng.uniform(0.2, 1, 3)) for l in (3, 4) for _ in range(20)]:
    model = ones(np.array([[s, x, x], [0, y, -y]]), l)
    f = float(bracket(model, targets.trap(2, l)).loss)
    own = (s**l + 2 * x**l - 1) ** 2 / 2 - (l == 4) * max(2 * x**4 - 1, 0) ** 2 / 2
    assert np.isclose(f, SLICE[l](x, y) + own, rtol=1e-12)


# %% tags=["hide-input"]
def relief(ax, l):
    """Level lines of the slice, and the flows on it: red if freed, dashed blue if not."""
    x, y = np.meshgrid(np.linspace(-1.1, 1.25, 300), np.linspace(0, 1.25, 200))
    level = l * (l - 1) / 4
    levels = level * np.array([0.5, 1.0, 1.5, 3])
    ax.contourf(x, y, SLICE[l](x, y), [0, *levels, 100], cmap="Greys", alpha=0.45)
    lines = ax.contour(x, y, SLICE[l](x, y), levels, colors=show.GREY, linewidths=0.8)
    places = {3: [(-0.9, 0.4), (0.13, 0.94), (0.6, 0.79)], 4: [(-0.6, 0.6), (-0.75, 0.7)]}[l]
    ax.clabel(lines, fmt="%g", fontsize=9, colors=show.INK, manual=places)
    for path, loss in flows[l]:
        color, line = (show.RED, "-") if loss[-1] < level - 1e-2 else (show.BLUE, "--")
        ax.plot(path[1], path[2], color=color, ls=line)
        ax.plot(*path[1:, 0], "o", color=show.INK, ms=3.5)
        ax.plot(*path[1:, -1], "s", color=color, ms=5)
    ax.set(xlabel="$x$", xlim=(-1.1, 1.25), ylim=(-0.05, 1.25))
    ax.grid(False)


# %% tags=["hide-input"]
BOX = {"bbox": {"fc": "white", "ec": "none", "alpha": 0.9, "pad": 1.5}}
fig, (left, right) = show.figure(2, figsize=(9.2, 4.4))
relief(left, 3), relief(right, 4)
left.axvline(0, color=show.INK, lw=1.5, ls=":")
across = np.linspace(0.68, 1.25, 100)
left.plot(-0.5 / across**2, across, color=show.GOLD, lw=3)
left.text(0.03, 1.13, "door", **BOX), left.text(0.12, 0.03, "trap", color=show.BLUE, **BOX)
left.text(-1.05, 0.53, "exact fits", color=show.GOLD, **BOX)
right.text(-0.35, 0.03, "trap", color=show.BLUE, **BOX)
left.set(ylabel="$y$", title="$l=3$: out through the door")
right.set(title="$l=4$: no door")
plt.show()

# %% [markdown]
# **Figure 3.** *The trap and its door, on a slice.* Numbers on the lines: the loss; dark is high. Dots:
# starts; squares: ends after time 60. At $l=3$ the trap is the line $y=0$, $x\ge0$, of loss $3/2$. Solid red
# flows cross the door $x=0$ (dotted; the loss there is $3/2$ too) and end on the exact fits $2xy^2=-1$
# (gold). Dashed blue ones come down to the trap. At $l=4$ nothing is lower than the trap's loss 3.

# %% tags=["hide-input"]
for l in (3, 4):
    for path, loss in flows[l]:
        free, level = loss[-1] < l * (l - 1) / 4 - 1e-2, l * (l - 1) / 4
        assert np.all(np.diff(loss) < 1e-8)
        assert (path[1].min() < 0 and loss[-1] < 1e-6) if free else loss[-1] < level + 1e-2
    count = sum(loss[-1] < 1e-6 for _, loss in flows[l])
    print(f"l = {l}: {count} of {len(starts)} flows end at loss 0, the others at {level}")

# %% [markdown]
# ### 3. Falsification: what frees a run
#
# Theorem C's hypotheses are a neighbourhood and a sign. Drop them: put four exact copies of $e_1$ and $q$
# **spares**, small components (norm $10^{-3}$) in random directions. Equal copies move as one, and $T^*$ has
# rank $l$ (Proposition 1), so fewer than $l-1$ spares cannot fit it exactly. (Three terms whose weights grow
# beyond bounds come as near as one likes: powers along $e_1$ and $e_1\pm\epsilon e_2$.)
#
# We use the 2-homogeneous descent of notebook 02 in three variants: random signs with re-initialisation
# (components under norm 0.1 are redrawn every 250 steps, 4 epochs); random signs, never redrawn; all signs
# $+$, redrawn. Redraws by own part come last.


# %% tags=["hide-input"]
def spared(l, n, q, signs, seed):
    """n exact copies and q spares of norm 1e-3 (2-homogeneous: squared norms are weights)."""
    rng, norm = generator(seed), (1 + comb(l, 2)) ** 0.5
    U = np.zeros((RUNS, 5, n + q))
    U[:, 0, :n] = (n * norm) ** -0.5
    U[:, :, n:] = 1e-3 * directions(rng, RUNS, 5, q)
    a = np.ones((RUNS, n + q))
    a[:, n:] = 1.0 if signs == "positive" else rng.choice([-1.0, 1.0], (RUNS, q))
    return U, a


# %% tags=["hide-input"]
BY_NORM, NEVER = {"redraw": "norm", "stall": 0.0}, {"reinit": 0.0, "stall": 0.0}


def freed(l, q, signs="random", rule=None, n=4):
    """Success (to 1 %) from n copies and q spares, and success within the first epoch."""
    recipe = Recipe(signs=signs, epochs=4, steps=250, **(BY_NORM if rule is None else rule))
    end = run(targets.trap(5, l), *spared(l, n, q, signs, seed=q), recipe, seed=q)
    return rate(end.error <= 1e-2), rate((end.error <= 1e-2) & (end.steps <= recipe.steps))


spares = (0, 1, 2, 3, 4, 8)
cases = {
    "redrawn": ("random", BY_NORM),
    "never redrawn": ("random", NEVER),
    "signs +, redrawn": ("positive", BY_NORM),
}
table = {
    (l, name, q): freed(l, q, *case) for l in (3, 4) for name, case in cases.items() for q in spares
}

# %% tags=["hide-input"]
fig, axes = show.figure(2, sharey=True, figsize=(9.2, 4.2))
for ax, l in zip(axes, (3, 4), strict=True):
    for k, (name, color, marker) in enumerate(zip(cases, show.CYCLE, show.MARKERS, strict=False)):
        x = np.array(spares) + (0, -0.12, 0.12)[k]
        joined(ax, x, [table[l, name, q][0] for q in spares], color, marker)
    ax.axvspan(-0.4, l - 1.5, color=show.GREY, alpha=0.15, lw=0)
    ax.set(xlabel="spare components $q$", ylim=(-0.04, 1.06), xlim=(-0.4, 8.4))
    ax.set_xticks(range(0, 9, 2))
axes[0].set(ylabel="fraction freed (to 1 % error)", title="$l=3$: two small spares free runs")
axes[1].set_title("$l=4$: three, and both signs")
places = {"redrawn": (3.4, 0.93), "never redrawn": (4.6, 0.27), "signs +, redrawn": (3.3, 0.05)}
for (name, place), color in zip(places.items(), show.CYCLE, strict=False):
    axes[1].text(*place, name, color=color)
plt.show()

# %% [markdown]
# **Figure 4.** *Small spares free a run; large copies do not.* Four copies and $q$ spares; bars: Wilson 95 %.
# Shaded: too few spares for rank $l$. What helps is components that are still small, of both signs where $l$
# is even, and redrawn when they failed.

# %% tags=["hide-input"]
few = [table[l, name, q][0] for l in (3, 4) for name in cases for q in spares if q < l - 1]
assert all(one.successes == 0 for one in few)
assert all(table[4, "signs +, redrawn", q][0].successes == 0 for q in spares)
assert table[3, "redrawn", 4][0].low > 0.7 and table[4, "redrawn", 8][0].low > 0.7
assert table[4, "redrawn", 8][0].low > table[4, "never redrawn", 3][0].high
print(f"fewer than l - 1 spares: freed {sum(x.successes for x in few)} of {len(few) * RUNS}")
late, first = table[4, "redrawn", 4]
assert first.value < late.value
print(f"l = 4, 4 spares, first epoch: freed {first}")
print(f"l = 4, 4 spares, four epochs: freed {late}")

# %% [markdown]
# **Do more copies help?** Not as such. But a copy becomes a spare itself once it is so light that
# re-initialisation takes it (64 copies). Where own parts decide (notebook 02), that is at once: all but one
# of the copies are then redrawn.

# %% tags=["hide-input"]
lines = {
    "64 copies, 0 spares, never redrawn": freed(3, 0, rule=NEVER, n=64),
    "64 copies, 8 spares, never redrawn": freed(3, 8, rule=NEVER, n=64),
    "64 copies, 0 spares, redrawn by norm": freed(3, 0, n=64),
    " 8 copies, 0 spares, redrawn by own part": freed(3, 0, rule={}, n=8),
}
print("freed at l = 3:", *(f"{name:41s} {one}" for name, (one, _) in lines.items()), sep="\n")
none, *others = (one for one, _ in lines.values())
assert none.successes == 0 and min(one.low for one in others) > 0.6

# %% [markdown]
# **Live figure.** *A trap, and a spare.* Drop spares in. The HTML edition (`make html`) shows it here, and on
# [a page of its own](../docs/live.md).
#
# **And from a fresh small start?** `[measured]`. The algorithm of notebook 02 with all $m$ components small
# at first, ten epochs: on this target two components are too few, and 16 do.

# %% tags=["hide-input"]
recipe = Recipe(epochs=10)
for l in (3, 4, 5):
    T = targets.trap(5, l).moved(xp)
    few, many = (
        rate(descend(T, m, seed=3, runs=RUNS, recipe=recipe).error <= 1e-2) for m in (2, 16)
    )
    assert few.successes == 0 and (many.low > 0.65 or BUDGET == "quick")
    print(f"l = {l}: m = 2: {few};  m = 16: {many}")

# %% [markdown]
# ### 4. Several copies, and a minimum that over-parameterisation removes
#
# Let $T^*$ be the sum of $r$ traps in orthogonal planes, spanned by $e_1^{(j)},e_2^{(j)}$. Let each component
# be a positive multiple of some $e_1^{(j)}$, weights positive, with $T=\sum_j(e_1^{(j)})^{\otimes l}$.
#
# **Theorem C, continued** `[proved here]`. The value there is $r\,l(l-1)/4$, and this is a local minimum (a)
# for even $l$ at every $m\ge r$; (b) for odd $l\ge5$ at every $m\ge r$; (c) for $l=3$ at $m=r$, and if
# $r\ge2$ at no $m>r$.
#
# *Idea.* Components of one copy can lean into the plane of another, together: at $l=3$ that gains at third
# order and costs at fourth; at $l\ge5$ it gains at order $l$ and costs at order 4.
#
# *Proof.* Expanding as before with $A=\sum_j(e_1^{(j)})^{\otimes l}$,
#
# $$\begin{aligned}f=\frac{r\,l(l-1)}4+\binom l2\sum_iw_i\sum_j\langle u_i,e_1^{(j)}\rangle^{l-2}\langle u_i,e_2^{(j)}\rangle^2+\tfrac12\|T-A\|^2 .\end{aligned}$$
#
# (a) All terms are $\ge0$.
#
# (b) A component at copy $j$ has a term $\ge0$ for its own plane. Let $y_i$ be its part outside its plane;
# the other planes' terms are at least $-Cw_i|y_i|^l$. Contract $T-A$ with $l-2$ vectors $e_1^{(j)}$, restrict
# to the complement of plane $j$, and take the trace. Components at $j$ give
# $\sum w_i\langle u_i,e_1^{(j)}\rangle^{l-2}|y_i|^2$. The others give at most $C\sum w_i|y_i|^{l-2}$, which
# is smaller as $l-2>2$, and $A$ gives 0. Summed over $j$: $\|T-A\|\ge c\sum_i|y_i|^2$ near the point. So the
# loss gains $c'\sum|y_i|^4$ and loses at most $C'\sum|y_i|^5$.
#
# (c) At $m=r$ the tangents $\mathrm{Sym}((e_1^{(j)})^{\otimes2}\otimes v_j)$ are independent. So with weights
# fixed the Hessian is positive definite (and trained weights only rescale the $u_i$). At $m>r$ some copy has
# two components, of sizes $s_1,s_2$, weights absorbed; equal sizes can be made unequal at no cost. Move them
# by $\varepsilon s_2^2v$ and $-\varepsilon s_1^2v$ with $v=-e_1^{(2)}+e_2^{(2)}$ (the sign of $\varepsilon$
# as needed). The parts of $T-A$ linear in $\varepsilon$ cancel, and the cost is $O(\varepsilon^4)$, while
# $\langle Q^{(2)},v^{\otimes3}\rangle=-3$ gives a change $-3(s_2^6-s_1^6)\varepsilon^3$. $\blacksquare$
#
# With three equal components ($w_i=1$) moved by $\varepsilon(2,-1,-1)v$ the change is
# $-3(8-1-1)\varepsilon^3=-18\varepsilon^3$. **Check:**


# %%
def along(l, epsilon):
    """f minus the copies' value: three of six components moved."""
    U, v = np.zeros((len(epsilon), 4, 6)), np.array([0.0, 0, -1, 1])
    U[:, 0, :3] = U[:, 2, 3:] = 3 ** (-1 / l)
    move = v[:, None] * np.array([2.0, -1, -1])
    U[:, :, :3] += epsilon[:, None, None] * move
    T_star = targets.trap(4, l, copies=2)
    return bracket(ones(U, l), T_star).loss - l * (l - 1) / 2


# %% tags=["hide-input"]
epsilon = 10.0 ** np.array([-2.0, -2.5, -3.0])
gain = along(3, epsilon) / epsilon**3
print(f"l = 3: change / eps^3 = {gain[0]:.1f} at eps = 1e-2, {gain[-1]:.1f} at 1e-3; theory -18")
assert abs(np.polyfit(epsilon, gain, 1)[1] + 18) < 0.05
for l in (4, 5, 6):
    both = np.concatenate([along(l, sign * np.geomspace(1e-2, 0.1, 20)) for sign in (1, -1)])
    assert both.min() > 0
    print(f"l = {l}: the least change over 0.01 <= |eps| <= 0.1 is {both.min():.1e}")

# %% [markdown]
# So width does remove *this* minimum at $l=3$. Does gradient descent find the way out? Two planes in
# $\mathbb R^4$, copies perturbed by $\rho=0.1$, 2,000 steps. (The last line starts further away: that minimum
# is only local.)


# %% tags=["hide-input"]
def two_copies(l, n, rho, seed):
    """n components at each of two copies, perturbed, in units where the target has norm 1."""
    U = np.zeros((RUNS, 4, 2 * n))
    U[:, 0, :n] = U[:, 2, n:] = 1
    U += rho * directions(generator(seed), RUNS, 4, 2 * n)
    return U * (n * (2 * (1 + comb(l, 2))) ** 0.5) ** (-1 / l), np.ones((RUNS, 2 * n))


LONG = Recipe(model="plain", signs="positive", reinit=0, small=0, epochs=1, steps=2000)
left_it = {}
for l, n in product((3, 4, 5), (1, 4, 8)):
    end = run(targets.trap(4, l, copies=2), *two_copies(l, n, 0.1, seed=n), LONG)
    left_it[l, n] = end.error < bar(l) - 1e-3
far = run(targets.trap(4, 5, copies=2), *two_copies(5, 8, 0.3, seed=8), LONG)
far = rate(far.error < bar(5) - 1e-3)
rest = np.concatenate([left_it[l, n] for l in (4, 5) for n in (1, 4, 8)])
assert not left_it[3, 1].any() and min(rate(left_it[3, n]).low for n in (4, 8)) > 0.6
assert not rest.any() and far.low > 0.4
for n in (1, 4, 8):
    print(f"l = 3, m = {2 * n:2d}: left {rate(left_it[3, n])}")
print(f"l = 4, 5, m = 2, 8, 16: left {rate(rest)}")
print(f"l = 5, m = 16, from rho = 0.3: left {far}")

# %% [markdown]
# ## Part II. The saddle at zero
#
# ### 5. Theorem D: leaving zero
#
# Both parameterisations in one: components $u_i$ with weights $a_i\|u_i\|^p$ on unit vectors, $a_i=\pm1$. The
# plain model is $p=l$; the 2-homogeneous model of notebook 02 is $p=2$ (its flow holds $c_i=1/\|u_i\|$
# constant while differentiating). Write $X=(x_1,\dots,x_m)$ for a direction in the space of all components,
# $\|X\|=1$, and
#
# $$\begin{aligned}\rho^2=\sum_i\|u_i\|^2,\quad P(X)=\sum_ia_i\|x_i\|^pT^*(\bar x_i^{\,l}),\quad\varphi=f(0)-f,\quad h=\tfrac12\|T\|^2,\quad\varphi=P-h .\end{aligned}$$
#
# **Theorem D** `[proved here]`. Let $l\ge3$, signs fixed, $\|X\|=1$ and $P(X)>0$.
# 1. In the plain model $f(tX)=f(0)-t^lP(X)+O(t^{2l})$: at 0 all derivatives of order $1,\dots,l-1$ vanish,
#    and 0 is not a local minimum.
# 2. Let $t_\delta$ be the time at which gradient flow from $\delta X$ reaches $\rho^p=q_0/2$, where
#    $q_0=\varphi/\rho^p$ at its start ($\to P(X)$ as $\delta\to0$). Then $f$ has fallen by at least
#    $3q_0^2/8$. With $\rho_1=(q_0/2)^{1/p}$ and $\|T^*\|_\sigma=\max_{|x|=1}|T^*(x^l)|$,
#
# $$\begin{aligned}p=l:\quad&\frac{\delta^{-(l-2)}-\rho_1^{-(l-2)}}{l(l-2)\|T^*\|_\sigma}\le t_\delta\le\frac{2\,\delta^{-(l-2)}}{l(l-2)\,q_0};\\ p=2:\quad&\frac{\log(\rho_1/\delta)}{l\,\|T^*\|_\sigma}\le t_\delta\le\frac{2\log(\rho_1/\delta)}{l\,q_0}.\end{aligned}$$
#
# If $P$ is negative somewhere as well, 0 is a *saddle of order $l$*: for odd $l$ always, as $P(-X)=-P(X)$;
# for even $l$ not always. With $T^*=\sum_{j\le d}e_j^{\otimes4}$ and all signs $+$, $P>0$ off 0, and 0 is a
# strict local *maximum*. If $P\le0$ everywhere (even $l$, every sign wrong) nothing escapes: then
# $f=f(0)-P+h\ge f(0)$.

# %% tags=["hide-input"]
t = np.linspace(-1, 1.25, 300)
fig, ax = show.figure()
for p, l, color, line in ((4, 4, show.INK, ":"), (3, 3, show.RED, "--"), (2, 3, show.BLUE, "-")):
    ax.plot(t, (1 - np.sign(t) ** l * np.abs(t) ** p) ** 2 / 2, color=color, ls=line)
ax.plot(0, 0.5, "o", color=show.INK, ms=6)
ax.text(-0.62, 0.2, "plain, $l=4$", color=show.INK)
ax.text(-0.98, 0.68, "plain, $l=3$", color=show.RED)
ax.text(-0.62, 1.3, "2-homogeneous, $l=3$", color=show.BLUE)
ax.annotate("start", (0, 0.5), xytext=(0, -22), textcoords="offset points", ha="center")
ax.set(xlabel="position $t$ on the ray $tu^*$", ylabel="loss $f$", ylim=(0, 2))
ax.set_title("The higher the order, the flatter the start")
plt.show()

# %% [markdown]
# **Figure 5.** *At zero the plain loss is flat to order $l$.* One component $u=tu^*$, target
# $(u^*)^{\otimes l}$, sign $+$. Plain: $f=\frac12(1-t^l)^2$. At $l=3$ the loss rises on one side of 0 and
# falls on the other, a saddle; at $l=4$ zero is a maximum. The 2-homogeneous loss leaves 0 like $t^2$, at
# every order.
#
# *Idea of the proof.* In units of its natural size $\rho^p$, what the loss has gained never gets smaller, up
# to a term that is small until the escape. So $\rho$ grows at least like $\dot\rho\sim\rho^{p-1}$: a power
# law for $p>2$, an exponential for $p=2$.
#
# *Proof.* 1. $\langle T(tX),T^*\rangle=t^lP(X)$, and $\|T(tX)\|^2$ is a multiple of $t^{2l}$.
#
# 2. Both flows have $\frac{d\rho^2}{dt}=-2l\langle E,T\rangle=2l(\varphi-h)$, and
#    $\frac{d\varphi}{dt}\ge lp\,(\varphi-h)^2/\rho^2$. For $p=l$ the latter is
#    $|\nabla f|^2\ge\langle X,\nabla f\rangle^2/\rho^2$. For $p=2$ it is notebook 02's dissipation,
#    $\frac{d\varphi}{dt}\ge2l\sum_i\|u_i\|^2E(\bar u_i^l)^2$, with Cauchy-Schwarz against
#    $\langle E,T\rangle=\sum_ia_i\|u_i\|^2E(\bar u_i^l)$. Divide: while $\varphi>h$,
#
# $$\begin{aligned}\frac{d\log\varphi}{d\log\rho^2}\ge\frac p2\Big(1-\frac h\varphi\Big),\quad\text{so}\quad\frac{d(\varphi\rho^{-p})}{d\log\rho^2}\ge-\frac p2\,\frac{h}{\rho^p}\ge-\frac p4\rho^p,\end{aligned}$$
#
# as $\|T\|\le\sum\|u_i\|^p\le\rho^p$. Hence $\varphi\rho^{-p}+\frac12\rho^p$ **never decreases**.
#
# Until $\rho^p=q_0/2$ it gives $\varphi\rho^{-p}\ge\frac34q_0$ and $\varphi-h\ge\frac12q_0\rho^p$, so
# $\frac{d\rho^2}{dt}\ge l\,q_0\rho^p$. And always $\frac{d\rho^2}{dt}\le2lP\le2l\|T^*\|_\sigma\rho^p$.
# Integrate both. $\blacksquare$
#
# **Check 1** in exact integers: the polynomial $t\mapsto f(tX)$, for random integer weights, components and
# target.

# %%
t = sp.symbols("t")


def pairing(w, U, c, V, l):
    """The inner product of two factored tensors, exactly."""
    gram = (U.T * V).applyfunc(lambda g: g**l)
    return (sp.Matrix(w).T * gram * sp.Matrix(c))[0]


def along_ray(w, X, c, V, l):
    """The polynomial f(tX) - f(0) for the target (c, V)."""
    own = pairing(w, t * X, w, t * X, l) / 2
    return sp.Poly(own - pairing(w, t * X, c, V, l), t)


# %% tags=["hide-input"]
for l in (3, 4, 5):
    rng = generator(l)
    w, X, c, V = ([int(k) for k in rng.choice([-2, -1, 1, 2], n)] for n in (4, 12, 2, 6))
    X, V = sp.Matrix(3, 4, X), sp.Matrix(3, 2, V)
    P, f = pairing(w, X, c, V, l), along_ray(w, X, c, V, l)
    assert set(f.as_dict()) <= {(l,), (2 * l,)} and f.coeff_monomial(t**l) == -P
    print(f"l = {l}: f(tX) = f(0) - P t^{l} + (...) t^{2 * l}, exactly")

# %% [markdown]
# **Check 2**: the strict maximum at even $l$, at random $X$ (all components of equal norm, $d=3$, $m=4$).

# %% tags=["hide-input"]
X = directions(generator(7), 1000, 3, 4)
highest = {t: bracket(ones(t * X, 4), ones(np.eye(3), 4)).loss.max() for t in (0.3, 0.1, 0.03)}
assert max(highest.values()) < 1.5
for scale, f in highest.items():
    print(f"l = 4, 1,000 points of norm {scale:g}: f is at most f(0) - {1.5 - f:.1e}")

# %% [markdown]
# **Experiment 5** `[measured]`: escape times over six decades of $\delta$. We integrate the flow in the clock
# $d\tau=\rho^{p-2}dt$, in which growth is exponential in both models. Orthogonal $T^*$ ($d=6$, $r=3$, so
# $\|T^*\|_\sigma=1$), four components, signs $+$, random $X$ (replaced by $-X$ where $P(X)<0$ and $l$ is
# odd).


# %% tags=["hide-input"]
def weighing(U, p, l):
    """The model of components u_i of weight ‖u_i‖^p, for factors U (..., d, m)."""
    norms = np.linalg.norm(U, axis=-2, keepdims=True)
    return SymmetricTensor(norms[..., 0, :] ** p, U / norms, l)


def fallen(T_star, U, p):
    """phi / rho^p at factors U."""
    T = weighing(U, p, T_star.order)
    along = T.factors * (T_star.contract(T.factors) - T.contract(T.factors) / 2)
    return np.sum(T.weights * along.sum(axis=-2), axis=-1) / np.linalg.norm(U, axis=(-2, -1)) ** p


# %% tags=["hide-input"]
def growth(T_star, X, delta, p):
    """Flow from delta X to rho^p = q_0 / 2: time, q_0, and phi/rho^p + rho^p/2 along the way."""
    y, l = np.append(delta * X.ravel() / np.linalg.norm(X), 0.0), T_star.order
    q0 = fallen(T_star, y[:-1].reshape(X.shape), p)

    def rates(_, y):
        U = y[:-1].reshape(X.shape)
        field = bracket(weighing(U, p, l), T_star).field
        move = -l * np.linalg.norm(U, axis=0) ** (p - 1) * field
        return np.append(move.ravel(), 1) * np.linalg.norm(U) ** (2 - p)

    def there(_, y):
        return np.linalg.norm(y[:-1]) ** p - q0 / 2

    there.terminal, options = True, dict(rtol=1e-8, atol=1e-10 * delta)
    path = solve_ivp(rates, (0, 1e4), y, "DOP853", events=there, **options).y
    rho, path_U = np.linalg.norm(path[:-1], axis=0), path[:-1].T.reshape(-1, *X.shape)
    return path[-1, -1], q0, fallen(T_star, path_U, p) + rho**p / 2


# %% tags=["hide-input"]
deltas = 10.0 ** -np.arange(2, 9)
escape, position = {}, []
for l, seed in product((3, 4), range(budget(3, 4, 20))):
    T_star = targets.orthogonal(6, 3, l, seed=0)
    X = generator(seed).standard_normal((6, 4))
    for p in (l, 2):
        X = X * np.sign(fallen(T_star, deltas[-1] * X, p))  # so that P(X) > 0
        time, q0, kept = zip(*(growth(T_star, X, delta, p) for delta in deltas), strict=True)
        time, q0, rho1 = np.array(time), np.array(q0), (np.array(q0) / 2) ** (1 / p)
        clock = np.log(rho1 / deltas) if p == 2 else deltas ** (2.0 - l) / (l - 2)
        fastest = clock if p == 2 else clock - rho1 ** (2.0 - l) / (l - 2)
        low, high = fastest / l, 2 * clock / (l * q0)
        assert np.all(time >= low) and np.all(time <= high)
        assert min(np.min(np.diff(k)) for k in kept) > -1e-7
        escape[l, p, seed] = time
        position.append([time / low, high / time])
above, under = np.min(position, axis=(0, 2))
print(f"{len(escape)} flows x {len(deltas)} scales, times against Theorem D's two bounds:")
print(f"at least {above:.2f} times the lower one; the upper one at least {under:.2f} times them")


# %% tags=["hide-input"]
def slopes(l, p):
    """The fitted slope for each X: of log t in log delta (plain), of t in log 1/delta (p = 2)."""
    times = [t for (a, b, _), t in escape.items() if (a, b) == (l, p)]
    return np.array(
        [np.polyfit(np.log(1 / deltas), t if p == 2 else -np.log(t), 1)[0] for t in times]
    )


def interval(values):
    """Their mean with Student's 95 % interval, rounded up, as text."""
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return f"{values.mean():.4f} ± {np.ceil(1e4 * half) / 1e4:.4f}"


for l in (3, 4):
    plain, two = slopes(l, l), slopes(l, 2)
    assert abs(plain.mean() + (l - 2)) < 0.01 and abs(two.mean() - 1 / l) < 0.003
    print(f"l = {l}, plain: log t / log delta has slope {interval(plain)}, theory {2 - l}")
    print(f"l = {l}, 2-homogeneous: t / log(1/delta) has slope {interval(two)}, here 1/{l}")

# %% tags=["hide-input"]
fig, (left, right) = show.figure(2, figsize=(9.2, 4.2))
for l, color, marker in ((3, show.BLUE, "o"), (4, show.RED, "s")):
    for (a, p, _), time in escape.items():
        if a == l and p == l:
            left.loglog(deltas, time, color=color, marker=marker, lw=0.8, ms=4)
        elif a == l:
            right.semilogx(deltas, time, color=color, marker=marker, lw=0.8, ms=4)
    name = f"$l={l}$: slope ${-(l - 2)}$"
    place = (-96, -18) if l == 3 else (14, 14)
    show.label(left, 1e-5, escape[l, l, 0][3], name, color, xytext=place)
    place = (8, 14) if l == 3 else (-40, -16)
    show.label(right, 1e-5, escape[l, 2, 0][3], f"$l={l}$", color, xytext=place)
left.set(ylabel="escape time", title="plain: a power of $\\delta$")
right.set(title="2-homogeneous: a logarithm")
for ax in (left, right):
    ax.set(xlabel=r"initial scale $\delta$")
plt.show()

# %% [markdown]
# **Figure 6.** *The plain model waits at 0, the 2-homogeneous one does not.* One line per random $X$. From
# $\delta=10^{-8}$ at $l=4$: about $10^{16}$ against 5. The logarithm's factor is $1/l$ here: directions reach
# a true component ($T^*(\bar u^l)=1$) first, and then $\|u\|$ grows like $e^{lt}$. The uncertainties above
# are Student's 95 % over the random $X$; a line has also the small bend that the bounds allow near
# $\delta=10^{-2}$, which is why $-1.0006$ is not $-1$.
#
# **Falsification: every sign wrong.** $l=4$, $T^*$ positive, all $a_i=-1$: then 0 is a local minimum. From
# components of norm 0.3, how large is a weight at the end, in units of what it was?

# %% tags=["hide-input"]
T_star = targets.orthogonal(6, 3, 4, seed=0)
U = 0.3 * directions(generator(0), RUNS, 6, 4)
for model, p in (("plain", 4), ("homogeneous", 2)):
    wrong = run(T_star, U, -np.ones((RUNS, 4)), Recipe(model=model, reinit=0, small=0, epochs=1))
    grown = np.abs(to_numpy(wrong.weights)).max() / (0.3**p * float(T_star.norm))
    assert grown < 1 and np.all(np.abs(wrong.error - 1) < 0.01)
    print(f"{model}: the largest weight of {RUNS} runs ends at {grown:.0e} times its start")

# %% [markdown]
# ## Part III. As many components as the target has
#
# ### 6. P2: orthogonal targets at m = r
#
# `[measured]`. Plain gradient descent, weights $+1$ (the right signs), $d=10$, $r=4$ orthonormal components;
# components of norm 0.3 at first, 2,000 steps, success at 1 % error.

# %%
d, r, TRIALS = 10, 4, budget(30, 100, 1000)
GD = replace(PLAIN, turn=0.2, steps=2000, delta0=0.3)
easy, end = {}, {}
for l in (3, 4):
    easy[l] = targets.orthogonal(d, r, l, seed=0).moved(xp)
    for m in (r, r + 1, 2 * r, 4 * r):
        options = dict(seed=1, runs=TRIALS, recipe=GD)
        end[l, m] = descend(easy[l], m, **options)

# %% tags=["hide-input"]
p2 = {key: rate(e.error <= 1e-2) for key, e in end.items()}
fig, ax = show.figure()
for l, color, marker in ((3, show.BLUE, "o"), (4, show.RED, "s")):
    joined(ax, range(4), [p2[l, m] for m in (r, r + 1, 2 * r, 4 * r)], color, marker)
    show.label(ax, 0, p2[l, r].value, f"$l={l}$", color, xytext=(14, -12))
ax.set_xticks(range(4), ["$r$", "$r+1$", "$2r$", "$4r$"])
ax.set(xlabel="components $m$", ylabel="success rate", ylim=(0, 1.05))
ax.set_title("One component for each is not enough")
plt.show()

# %% [markdown]
# **Figure 7.** *One component for each is not enough for plain descent.* Four orthonormal components; bars:
# Wilson 95 %. The failed runs end at relative errors $\sqrt{k/r}$: $k$ true components have no component of
# their own, because two sit on the same one, or one has died near 0.

# %% tags=["hide-input"]
for l in (3, 4):
    assert p2[l, r].high < p2[l, 2 * r].low and p2[l, r].high < 0.8 and p2[l, 4 * r].low > 0.85
    assert p2[l, r].value < p2[l, r + 1].value < p2[l, 2 * r].value
    print(f"l = {l}: m = r: {p2[l, r]};  m = 4r: {p2[l, 4 * r]}")

# %% [markdown]
# #### Why $l=3$ is worse than $l=4$, though its sharing points are no minima
#
# **At $l=3$ a wrong sign is nearly for good.** Near 0 a component's coordinate along a missing $u^*_k$ obeys
# $\dot x_k=3x_k^2$: a positive one grows, a negative one creeps to 0. That is not a local minimum but a
# *half-stable* point, which attracts from one side. So each true component needs a component of its own whose
# starting coordinate along it is positive. In the $r\times m$ table of starting signs that is a *matching*,
# and fair coins give a $4\times4$ table one with probability 0.577:


# %%
def matched(S):
    """Whether each row of S (n, r, m) gets a column of its own."""
    r, m = S.shape[1:]
    ways = [list(way) for way in permutations(range(m), r)]
    found = [S[:, range(r), way].all(axis=-1) for way in ways]
    return np.any(found, axis=0)


# %% tags=["hide-input"]
tables = np.array(list(product([False, True], repeat=16))).reshape(-1, 4, 4)
print(f"4 x 4 tables with a matching: {matched(tables).sum():,} of {len(tables):,}")
first = next(trajectory(easy[3], r, seed=1, runs=TRIALS, recipe=GD)).now.directions
V = to_numpy(easy[3].factors)
lucky, fits = matched(V.T @ to_numpy(first) > 0), end[3, r].error <= 1e-2
with_one, without = rate(fits[lucky]), rate(fits[~lucky])
assert without.value < 0.15 and (with_one.low > 0.15 or BUDGET == "quick")
print(f"l = 3, m = r: success from starts with a matching:    {with_one}")
print(f"l = 3, m = r: success from starts without a matching: {without}")

# %% [markdown]
# So at $l=3$ two starts in five have next to no chance. (`[measured]`, no theorem: that signs are kept is exact
# for the flow of one component alone, not for finite steps nor with the others' pull.)
#
# **At $l=4$ both signs climb** ($\dot x_k=4x_k^3$), and no start is lost. What stops a run is two components
# that reach the same true one. Proposition 2 says when that is a local minimum: when the smaller of them
# holds more than 0.2113 of the weight. The failed runs, by the smaller share of the most even pair:


# %% tags=["hide-input"]
def smaller_share(end, V):
    """For each run, the smaller share of the most even pair on one true component (0: none)."""
    on = np.abs(V.T @ to_numpy(end.factors)) > 0.95  # (runs, r, m)
    held = np.sort(to_numpy(end.weights)[:, None] * on, axis=-1)
    return np.max(held[..., -2] / np.maximum(np.sum(held, axis=-1), 1e-9), axis=-1)


failed = end[4, r].error > 1e-2
even = smaller_share(end[4, r], to_numpy(easy[4].factors)) > 0.2113
print(f"l = 4, m = r: failed with a share above 0.2113: {rate(failed & even)}")
print(f"l = 4, m = r: failed without:                   {rate(failed & ~even)}")

# %% [markdown]
# The first line counts runs near a proved local minimum. The second counts runs that no local minimum of this
# kind holds: an uneven pair, or a component near 0 (Theorem D's saddle). These are slow, and more steps free
# some of them, as the next lines show.
#
# So the answer: the bad minima at $l=4$ exist, and few runs end there, since two components seldom reach the same
# true one with even weights. At $l=3$ no point of this kind is one, and signs alone cost nearly all of 42 % of
# the starts.
#
# **What these rates depend on.** The starting norm 0.3 and the 2,000 steps are our choice, and they matter:


# %% tags=["hide-input"]
def again(l, m, **changes):
    """The success rate of half as many runs with other settings."""
    recipe = replace(GD, **changes)
    return rate(descend(easy[l], m, seed=1, runs=TRIALS // 2, recipe=recipe).error <= 1e-2)


small = {(l, m): again(l, m, delta0=0.05) for l, m in ((3, 2 * r), (4, r), (4, 2 * r))}
patient = {l: again(l, r, steps=8000) for l in (3, 4)}
assert small[4, r].high < 0.35 and small[4, 2 * r].high < 0.75 and small[3, 2 * r].low > 0.6
assert patient[3].high < 0.6 and patient[4].high < 0.9
for (l, m), one in small.items():
    print(f"start 0.05, 2,000 steps, l = {l}, m = {'' if m == r else m // r}r: {one}")
for l, one in patient.items():
    print(f"start 0.3,  8,000 steps, l = {l}, m = r: {one}")

# %% [markdown]
# At $l=4$ a small start fails mostly for want of time: Theorem D's slow saddle.
#
# #### Are the failures local minima?
#
# For $l=4$ we can say exactly. Let two components share $u^*_1$ with weights $a$ and $1-a$, let $u^*_r$ be
# missed, and let the others be fitted.
#
# **Proposition 2** `[proved here]`. $l=4$, orthonormal $T^*$, $m=r\ge2$, weights $+1$: this point, of value
# $\frac12$, is a local minimum if $6a(1-a)>1$, that is $a\in(0.2113,\,0.7887)$, and not if $6a(1-a)<1$.
#
# *Idea.* To use the missed component, the sharers must lean towards it in opposite directions, or they spoil
# what they fit. Leaning gains a quartic term each, and costs a quartic one together: the shares decide which
# is larger.
#
# *Proof.* Let $\varepsilon_i$ be the components' coordinates along $u^*_r$, and $s_i$ the two sharers' norms:
# $s_1^4=a$, $s_2^4=1-a$. Here $E=-(u^*_r)^{\otimes4}$, so
# $f-\frac12=-\sum_i\varepsilon_i^4+\frac12\|\Delta T\|^2$, $\Delta T$ the change of $T$. Of $\|\Delta T\|^2$
# keep two kinds of coordinates, of multiplicity 4 and 6: those of $u_j^{*\,3}u^*_r$ and
# $u_1^{*\,2}u_r^{*\,2}$. With $x_{ij}=u_i\cdot u_j^*$,
#
# $$\begin{aligned}f-\tfrac12\ \ge\ -\sum_i\varepsilon_i^4+2\sum_{j<r}\Big(\sum_ix_{ij}^3\varepsilon_i\Big)^2+3\Big(\sum_ix_{i1}^2\varepsilon_i^2\Big)^2 .\end{aligned}$$
#
# 1. The squares with $j>1$ force the single components' $\varepsilon$ to be cubically small. The one with
#    $j=1$ forces $s_1^3\varepsilon_1+s_2^3\varepsilon_2\approx0$: any deviation $\eta$ costs $2\eta^2$ and
#    changes the quartic terms by $O(|\eta||\varepsilon|^3)$ only.
# 2. On $\varepsilon=\epsilon(s_2^3,-s_1^3)$ the rest is
#
# $$\begin{aligned}\epsilon^4\big[3(s_1^2s_2^6+s_2^2s_1^6)^2-s_1^{12}-s_2^{12}\big]&=\epsilon^4\big[3a(1-a)-(1-3a(1-a))\big]\\&=\epsilon^4\big[6a(1-a)-1\big],\end{aligned}$$
#
# positive in the first case. In the second, move along $\varepsilon$: $\Delta T$ is of order $\epsilon^2$
# only in the coordinate $u_1^{*\,2}u_r^{*\,2}$, the others are $O(\epsilon^3)$, so
# $f-\frac12=\epsilon^4[6a(1-a)-1]+O(\epsilon^6)$. $\blacksquare$
#
# For $l=3$ no such point is a local minimum (at $a=\frac12$, the last row, the cubic term vanishes: equal sharers
# can first be made unequal at no cost): the same move with unequal sharers changes $f$ at order $\epsilon^3$,
# with a sign that can be chosen. **Check** along the move, then by descent.


# %%
def shared(l, a, epsilon):
    """Sharers of e_1 (a, 1 - a) moved along the missed e_3."""
    s1, s2 = a ** (1 / l), (1 - a) ** (1 / l)
    U = np.zeros((len(epsilon), 3, 3))
    U[:, 0, 0], U[:, 0, 1], U[:, 1, 2] = s1, s2, 1
    U[:, 2, 0] = s2 ** (l - 1) * epsilon
    U[:, 2, 1] = -(s1 ** (l - 1)) * epsilon
    return U


# %% tags=["hide-input"]
cube = {l: ones(np.eye(3), l) for l in (3, 4)}
epsilon = np.array([0.05, -0.05])
print("   a   l = 4: change / eps^4   theory   l = 3: change / |eps|^3, the better sign")
for a in (0.05, 0.20, 0.23, 0.50):
    change = {l: bracket(ones(shared(l, a, epsilon), l), cube[l]).loss - 0.5 for l in cube}
    quartic, cubic = change[4][0] / epsilon[0] ** 4, change[3].min() / epsilon[0] ** 3
    assert abs(quartic - (6 * a * (1 - a) - 1)) < 0.02 and (a == 0.5 or cubic < 0)
    print(f"{a:.2f} {quartic:15.2f} {6 * a * (1 - a) - 1:16.2f} {cubic:15.2f}")

# %% tags=["hide-input"]
PATIENT = replace(PLAIN, turn=0.2, steps=budget(3000, 3000, 20_000))
rng, away = generator(0), {}
for l, a, push, runs in (
    *((l, a, 0.1, RUNS) for l, a in product((3, 4), (0.05, 0.5))),
    (4, 0.5, 0.3, 10 * RUNS),
):
    U = shared(l, a, np.zeros(runs)) + push * directions(rng, runs, 3, 3)
    out = run(cube[l], U * 3 ** (-1 / (2 * l)), np.ones((runs, 3)), PATIENT).error < 0.5
    away[l, a, push] = rate(out)
    print(f"l = {l}, a = {a:.2f}, pushed by {push}: left {away[l, a, push]}")
assert away[4, 0.5, 0.1].successes == 0 and away[4, 0.05, 0.1].low > 0.15
assert away[3, 0.05, 0.1].low > 0.2 and away[3, 0.05, 0.1].high < 0.9
assert away[4, 0.5, 0.3].low > 0.02

# %% [markdown]
# At $l=4$, half and half, no run leaves after a small push and a few do after a large one: the minimum is
# local. (The shares 0.05 and 0.95 need patience: the descent is quartic, and shares drift while a run waits.)
# At $l=3$ some leave and some return: half-stable.
#
# #### Is a large dimension easier at $m=r$?
#
# For the plain model we did not measure it: its escape alone takes a time of order $d^{(l-2)/2}$ (Lemma G,
# notebook 05). For the 2-homogeneous model yes `[measured]`, even with nothing redrawn and one shared step:

# %% tags=["hide-input"]
ONCE = Recipe(signs="positive", reinit=0, stall=0, small=0, epochs=1, steps=6000)
T, risen = targets.spanned("orthogonal", 10, r, 3, seed=1).moved(xp), {}
for wide in (10, 10**4):
    options = {"dim": wide, "recipe": ONCE, "compiled": COMPILED}
    fits = descend(T, r, seed=3, runs=TRIALS, **options).error <= 1e-2
    risen[wide] = rate(fits)
    print(f"2-homogeneous, l = 3, m = r = 4, d = {wide:6,}: {risen[wide]}")
first = next(trajectory(T, r, seed=3, runs=TRIALS, recipe=ONCE, dim=wide)).now.directions
lucky = matched(to_numpy(T.factors).T @ to_numpy(first)[:, : T.dim] > 0)
print(f"d = 10,000, starts with a matching:    {rate(fits[lucky])}")
print(f"d = 10,000, starts without a matching: {rate(fits[~lucky])}")
assert risen[10**4].value > risen[10].value or BUDGET == "quick"

# %% [markdown]
# A plausible cause: components align after times that spread like $d^{(l-2)/2}$, while growing takes about
# $\log(1/\delta_0)/l$ whatever $d$. So in a large dimension they come one after another, and each sees what
# is still missing. How much of the rise this explains is open. At $l=3$ even starts without a matching
# succeed there (last two lines): with small components and many dimensions a wrong sign is not for good.
#
# ## Take-away
#
# 1. The plain objective has bad local minima at every width: what frees a run is small components, at even
#    $l$ of both signs; their number alone does nothing.
# 2. Zero is a saddle of order $l$: leaving it takes $\delta^{-(l-2)}$ in the plain model, $\log(1/\delta)$ in
#    the 2-homogeneous one.
# 3. At $m=r$ runs stop where two components share a true one, or one is still near 0. At $l=4$ sharing is a local
#    minimum if the smaller share exceeds 0.21, which was 5 of 45 failures; the others are slow. At $l=3$ it is
#    half-stable, and wrong signs lose nearly two starts in five besides.
#
# ## What is open
#
# - Theorem C's target is built for its minima. Which *random* targets have copies-like local minima at large
#   $m$?
# - The success rate at $m=r$: an exact law, as a function of $l$, $r$ and $d$, for gradient flow from a small
#   start.
#
# ## Exercises
#
# 1. (check) Show that the trap at $l=4$ is no sum of powers with positive weights, whatever $m$. *Hint:* one
#    value of $T^*(x^4)$ is enough; start from `targets.trap(2, 4)` and its method `contract`.
# 2. (think) Extend Proposition 2: $n$ equal sharers at $l=4$ are a local minimum for $n\le4$ and not for
#    $n\ge5$. *Hint:* $\sum_i\varepsilon_i=0$ implies
#    $\sum_i\varepsilon_i^4\le\frac{n^2-3n+3}{n(n-1)}\big(\sum_i\varepsilon_i^2\big)^2$, with equality at
#    $(n-1,-1,\dots,-1)$. So for $m>4(r-1)$ no such point is left.
# 3. (think) In Theorem D replace $p$ by a number in $(2,l)$. What is the escape time? *Hint:*
#    `growth(T_star, X, delta, 3)` at $l=4$.
# 4. (open) Find random targets that have a bad local minimum with all $m$ components parallel, at every $m$;
#    or show that there are none.
#
# **Solution to 1.** At $x=(1,1)/\sqrt2$ a sum with positive weights is not negative; the trap is
# $x_1^2(x_1^2-6x_2^2)=-\frac54$.

# %% tags=["hide-input"]
x = np.full((2, 1), 0.5**0.5)
value = float(np.sum(x * targets.trap(2, 4).contract(x)))
assert value < 0
print(f"T*(x^4) = {value:.2f} at x = (1, 1) / sqrt 2")

# %% [markdown]
# **Solution to 2.** With $s^4=1/n$ the terms are $-\sum\varepsilon_i^4+\frac3n(\sum\varepsilon_i^2)^2$ on
# $\sum\varepsilon_i=0$. So the point is a minimum if $\frac3n>\frac{n^2-3n+3}{n(n-1)}$, that is $n^2-6n+6<0$:
# $n\le4$. Along the worst direction, scaled to $\sum\varepsilon_i^2=\epsilon^2$:

# %% tags=["hide-input"]
for n in range(2, 7):
    lean = np.append(n - 1, -np.ones(n - 1))
    U = np.stack([np.full(n, n**-0.25), 0.03 * lean / np.linalg.norm(lean)])
    change = bracket(ones(U, 4), ones(np.eye(2), 4)).loss - 0.5
    theory = 3 / n - (n * n - 3 * n + 3) / (n * (n - 1))
    assert abs(change / 0.03**4 - theory) < 0.02
    print(f"{n} sharers: change / eps^4 = {change / 0.03**4:+.2f}, theory {theory:+.2f}")

# %% [markdown]
# **Solution to 3.** $\delta^{-(p-2)}$. For every $p$ the flow has
# $\frac{d\varphi}{dt}\ge lp\sum_i\|u_i\|^{2p-2}E(\bar u_i^l)^2$, and Cauchy-Schwarz works as for $p=2$. So
# the rest of the proof stands, and $\dot\rho\sim\rho^{p-1}$.

# %% tags=["hide-input"]
T_star, X = targets.orthogonal(6, 3, 4, seed=0), generator(0).standard_normal((6, 4))
times = [growth(T_star, X, delta, 3)[0] for delta in (1e-4, 1e-6, 1e-8)]
slope = np.diff(np.log10(times)) / 2
assert np.allclose(slope, 1, atol=0.01)
print(f"l = 4, p = 3: t grows like delta^-{slope[0]:.2f}, then delta^-{slope[1]:.2f}")

# %% [markdown]
# Next: [04, the subspace](04_subspace.ipynb): why a start that lies almost wholly outside the target's
# subspace does no harm, in any dimension.

# %% tags=["hide-input"]
print(f"receipt: budget {BUDGET}; {RUNS} runs per case of experiment 4, {TRIALS} per case of P2;")
print(f"scales 1e-2 to 1e-8, {len(slopes(3, 2))} directions X each; seeds as written in the cells")
