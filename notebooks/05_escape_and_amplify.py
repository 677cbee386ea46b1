# %% [markdown]
# # Escape and amplify: a width that does not depend on d
# *For Colab, Kaggle or any Jupyter:* `dist/colab/05_escape_and_amplify.ipynb`, from `make colab`.
#
# **What you will see.** A random direction is *correlated* with any residual (Lemma F). Gradient flow *amplifies*
# that correlation, in a time of order $d^{(l-2)/2}$ (Lemma G). So draws, climbed one after another and each given
# its best weight, reach an error $\varepsilon$ with $O(r^l\log\frac1\varepsilon)$ components, **for every dimension
# $d$** (Theorem H). At $l=3$, $r=4$ and an error of 1 % the theorem allows 737; runs use about 17, in $\mathbb R^4$ as
# in $\mathbb R^{40000}$.
#
# > **Claim P5** `[paper]` (in part). Random correlation escapes local minima; the tensor power method amplifies the
# > initial correlation.
#
# The lemmas and Theorem H with their constants are this edition's way to P5. The paper's own theorem (P4:
# $m=O^*(r^{2.5l}\log d)$) is about components that train together; Theorem H is about a greedy algorithm, which is
# easier to analyse. Marks: [notebook 00](00_overview.ipynb#the-problem).

# %% tags=["hide-input"]
import sys
from importlib.util import find_spec

if not find_spec("td"):
    sys.exit("td is not installed. The notebooks that `make colab` writes bring it along.")

# %% tags=["hide-input"]
from itertools import combinations
from math import factorial, prod

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import beta, binom, kstest, linregress

from td import moments, show, targets
from td.backend import generator
from td.flow import climb, correlation, flow, greedy_width
from td.rates import budget, mean, rate
from td.tensor import CoordinateTensor, SymmetricTensor, core, monomials

# %% tags=["hide-input"]
BUDGET = budget("quick", "ci", "paper")
WIDE = {"figsize": (8.4, 4.2)}  # two panels, legible on a phone


def unit(d, n, seed):
    """n uniform unit vectors in R^d as columns."""
    X = generator(seed).standard_normal((d, n))
    return X / np.linalg.norm(X, axis=0)


def times_two(first, n):
    """first (first + 2) (first + 4) ..., n factors."""
    return prod(range(first, first + 2 * n, 2))


# %% [markdown]
# **Notation.** $E=T-T^*$ is the residual, $E(x^l)=\langle E,x^{\otimes l}\rangle$, and $E(x^{l-1},\cdot)$ the vector
# with $E(x^{l-1},\cdot)\cdot x=E(x^l)$; the gradient of $x\mapsto E(x^l)$ is $l\,E(x^{l-1},\cdot)$. $S$ is the span of
# the components of $T^*$, $r$ its dimension, $\mathrm{Sym}^l(S)$ the symmetric tensors in $S$, and $x=x_S+x_\perp$ the
# parts of $x$ in $S$ and orthogonal to it. Norms of tensors are Frobenius norms.
#
# Everything here is small: $r\le8$, computed with numpy.
#
# ## 1. Random correlation
#
# **Idea.** The square correlation of $E$ with a random direction is a quadratic form in $E$. Notebook 01 knows its
# matrix, and that the smallest eigenvalue is positive: no residual hides from all directions.
#
# **Lemma F** `[proved here]`. Let $E\in\mathrm{Sym}^l(S)$ and $v$ uniform on the unit sphere of $S$, $\dim S=r$. Then
#
# $$\begin{aligned}\text{(a)}\quad&\mathbb E\big[E(v^l)^2\big]\ \ge\ \mu_{\min}(r)\,\|E\|^2,\qquad \frac1{\mu_{\min}(r)}=\frac{r(r+2)\cdots(r+2l-2)}{l!},\\
# \text{(b)}\quad&\mathbb P\big[\,|E(v^l)|\ge\theta\,\mathrm{rms}\,\big]\ \ge\
# \frac{(1-\theta^2)^2}{9^l}\quad(0\le\theta\le1),\qquad \mathrm{rms}^2=\mathbb E[E(v^l)^2].\end{aligned}$$
#
# *Proof of (a).* $E(v^l)^2=\langle E,v^{\otimes l}\rangle^2$, so its mean is $\langle E,M_rE\rangle$ with the moment
# operator $M_r=\mathbb E[v^{\otimes l}(v^{\otimes l})^\top]$. By Proposition 1 of notebook 01 its smallest eigenvalue is
# $\mu_{\min}(r)$. ($r=1$: the mean is $\|E\|^2$, and $\mu_{\min}(1)\le1$.) $\blacksquare$
#
# For $r\ge2$ there is **equality exactly for harmonic $E$**, the eigenspace of $\mu_{\min}$. One such $E$: the polynomial
# $\mathrm{Re}\,(x_1+ix_2)^l=|x|^l\cos l\varphi$ of the plane. In powers, with
# $u_k=(\cos\frac{\pi k}l,\sin\frac{\pi k}l,0,\dots)$,
#
# $$\sum_{k=0}^{l-1}(-1)^k(u_k\cdot x)^l=l\,2^{1-l}\,\mathrm{Re}\,(x_1+ix_2)^l .$$
#
# (Write $\cos^l$ as a sum of $e^{ij\varphi}$, $j\equiv l$ mod 2. The sum over $k$ of $e^{i\pi k(l-j)/l}$ vanishes unless
# $j=\pm l$.)
#
# **Check.** For factored $E=\sum_iw_iu_i^{\otimes l}$ the mean is a formula: notebook 01 showed that
# $\langle y^{\otimes l},Mz^{\otimes l}\rangle=\sum_ta_t|y|^{2t}|z|^{2t}(y\cdot z)^{l-2t}$. We compare it with samples of
# $v$, and with the bound.


# %%
def mean_square(E, d=None):
    """Mean of E(v^l)^2, v uniform on the sphere of R^r, or of R^d."""
    G, l = E.factors.T @ E.factors, E.order
    a = moments.contraction_weights(d or E.dim, l)
    squares = np.outer(np.diag(G), np.diag(G))
    terms = (float(a[t]) * squares**t for t in range(len(a)))
    kernel = sum(x * G ** (l - 2 * t) for t, x in enumerate(terms))
    return E.weights @ kernel @ E.weights


# %% tags=["hide-input"]
def worst(r, l):
    """A tensor proportional to Re (e_1 + i e_2)^l in R^r: harmonic, so Lemma F is an equality."""
    U, angles = np.zeros((r, l)), np.pi * np.arange(l) / l
    U[0], U[1] = np.cos(angles), np.sin(angles)
    return SymmetricTensor((-1.0) ** np.arange(l), U, l)


def generic(r, l):
    """3r normal components with normal weights."""
    rng = generator([r, l])
    return SymmetricTensor(rng.standard_normal(3 * r), rng.standard_normal((r, 3 * r)), l)


KINDS = {
    "harmonic": worst,
    "random": generic,
    "orthogonal": lambda r, l: targets.orthogonal(r, r, l, seed=r),
    "one power": lambda r, l: targets.orthogonal(r, 1, l, seed=r),
}
LOOKS = {
    "harmonic": (show.BLUE, "o"),
    "random": (show.RED, "s"),
    "orthogonal": (show.GOLD, "^"),
    "one power": (show.GREY, "D"),
}

# %% tags=["hide-input"]
for l in (3, 4, 5):
    X = unit(6, 100, seed=l)
    wave = l * 2.0 ** (1 - l) * np.real((X[0] + 1j * X[1]) ** l)
    assert np.allclose(correlation(worst(6, l), X), wave, atol=1e-13)
print("l = 3, 4, 5: the alternating powers are Re (x_1 + i x_2)^l to 1e-13")


# %% tags=["hide-input"]
SAMPLES = budget(20_000, 100_000, 1_000_000)


def lemma_f(kind, r, l):
    """Exact and sampled E[E(v^l)^2] / (mu_min ‖E‖²), the standard error, and the samples."""
    E = KINDS[kind](r, l)
    values = correlation(E, unit(r, SAMPLES, seed=[r, l]))
    scale = float(moments.smallest_eigenvalue(r, l)) * float(E.norm) ** 2
    error = np.std(values**2) / np.sqrt(SAMPLES)
    exact, sampled, error = np.array([mean_square(E), np.mean(values**2), error]) / scale
    assert abs(sampled - exact) < 5 * error + 1e-12 and exact > 1 - 1e-12
    return exact, sampled, error, values


found = {(k, r, l): lemma_f(k, r, l) for l in (3, 4, 5) for r in range(2, 9) for k in KINDS}
assert all(abs(found["harmonic", r, l][0] - 1) < 1e-12 for l in (3, 4, 5) for r in range(2, 9))
print("mean of E(v^l)² over (mu_min(r) ‖E‖²), exact; at least 1 by Lemma F")
print(" l  r    1/mu_min " + "".join(f"{k:>12s}" for k in KINDS))
for l, r in ((3, 5), (4, 5), (5, 8)):
    row = "".join(f"{found[k, r, l][0]:12.1f}" for k in KINDS)
    print(f"{l:2d} {r:2d} {float(1 / moments.smallest_eigenvalue(r, l)):11.1f} {row}")
farthest = max(abs(x[1] - x[0]) / (x[2] + 1e-12) for x in found.values())
print(f"{len(found)} cases, {SAMPLES} samples each: sampled means are at most", end=" ")
print(f"{farthest:.1f} standard errors off")

# %% [markdown]
# *Proof of (b).* *Idea.* A variable whose fourth moment is not large against its second cannot be small most of the
# time; and polynomials in Gaussians have no large fourth moments.
#
# 1. **Paley-Zygmund.** For $Z=E(v^l)^2$: $\mathbb EZ\le\theta^2\,\mathbb EZ+\mathbb E[Z\,1_{Z\ge\theta^2\mathbb EZ}]$. By
#    Cauchy-Schwarz the last term is at most $\sqrt{\mathbb EZ^2\,\mathbb P[Z\ge\theta^2\mathbb EZ]}$. So
#    $\mathbb P[Z\ge\theta^2\mathbb EZ]\ge(1-\theta^2)^2/K$ with $K=\mathbb EZ^2/(\mathbb EZ)^2$. It remains to show
#    $K\le9^l$.
# 2. **From the sphere to Gaussians.** A standard normal $g=|g|\,v$ in $\mathbb R^r$ has $E(g^l)=|g|^lE(v^l)$, with $|g|$
#    independent of $v$. Hence
#
# $$K=K_{\text{Gauss}}\cdot\frac{(\mathbb E|g|^{2l})^2}{\mathbb E|g|^{4l}}\le K_{\text{Gauss}},\qquad \mathbb E|g|^{2n}=r(r+2)\cdots(r+2n-2).$$
#
# 3. **Hypercontractivity** (the induction of Bonami 1970). Let $\phi$ be a polynomial of degree at most $l$ in
#    independent random signs. Then $\mathbb E\phi^4\le9^l(\mathbb E\phi^2)^2$, by induction on the number of
#    signs. As $\tau^2=1$ for a sign $\tau$, split off one: $\phi=\alpha+\tau\beta$, with $\alpha,\beta$ free of
#    $\tau$ and $\beta$ of degree at most $l-1$. Odd powers of $\tau$ have mean 0, so
#
# $$\begin{aligned}\mathbb E\phi^4&=\mathbb E\alpha^4+6\,\mathbb E\alpha^2\beta^2+\mathbb E\beta^4\ \le\ 9^l(\mathbb E\alpha^2)^2+6\sqrt{9^l\,9^{l-1}}\;\mathbb E\alpha^2\,\mathbb E\beta^2+9^{l-1}(\mathbb E\beta^2)^2\\
# &\le 9^l(\mathbb E\alpha^2+\mathbb E\beta^2)^2=9^l(\mathbb E\phi^2)^2,\qquad\text{since
# }6\cdot3^{2l-1}=2\cdot9^l .\end{aligned}$$
#
# 4. **Signs to Gaussians.** Replace each $g_i$ by a normalised sum of $N$ signs. $E(g^l)$ becomes a polynomial of degree
#    at most $l$ in signs, and its second and fourth moments converge as $N\to\infty$. So $K_{\text{Gauss}}\le9^l$.
#    $\blacksquare$
#
# **Check** of step 3, with all $2^n$ signs enumerated, of $K$ for the tensors above, and of (b) itself.


# %% tags=["hide-input"]
def sign_ratio(n, l, seed):
    """E φ^4 / (9^l (E φ^2)^2), exactly, for 200 random polynomials of degree l in n signs."""
    signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    sets = [s for k in range(l + 1) for s in combinations(range(n), k)]
    columns = np.stack([signs[:, list(s)].prod(axis=1) for s in sets], axis=1)
    phi = columns @ generator(seed).standard_t(2, size=(len(sets), 200))
    return ((phi**4).mean(axis=0) / (9**l * (phi**2).mean(axis=0) ** 2)).max()


def kurtosis(kind, r, l):
    """K of the samples of one tensor."""
    values = found[kind, r, l][3]
    return np.mean(values**4) / np.mean(values**2) ** 2


largest = max(sign_ratio(n, l, seed=[n, l]) for n in (3, 6, 10) for l in (1, 2, 3))
assert largest <= 1
print(f"1,800 random polynomials: mean of φ^4 at most {largest:.1f} of 9^l (mean of φ²)²")
for l in (3, 4, 5):
    for r in (2, 5, 8):
        shrink = times_two(r, l) ** 2 / times_two(r, 2 * l)
        assert max(kurtosis(k, r, l) for k in KINDS) < 9**l * shrink
spike = times_two(1, 2 * l) / times_two(r, 2 * l) * (times_two(r, l) / times_two(1, l)) ** 2
print(f"K for one power, l = 5, r = 8: {spike:.0f}, exact, of {9**5} allowed")

# %% tags=["hide-input"]
theta, tails = np.linspace(0, 1, 101), {}
for kind, r, l in found:
    values = np.sort(np.abs(found[kind, r, l][3]))
    below = np.searchsorted(values, theta * np.sqrt(np.mean(values**2)) * (1 - 1e-12))
    tails[kind, r, l] = 1 - below / SAMPLES
    assert np.all(tails[kind, r, l] >= (1 - theta**2) ** 2 / 9**l)
half = {k: tails[k, 5, 3][50] for k in KINDS}
print(f"P[|E(v^l)| >= rms / 2], l = 3, r = 5; the bound is {0.75**2 / 729:.5f}:")
print("  " + ", ".join(f"{k} {p:.2f}" for k, p in half.items()))
lowest = min(p[50] * 9**l / 0.75**2 for (_, _, l), p in tails.items())
print(f"of all {len(tails)} cases the lowest tail at rms / 2 is {lowest:.0f} times its bound")

# %% tags=["hide-input"]
fig, (left, right) = show.figure(2, **WIDE)
rs, order = np.arange(2, 9), sorted(KINDS, key=lambda k: tails[k, 5, 4][-1])
for kind, (color, marker) in LOOKS.items():
    exact, sampled, error = (np.array([found[kind, r, 4][i] for r in rs]) for i in range(3))
    bars = sampled - 4 * error, sampled + 4 * error
    show.points(left, rs, sampled, *bars, color=color, fmt=marker)
    left.plot(rs, exact, color=color, lw=1)
    show.label(left, 8, exact[-1], kind, color, xytext=(8, 8 * (kind == "harmonic")))
    right.semilogy(theta, tails[kind, 5, 4], color=color)
    place = (6, 14 * order.index(kind) - 24)
    show.label(right, 1, tails[kind, 5, 4][-1], kind, color, xytext=place)
left.axhline(1, color=show.INK, ls="--", lw=1)
right.semilogy(theta[:-1], (1 - theta[:-1] ** 2) ** 2 / 9**4, color=show.INK, ls="--")
show.label(left, 2, 0.55, "Lemma F (a)", show.INK, xytext=(0, 0))
show.label(right, 0.1, 5e-5, "Lemma F (b)", show.INK, xytext=(0, 0))
left.set(xlabel="dimension $r$ of the span", ylim=(0, None), xlim=(1.8, 11.4), xticks=rs)
left.set(ylabel=r"mean of $E(v^4)^2$, over $\mu_{\min}\|E\|^2$", title="No residual hides ...")
right.set(xlabel=r"$\theta$", ylim=(1e-6, 2), xlim=(0, 1.5), xticks=[0, 0.5, 1])
right.set(ylabel=r"P[$|E(v^4)|\geq\theta\,\mathrm{rms}$]", title="... and none is seldom seen")
plt.show()

# %% [markdown]
# **Figure 1.** *No residual hides from random directions.* $l=4$, four kinds of residual. Left: the mean square
# correlation in units of Lemma F's bound; points sampled (bars of $\pm4$ standard errors), lines exact. The harmonic
# tensor attains the bound. Right, $r=5$: how often the correlation is at least a share $\theta$ of its typical size.
# Bound (b) holds, and is far from sharp.
#
# **In $\mathbb R^d$.** The algorithm draws $\bar u$ uniform on the sphere $S^{d-1}$ of $\mathbb R^d$, not on that of $S$.
# With $\bar u=g/|g|$ its part in $S$ is $g_S/|g|$:
#
# - the direction $n=g_S/|g_S|$ is uniform on the sphere of $S$ and independent of the length;
# - the square length $|g_S|^2/(|g_S|^2+|g_\perp|^2)$ has the law Beta$(\frac r2,\frac{d-r}2)$, of mean $r/d$.
#
# **Check** on 20,000 draws, $r=3$ (Kolmogorov-Smirnov for the law; second moments of $n$; correlation of the two):

# %% tags=["hide-input"]
for d in (10, 100, 1000):
    part = unit(d, 20_000, seed=d)[:3]
    square, n = (part**2).sum(axis=0), part / np.linalg.norm(part, axis=0)
    assert kstest(square, beta(1.5, (d - 3) / 2).cdf).pvalue > 1e-5
    assert abs(n @ n.T / 20_000 - np.eye(3) / 3).max() < 0.01
    assert abs(np.corrcoef(square, n[0] ** 2)[0, 1]) < 0.03
    scaled = square * d / 3
    error = scaled.std() / np.sqrt(20_000)
    assert abs(scaled.mean() - 1) < 5 * error
    print(f"d = {d:4d}: mean of |S-part|² d/r: {scaled.mean():.3f} ± {1.96 * error:.3f}; theory 1")

# %% [markdown]
# ## 2. Amplification
#
# **Idea.** A correlation of order $(r/d)^{l/2}$ is of no use by itself. But while all components are small the residual
# is frozen, and a component follows the gradient flow of a fixed form. That flow climbs, and blows up.
#
# **Lemma G** `[proved here]`. Let $p$ be a form of degree $l\ge3$, $\dot x=\nabla p(x)$ from $x_0\ne0$, and
# $q=p(x)/|x|^l$. Then $q$ never decreases. If $q_0=q(0)>0$, then $|x|$ becomes infinite at a time $t^*$ with
#
# $$\frac{|x_0|^{2-l}}{l(l-2)\,\hat q}\ \le\ t^*\ \le\ \frac{|x_0|^{2-l}}{l(l-2)\,q_0},\qquad \hat q=\max_{|v|=1}p(v).$$
#
# The lower bound on any blow-up time holds for $q_0$ of every sign.
#
# *Proof.* *Idea.* Euler's identity turns both $\dot q$ and the growth of $|x|$ into statements about $q$.
#
# **(i)** Euler: $x\cdot\nabla p=l\,p$. So $\frac{d}{dt}|x|^2=2l\,p=2l\,q|x|^l$, and by Cauchy-Schwarz
#
# $$\dot q=\frac{|\nabla p|^2}{|x|^l}-\frac l2\,\frac{p}{|x|^{l+2}}\,2l\,p=\frac{1}{|x|^l}\Big(|\nabla p|^2-\frac{(x\cdot\nabla p)^2}{|x|^2}\Big)\ge0 .$$
#
# **(ii)** From (i), $\frac{d}{dt}|x|^{2-l}=\frac{2-l}2|x|^{-l}\cdot2l\,q|x|^l=-l(l-2)\,q$. (The flow never reaches 0 in
# finite time: $|\frac{d}{dt}\ln|x||\le l\max|p|\,|x|^{l-2}$ is bounded near 0.) As $q_0\le q\le\hat q$,
#
# $$|x_0|^{2-l}-l(l-2)\,\hat q\,t\ \le\ |x(t)|^{2-l}\ \le\ |x_0|^{2-l}-l(l-2)\,q_0\,t .$$
#
# The right side reaches 0 at the upper time, and $|x|^{2-l}$ is positive while $x$ exists. The left side is positive
# before the lower time. $\blacksquare$
#
# **How we integrate through a blow-up.** Let $v=x/|x|$ and run a clock $s$ with $ds=|x|^{l-2}dt$. Then
#
# $$\frac{dv}{ds}=\nabla p(v)-l\,p(v)\,v,\qquad\frac{d\ln|x|}{ds}=l\,p(v),\qquad\frac{dt}{ds}=|x|^{2-l},$$
#
# with nothing infinite at finite $s$ (`td.flow.flow`, scipy's DOP853, tolerance $10^{-10}$). Lemma G from the current
# point says how much *original* time is left: at most $|x|^{2-l}/(l(l-2)q)$, which falls exponentially in $s$. We add it
# at the last reading.


# %%
def lifetime(length, q, l):
    """Lemma G's bound on the time left; infinite for q <= 0."""
    with np.errstate(divide="ignore"):
        return length ** (2.0 - l) / (l * (l - 2) * np.maximum(q, 0.0))


def blow_up_time(E, X, end=40.0):
    """t* from each column of X, for ‖E‖ of order 1; infinite if q <= 0."""
    path = flow(E, X, np.array([end]))
    left = lifetime(path.lengths[-1], path.values[-1], E.order)
    return path.times[-1] + left


# %% [markdown]
# **Check against a solvable case.** For $p=\sum_jc_jx_j^l$ the coordinates separate, $\dot x_j=l\,c_jx_j^{l-1}$, and
# $t^*=\min\{1/(l(l-2)c_jx_j^{l-2}):c_jx_j^{l-2}>0\}$. Then **Lemma G** on random targets: $E$ of $r$ random components
# with random signs. $\hat q$ is not known in closed form; we take the largest value that 400 ascents reach.

# %% tags=["hide-input"]
for l in (3, 4, 5):
    E = SymmetricTensor(np.array([1.0, -0.7, 0.9]), np.eye(3), l)
    X = unit(3, 60, seed=l) * np.logspace(-4, 0, 60)
    fastest = (l * (l - 2) * E.weights[:, None] * X ** (l - 2)).max(axis=0)
    escapes = fastest > 0
    gap = abs(blow_up_time(E, X[:, escapes]) * fastest[escapes] - 1).max()
    assert gap < 1e-8
print("l = 3, 4, 5, starts of length 1e-4 to 1: integrated and exact t* agree to 1e-8")


# %% tags=["hide-input"]
def target(r, l, seed):
    """T of r random components of R^r, mixed signs; -T if T is positive on under 5 % of directions."""
    T = targets.random(r, r, l, seed=seed, signs="mixed")
    rare = np.mean(correlation(T, unit(r, 400, seed=1)) > 0) < 0.05  # none, if all signs are -
    return T.scaled(-1.0) if rare else T


def positive_starts(E, n, seed):
    """n unit starts with p > 0."""
    rng, X = generator(seed), np.zeros((E.dim, 0))
    while X.shape[1] < n:
        V = unit(E.dim, 20 * n, rng)
        X = np.hstack([X, V[:, correlation(E, V) > 0]])
    return X[:, :n]


# %% tags=["hide-input"]
STARTS, two_sided = budget(20, 60, 400), {}
for l in (3, 4, 5):
    for r in (2, 4, 6):
        E = target(r, l, seed=[r, l])
        top = correlation(E, climb(E, unit(r, 400, seed=1), steps=3000)).max()
        X = positive_starts(E, STARTS, seed=[r, l])
        path = flow(E, X, np.append(np.linspace(0, 4, 200), [10.0, 40.0]))
        t = path.times[-1] + lifetime(path.lengths[-1], path.values[-1], l)
        assert np.diff(path.values, axis=0).min() > -1e-9
        low, high = lifetime(1.0, top, l), lifetime(1.0, path.values[0], l)
        assert np.all(t <= high * (1 + 1e-8)) and np.all(t >= low * (1 - 1e-6))
        two_sided[r, l] = path.values[0] / top, t / high, path
starts, shares = np.concatenate([x[:2] for x in two_sided.values()], axis=1)
print(f"{len(shares)} flows (l = 3, 4, 5; r = 2, 4, 6): q never falls by more than 1e-9;")
print(f"t* is {shares.min():.3f} to {shares.max():.3f} of its upper bound,", end=" ")
print(f"at least {(shares / starts).min():.3f} of its lower bound")

# %% tags=["hide-input"]
fig, (left, right) = show.figure(2, **WIDE)
path = two_sided[4, 3][2]
chosen = np.argsort(path.values[0])[:: STARTS // 6]
left.semilogx(path.lengths[:, chosen], path.values[:, chosen], color=show.BLUE, lw=1.2)
left.plot(np.ones(len(chosen)), path.values[0, chosen], "o", color=show.BLUE, ms=5, clip_on=False)
left.set(xlim=(1, 1e4), ylim=(0, None), xlabel="length $|x|/|x_0|$", ylabel="$q=p(x)/|x|^l$")
left.set_title("The correlation only rises")
right.loglog(starts, shares, "o", color=show.BLUE, ms=3, alpha=0.6)
right.plot([1e-4, 1], [1, 1], color=show.INK, ls="--")
right.plot([1e-3, 1], [1e-3, 1], color=show.INK, ls="--")
show.label(right, 1.3e-4, 1, "upper bound", show.INK, xytext=(0, 9))
show.label(right, 0.03, 0.02, "lower bound", show.INK, xytext=(4, -4))
right.set(xlabel=r"correlation at the start, $q_0/\hat q$", ylabel="$t^*$ / upper bound")
right.set(xlim=(1e-4, 1.5), ylim=(1e-3, 1.6), title="$t^*$ stands between its bounds")
plt.show()

# %% [markdown]
# **Figure 2.** *The flow turns a small correlation into a maximal one.* Left ($l=3$, $r=4$): along seven flows $q$ only
# rises, to a local maximum. Right: blow-up times of all flows, between Lemma G's two bounds. The luckier the start
# (right end), the nearer the bounds.
#
# **The growth time in dimension $d$.** Let $E\in\mathrm{Sym}^l(S)$. Then $p(x)=p(x_S)$ and
# $\nabla p(x)=l\,E(x^{l-1},\cdot)\in S$. So in $\mathbb R^d$, exactly: $x_\perp$ stands still, and $x_S$ follows the flow
# of $S$ alone, an equation in $r$ unknowns. The dimension enters through the start only, whose part in $S$ is $|x_S|\,n$.
# We draw that and flow in $\mathbb R^r$: $d=10^8$ costs what $d=100$ costs.
#
# The form being homogeneous, $t^*(x)=|x_S|^{2-l}\,t^*(n)$. As $|x_S|\sim\sqrt{r/d}$,
#
# $$t^*\ \sim\ (d/r)^{(l-2)/2}\,t^*(n)\qquad\text{with the law of } t^*(n)\text{ free of }d .$$
#
# **Check of the reduction**: the same starts flowed in $\mathbb R^{40}$ and in their three coordinates of $S$. Then the
# slopes, over six decades of $d$.

# %% tags=["hide-input"]
for l in (3, 4):
    rng = generator(l)
    T = targets.random(3, 3, l, seed=rng)
    T = T.image(targets.orthogonal(40, 3, l, seed=rng).factors)
    inner, frame = core(T)
    X = unit(40, 400, seed=l)
    X = X[:, np.argsort(correlation(T, X))[-10:]]  # the ten best of 400, so that the clock is short
    whole = flow(T, X, np.array([0.0, 1.0, 40.0]))
    x = whole.directions * whole.lengths[:, None]
    rest = x[:2] - frame @ (frame.T @ x[:2])
    direct = whole.times[-1] + lifetime(whole.lengths[-1], whole.values[-1], l)
    reduced = blow_up_time(inner, frame.T @ X)
    moved = abs(rest[1] - rest[0]) / whole.lengths[1]  # x is known to a share of its length
    assert moved.max() < 1e-8 and abs(direct / reduced - 1).max() < 1e-6
print("l = 3, 4, d = 40: the rest stands still to 1e-8 |x|, blow-up times agree to 1e-6")

# %% tags=["hide-input"]
dims, COUNT = 10.0 ** np.arange(2, 9), budget(30, 100, 1000)


def starts_in(E, d, n, seed):
    """S-parts of n uniform unit vectors of R^d, of those with p > 0."""
    rng = generator(seed)
    length = np.sqrt(rng.beta(E.dim / 2, (d - E.dim) / 2, size=n))
    return length * positive_starts(E, n, rng)


growth = {}
print(f"slope of log t* against log d, d = 100 to 1e8, {COUNT} starts each")
for l in (3, 4, 5):
    E = target(3, l, seed=l)
    t = np.array([blow_up_time(E, starts_in(E, d, COUNT, [int(d), l])) for d in dims])
    fit = linregress(np.repeat(np.log10(dims), COUNT), np.log10(t).ravel())
    growth[l] = t
    assert abs(fit.slope - (l - 2) / 2) < 5 * fit.stderr < 0.2
    print(f"  l = {l}: {fit.slope:.2f} ± {1.96 * fit.stderr:.2f}; theory {(l - 2) / 2}")

# %% tags=["hide-input"]
fig, ax = show.figure()
for (l, t), color, marker in zip(growth.items(), show.CYCLE, show.MARKERS, strict=False):
    low, middle, high = np.quantile(t, [0.25, 0.5, 0.75], axis=1)
    show.points(ax, dims, middle, low, high, color=color, fmt=marker)
    line = middle[0] * (dims / dims[0]) ** ((l - 2) / 2)
    ax.plot(dims, line, color=color, ls="--", lw=1.2)
    name = rf"$l={l}$: $d^{{\,{(l - 2) / 2:g}}}$"
    show.label(ax, dims[-1], line[-1], name, color, xytext=(10, 0))
ax.set(xscale="log", yscale="log", xlim=(50, 4e9))
ax.set(xlabel="dimension $d$", ylabel="blow-up time $t^*$")
ax.set_title("The growth time is a power of the dimension")
plt.show()

# %% [markdown]
# **Figure 3** `[measured]`. *Six decades of $d$.* Medians and quartiles of $t^*$ over random starts in $\mathbb R^d$
# ($r=3$). Dashed: slope $(l-2)/2$ through the first median. This is gradient flow's own time. Steps that are normalised
# by the speed do not pay it (notebook 02).
#
# **Falsification: stop the flow at once, or too soon.** A component in direction $\bar x=x/|x|$ with its best weight
# removes $E(\bar x^l)^2$ from $\|E\|^2$. With no flow at all that is, by Lemma F in dimension $d$ and for large $d$, of
# the order of $\|E\|^2/d^{\,l}$ on average: $l!$ times that for a harmonic $E$, $(2l-1)!!$ times for a single power.
#
# Along the flow $E(\bar x^l)^2=q^2\,\big(|x_S|^2/(|x_S|^2+|x_\perp|^2)\big)^l$ with $x_\perp$ at rest. By (ii) $|x_S|$
# reaches order 1 only when the time left is of order 1. For large $d$ that is the very last part,
# $(r/d)^{(l-2)/2}$, of the time $t^*$.

# %% tags=["hide-input"]
print("d^l times the mean of E(v^l)² at d = 10^4, ‖E‖ = 1   (limits l!, (2l-1)!!)")
for l in (3, 4, 5):
    ends = [E.scaled(1 / float(E.norm)) for E in (worst(3, l), targets.orthogonal(3, 1, l, seed=l))]
    at = [10.0 ** (4 * l) * mean_square(E, 10**4) for E in ends]
    expected = factorial(l), times_two(1, l)
    assert np.allclose(at, expected, rtol=0.02)
    print(f"  l = {l}: harmonic {at[0]:.0f} ({expected[0]}), one power {at[1]:.0f} ({expected[1]})")

# %% tags=["hide-input"]
E = target(3, 3, seed=3)
path, late = flow(E, positive_starts(E, 1, seed=0), np.linspace(0, 40, 2000)), {}
left_over = lifetime(path.lengths, path.values, 3)[:, 0]
t_star = path.times[-1, 0] + left_over[-1]
for d in (1e2, 1e4, 1e6, 1e8):
    inside = (path.lengths[:, 0] * np.sqrt(3 / d)) ** 2
    share = path.values[:, 0] ** 2 * (inside / (inside + 1 - 3 / d)) ** 3 / float(E.norm) ** 2
    late[d] = left_over / t_star, share
    half = np.interp(share[-1] / 2, share, late[d][0])
    assert half < np.sqrt(3 / d)
    if d in (1e2, 1e8):
        print(f"d = {d:.0e}: removed at once {share[0]:.0e} of ‖E‖², in the limit {share[-1]:.2f};")
        print(
            f"  half of that with {half:.0e} of the time left; (r/d)^(1/2) = {(3 / d) ** 0.5:.0e}"
        )

# %% tags=["hide-input"]
fig, ax = show.figure()
for (d, (time_left, share)), color in zip(late.items(), show.CYCLE, strict=False):
    ax.plot(time_left, share, color=color)
    k = np.argmax(share > share[-1] / 2)
    name = f"$d=10^{int(np.log10(d))}$"
    show.label(ax, time_left[k], share[k], name, color, xytext=(-6, 0), ha="right")
ax.set(xscale="log", xlim=(1.2, 1e-6), ylabel=r"removed share of $\|E\|^2$")
ax.set_xlabel("share of the time $t^*$ that is left when the flow is stopped")
ax.set_title("Stopped early, a component does nothing")
plt.show()

# %% [markdown]
# **Figure 4.** *The larger $d$, the later a component becomes useful.* $l=3$, $r=3$. Time runs to the right, towards
# $t^*$.
#
# ## 3. A width that does not depend on $d$
#
# **Idea.** Draw a direction, let it climb, give it its best weight, and begin anew with the residual that is left. Each
# draw takes on average a fixed share of $\|E\|^2$, and that share knows $r$ and not $d$.
#
# **Theorem H** `[proved here]`. Let $l\ge3$, $T^*\in\mathrm{Sym}^l(S)$, $\dim S=r$. Start from $T=0$ and repeat:
#
# 1. draw $v$ uniform on $S^{d-1}$ and a sign $\sigma=\pm1$;
# 2. run Lemma G's flow for $p=\sigma E(x^l)$ from $v$, and let $\hat v$ be the value of $x_S/|x_S|$ at any time, or its
#    limit;
# 3. add $-E(\hat v^l)\,\hat v^{\otimes l}$.
#
# Then $\|T-T^*\|\le\varepsilon\|T^*\|$ with probability at least $1-\delta$ after
#
# $$m=\Big\lceil\frac{2}{\mu_{\min}(r)}\ln\frac1{\delta\,\varepsilon^2}\Big\rceil,\qquad\frac1{\mu_{\min}(r)}=\frac{r(r+2)\cdots(r+2l-2)}{l!},$$
#
# draws, **for every $d$**: $O(r^l\log\frac1\varepsilon)$ components at fixed $l$ and $\delta$.
#
# *Proof.* *Idea.* Half of the draws have the right sign; for those the flow keeps the correlation that Lemma F promises.
#
# **(i) The best weight.** $\|E+w\,\hat v^{\otimes l}\|^2=\|E\|^2+2w\,E(\hat v^l)+w^2$ is least at $w=-E(\hat v^l)$, and
# $\|E\|^2$ drops by $E(\hat v^l)^2$. It never grows. As $\hat v\in S$, the new $E$ stays in $\mathrm{Sym}^l(S)$.
#
# **(ii) The flow does not lose the correlation.** By section 2, $x_S$ follows Lemma G's flow in $S$ from $v_S\ne0$. Its
# direction $n=v_S/|v_S|$ is uniform on the sphere of $S$. If $\sigma E(n^l)>0$, then $q$ only grows from there, so
# $E(\hat v^l)^2\ge E(n^l)^2$.
#
# **(iii) One draw.** Given $E_k$, the sign is independent of $n$, and right with probability $\frac12$. By Lemma F
#
# $$\mathbb E\big[\|E_k\|^2-\|E_{k+1}\|^2\,\big|\,E_k\big]\ \ge\ \mathbb E\big[1_{\sigma E_k(n^l)>0}\,E_k(n^l)^2\big]=\tfrac12\,\mathbb E\big[E_k(n^l)^2\big]\ \ge\ \tfrac12\mu_{\min}(r)\|E_k\|^2 .$$
#
# **(iv) All draws.** Take expectations, repeat, and use $1-\frac12\mu_{\min}\le e^{-\mu_{\min}/2}$:
#
# $$\mathbb E\|E_m\|^2\le\big(1-\tfrac12\mu_{\min}(r)\big)^m\|T^*\|^2\le e^{-m\mu_{\min}(r)/2}\|T^*\|^2 .$$
#
# By Markov, $\mathbb P[\|E_m\|^2>\varepsilon^2\|T^*\|^2]\le e^{-m\mu_{\min}(r)/2}/\varepsilon^2\le\delta$ for this $m$.
# $\blacksquare$
#
# **Three remarks.**
#
# - *The limit exists.* In Lemma G's clock $x_S/|x_S|$ follows the gradient flow of the polynomial $\sigma E$ on the
#   sphere of $S$. A bounded gradient flow of an analytic function converges (Łojasiewicz 1963, `[known]`). The proof
#   does not need it: $q$ at any time is enough.
# - *The algorithm need not know $S$.* If $q$ becomes positive, $x_S$ blows up while $x_\perp$ stands still, so $x/|x|$
#   itself tends to $\hat v\in S$. Stopped early it is in $S$ up to $|x_\perp|/|x_S|$. If $q$ stays $\le0$ (a wrong sign),
#   $x/|x|$ may keep its part outside $S$. Then the draw is discarded (weight 0), and the proof, which counts such draws
#   as useless, stands. The code below follows $x_S/|x_S|$, in an orthonormal frame of $S$.
# - *A discrete flow will do*, because the proof uses only that $\sigma E(\hat v^l)\ge\sigma E(n^l)$. Take steps
#
# $$v\ \leftarrow\ \frac{y}{|y|},\qquad y=\tfrac1l\nabla p(v)+(l-1)\|E\|\,v,\qquad p=\sigma E(x^l),$$
#
# Euler steps of $ds=1/(l(l-1)\|E\|)$ in the clock above, put back on the sphere (`td.flow.climb`). **They never lower
# $p$**:
#
# 1. The function $h(x)=p(x)+(l-1)\|E\||x|^l$ is convex, because the Hessian of $p$ is at least
#    $-l(l-1)\|E\||x|^{l-2}$ and that of $|x|^l$ at least $l|x|^{l-2}$.
# 2. On the sphere $h=p+$ const, and $y$ is parallel to $\nabla h(v)\ne0$. So
#    $h(y/|y|)\ge h(v)+\nabla h(v)\cdot(y/|y|-v)\ge h(v)$.
#
# (Kolda and Mayo 2011 use this shift for the power method.) So Theorem H holds for the algorithm exactly as we run it,
# with any number of steps. **Check** of the steps, and of their limits against those of the flow:

# %% tags=["hide-input"]
worst_step, apart = np.inf, 0.0
for l in (3, 4, 5):
    for r in (2, 4, 7):
        E, V = generic(r, l), unit(r, 300, seed=r)
        if np.sum(correlation(E, V) > 0) < 5:  # where p < 0 the flow's time runs away
            E = E.scaled(-1.0)
        for _ in range(30):
            before, V = correlation(E, V), climb(E, V, steps=1)
            worst_step = min(worst_step, ((correlation(E, V) - before) / float(E.norm)).min())
        good = V[:, np.argsort(correlation(E, V))[-5:]]
        ends = (
            flow(E, good, np.array([1000.0 / float(E.norm)])).directions[-1],
            climb(E, good, steps=20_000, tol=1e-11),
        )
        gap = np.subtract(*(correlation(E, V) for V in ends)) / float(E.norm)
        apart = max(apart, abs(gap).max())
assert worst_step > -1e-14 and apart < 1e-9
print("81,000 steps: p never falls by more than 1e-14 ‖E‖; its limits are the flow's to 1e-9")

# %% [markdown]
# **The algorithm**, many runs at once. Besides Theorem H's random sign it knows two other rules, for section 4.


# %%
def draw_sign(rule, E, v, rng):
    """σ for each run: a coin, always +1, or the sign of E at the draw."""
    if rule == "positive":
        return np.ones(len(v))
    if rule == "chosen":
        return np.sign(correlation(E, v)[:, 0])
    return rng.choice([-1.0, 1.0], size=len(v))


# %%
def greedy(T_star, m, seed, runs, sign="random", steps=100):
    """T, factors (runs, d, m); relative errors after 0, ..., m draws."""
    rng, l = generator(seed), T_star.order
    inner, frame = core(T_star)  # T* by coordinates in S
    start = inner.scaled(-1).coordinates().coords
    shape = (runs, start.shape[-1])
    E = CoordinateTensor(np.broadcast_to(start, shape), inner.dim, l)
    w, V, errors = [], [], [E.norm]
    for _ in range(m):
        v = rng.standard_normal((runs, T_star.dim, 1))
        v = frame.mT @ v
        sigma = draw_sign(sign, E, v, rng)
        v = climb(E.scaled(sigma), v, steps=steps)
        w.append(-correlation(E, v))
        V.append(frame @ v)
        new = w[-1] * monomials(v, l)[..., 0]
        E = CoordinateTensor(E.coords + new, E.dim, l)
        errors.append(E.norm)
    w, V = np.concatenate(w, axis=-1), np.concatenate(V, axis=-1)
    T = SymmetricTensor(w, V, l)
    return T, np.stack(errors, axis=-1) / errors[0][:, None]


# %% tags=["hide-input"]
fig, (left, right) = show.figure(2, **WIDE)
RANK = 6
for ax, family, d in ((left, targets.orthogonal, 1000), (right, targets.random, RANK)):
    T = family(d, RANK, 3, seed=4, signs="mixed")
    _, curves = greedy(T, 24, seed=1, runs=4, steps=300)
    assert np.diff(curves, axis=1).max() < 1e-12
    for color, curve in zip((show.BLUE, show.RED, show.GOLD, show.INK), curves, strict=True):
        ax.step(range(25), np.maximum(curve, 0), where="post", color=color, lw=1.5)
    ax.set(xlabel="draws", xlim=(0, 24), ylim=(0, 1.04), xticks=range(0, 25, 6))
left.set_yticks(np.sqrt(np.arange(RANK + 1) / RANK))
left.set_yticklabels(["0", *(rf"$\sqrt{{{k}/{RANK}}}$" for k in range(1, RANK)), "1"])
left.set(ylabel=r"$\|E_k\|/\|T^*\|$", title="Orthogonal: a stair for each component")
right.set_title("Random: every draw takes a share")
plt.show()

# %% [markdown]
# **Figure 5.** *Stairs.* Four runs (colours) on one target each, $l=3$, $r=6$. Left: orthonormal components in
# $\mathbb R^{1000}$. A draw of the right sign finds one component exactly, and the error falls from $\sqrt{k/6}$ to
# $\sqrt{(k-1)/6}$; a wrong one is a landing. Right: random components of $\mathbb R^6$ overlap, a draw finds a mixture of
# them, and the error dies out slowly.
#
# **The algorithm run** `[measured]`. $T^*$: $r$ random unit components of $\mathbb R^r$ with random signs (not
# orthogonal), or an orthonormal basis with random signs; a new target in every run. We count the components used until
# $\|E\|\le\varepsilon\|T^*\|$, wasted draws included, and take the 90 % quantile over runs, next to Theorem H's width for
# $\delta=0.1$. The uncertainty of a quantile is the farther end of its 95 % interval by order statistics.

# %% tags=["hide-input"]
RUNS, RANKS = budget(20, 40, 400), range(1, budget(5, 9, 9))
FAMILIES = {"random": targets.random, "orthogonal": targets.orthogonal}
draws = {3: (5, 30, 36, 36, 40, 48, 56, 66), 4: (5, 50, 56, 64, 80, 100, 125, 150)}


def used(errors, eps):
    """Components until the error is at most eps, per run; infinite if it never is."""
    done = errors <= eps
    return np.where(done.any(axis=1), done.argmax(axis=1), np.inf)


def quantile(counts):
    """The 90 % quantile of the runs, and the ends of its 95 % interval."""
    ranked, n = np.sort(counts), len(counts)
    low, high = (int(k) for k in binom.ppf([0.025, 0.975], n, 0.9))
    middle = int(np.ceil(0.9 * (n - 1)))
    return ranked[middle], ranked[max(low - 1, 0)], ranked[min(high, n - 1)]


# %% tags=["hide-input"]
count = {}
for l in (3, 4):
    for r in RANKS:
        for kind, family in FAMILIES.items():
            T = family(r, r, l, seed=[r, l], signs="mixed", batch=(RUNS,))
            m = draws[l][r - 1] // (2 if kind == "orthogonal" and r > 4 else 1)
            errors = greedy(T, m, seed=[r, l, 1], runs=RUNS)[1]
            for eps in (0.1, 0.01):
                count[kind, l, r, eps] = quantile(used(errors, eps))
                assert count[kind, l, r, eps][0] <= greedy_width(r, l, eps=eps, p=0.1)

# %% tags=["hide-input"]
print(f"components used by 90 % of {RUNS} runs; Theorem H's width for 90 %")
print(" l  r   eps       random   orthogonal   Theorem H")
for l in (3, 4):
    for r in (RANKS[-1] // 2, RANKS[-1]):
        for eps in (0.1, 0.01):
            cells = []
            for kind in FAMILIES:
                middle, low, high = count[kind, l, r, eps]
                cells.append(f"{middle:.0f} ± {max(middle - low, high - middle):.0f}")
            bound = greedy_width(r, l, eps=eps, p=0.1)
            print(f"{l:2d} {r:2d}  {eps:4.2f} {cells[0]:>12s} {cells[1]:>12s}   {bound:9d}")

# %% tags=["hide-input"]
fig, axes = show.figure(2, sharey=True, **WIDE)
for ax, l in zip(axes, (3, 4), strict=True):
    for name, color, marker in (("random", show.RED, "s"), ("orthogonal", show.GOLD, "^")):
        values = np.array([count[name, l, r, 0.01] for r in RANKS]).T
        show.points(ax, RANKS, *values, color=color, fmt=marker + "-")
        show.label(ax, RANKS[-1], values[0, -1], name, color, xytext=(8, 0))
    bound = [greedy_width(r, l, eps=0.01, p=0.1) for r in RANKS]
    ax.plot(RANKS, bound, "--", color=show.INK)
    show.label(ax, RANKS[-1], bound[-1], "Theorem H", show.INK, xytext=(8, 3))
    ax.set(yscale="log", xlim=(0.7, 12), xticks=RANKS, xlabel="dimension $r$ of the span")
axes[0].set(ylabel="components (90 % of runs)", title="Far fewer are used: $l=3$ ...")
axes[1].set_title("... and $l=4$")
plt.show()

# %% [markdown]
# **Figure 6** `[measured]`. *Components used until an error of 1 %, and the width that suffices for certain.* Points:
# 90 % quantiles with their 95 % intervals; dashed: Theorem H, a worst case over all $T^*\in\mathrm{Sym}^l(S)$. These
# targets are easier: the flow amplifies the correlation to a *maximum* of $|E|$, and the proof counts the start's value
# only.
#
# **Why do orthogonal targets need fewer components at $r=5$ than at $r=3$?** Because of one bad event, which becomes
# rare:
#
# > *On an orthogonal target with weights $\pm1$, at even $l$ drawn by independent fair coins, the first draw goes wrong with probability $2^{-r}$: it becomes a
# > component on a bisector $\frac1{\sqrt r}\sum_j\pm e_j$, of weight $\pm r^{1-l/2}$, and $E$ is no longer orthogonal.*
#
# 1. *Why a bisector.* The coordinates obey $\dot x_j=l\,b_jx_j^{l-1}$, $b_j=\pm1$. If one $b_jx_j^{l-2}$ is positive, the
#    first to blow up wins: that is a true component. If all are negative, all $|x_j|$ fall like $t^{-1/(l-2)}$, so their
#    ratios tend to 1.
# 2. *Why $2^{-r}$.* At odd $l$ all $r$ signs of $b_jx_j$ must be wrong. At even $l$ all weights must have one sign
#    (probability $2^{1-r}$), and $\sigma$ the wrong one.
# 3. *Why the first draw only.* Once a component is found, its axis stands still while all others decay: a wrong draw
#    ends there, where $E=0$, and gets weight 0.
#
# A run with such a start takes three times as many draws (at $l=3$, $r=4$). They decide the 90 % quantile while
# $2^{-r}>0.1$, that is for $r\le3$. At $r=4$ ($2^{-r}=0.06$) it is a matter of chance whether 40 runs hold enough
# of them, as the long bar says.

# %% tags=["hide-input"]
FIRST, TAIL = budget(300, 2000, 20_000), budget(200, 300, 3000)


def on_a_bisector(T, r, l):
    """Whether a run's first component sits there: its weight is ± r^{1-l/2}."""
    return abs(abs(T.weights[:, 0]) - r ** (1 - l / 2)) < 0.01


print(f"first draws that end on a bisector, of {FIRST}")
for l in (3, 4):
    for r in (3, 4, 5):
        T = targets.orthogonal(r, r, l, seed=[r, l, 2], signs="mixed", batch=(FIRST,))
        bad = rate(on_a_bisector(greedy(T, 1, seed=[r, l, 3], runs=FIRST)[0], r, l))
        error = np.sqrt(2.0**-r / FIRST)
        assert (
            abs(bad.value - 2.0**-r) < 4 * error + 0.01
        )  # a few climbs of 100 steps are unfinished
        print(f"  l = {l}, r = {r}: {bad}; theory {2.0**-r:.3f}")
T = targets.orthogonal(4, 4, 3, seed=[4, 3, 4], signs="mixed", batch=(TAIL,))
model, errors = greedy(T, 30, seed=[4, 3, 5], runs=TAIL)
bad, n = on_a_bisector(model, 4, 3), np.minimum(used(errors, 0.01), 30)
assert n[bad].mean() > 2 * n[~bad].mean()
print(f"components to 1 %, mean, l = 3, r = 4, {TAIL} runs: {mean(n[bad], 1)} after such a start,")
print(f"{mean(n[~bad], 1)} after another")

# %% [markdown]
# So nothing easier begins at $r=5$; the curve of $r\le3$ is the exception. Discarding wrong draws, as the second remark
# allows, does away with it: then exactly $r$ components are used (Theorem L, notebook 06).
#
# **Against $d$.** The law of $n=v_S/|v_S|$ does not depend on $d$, so nor does the law of the whole error sequence:
# flatness is part of the theorem. The program draws in $\mathbb R^d$; one fixed $T^*$, embedded in each $\mathbb R^d$:

# %% tags=["hide-input"]
flat = {}
for d in (4, 40, 400, 4000, budget(8000, 40_000, 100_000)):
    rng = generator(5)
    T = targets.random(4, 4, 3, seed=rng, signs="mixed")
    T = T.image(targets.orthogonal(d, 4, 3, seed=rng).factors)
    flat[d] = used(greedy(T, 32, seed=d, runs=min(RUNS, 40))[1], 0.01)  # each fills 32 x d
middle = [np.median(n) for n in flat.values()]
assert max(middle) - min(middle) <= 4
print(f"l = 3, r = 4, error 1 %, {min(RUNS, 40)} runs for each d: mean number of components")
for d in (min(flat), max(flat)):
    lazy = (d + 1) * (d + 2) / 6
    print(f"  d = {d}: {mean(np.minimum(flat[d], 32), 1)}; lazy training, D/d: {lazy:.0e}")

# %% [markdown]
# **The expectation inequality, step by step.**
#
# - (a) In the mean over many runs of one target, $\|E_{k+1}\|^2-(1-\frac12\mu_{\min})\|E_k\|^2$ must have mean $\le0$ at
#   every $k$.
# - (b) Given $E_k$: redraw many directions at one residual. The mean drop over $\frac12\mu_{\min}(r)\|E\|^2$ must be at
#   least 1, also for the harmonic tensor, where Lemma F has no slack.

# %% tags=["hide-input"]
MANY = budget(100, 400, 4000)
print(f"(a) mean fall of ‖E‖² in a step, r = 3, {MANY} runs, 12 steps")
for l in (3, 4):
    T, mu = target(3, l, seed=l), float(moments.smallest_eigenvalue(3, l))
    square = greedy(T, 12, seed=l, runs=MANY)[1] ** 2
    excess = square[:, 1:] - (1 - mu / 2) * square[:, :-1]
    z = excess.mean(axis=0) / (excess.std(axis=0) / np.sqrt(MANY))
    assert z.max() < 4.5
    falls = 1 - square[:, 1:].mean(axis=0) / square[:, :-1].mean(axis=0)
    print(f"  l = {l}: at least {falls.min():.1f} of itself; the bound is {mu / 2:.3f}")

# %% tags=["hide-input"]
print("(b) mean drop / bound")
for l in (3, 4):
    for r in (2, 4, 8):
        ratios, mu = [], float(moments.smallest_eigenvalue(r, l))
        for kind, make in KINDS.items():
            E, V = make(r, l), unit(r, 2 * MANY, seed=[r, l])
            V = np.hstack([climb(E, V[:, :MANY]), climb(E.scaled(-1.0), V[:, MANY:])])
            drop = correlation(E, V) ** 2 / float(E.norm) ** 2
            assert drop.mean() + 3 * drop.std() / np.sqrt(2 * MANY) >= mu / 2
            ratios.append(f"{kind} {drop.mean() / (mu / 2):.0f}")
        if r != 4:
            print(f"  l = {l}, r = {r}: {', '.join(ratios)}")

# %% [markdown]
# For the harmonic tensor at $r=2$ the flow always ends at $|\cos l\varphi|=1$. The drop is the maximum of $E^2$, and
# $\max/\mathrm{mean}=2$; the sign costs nothing there. So the bound is missed by a factor 4 even in Lemma F's worst case.
#
# ## 4. The sign
#
# **Idea.** The components of $T^*$ may be maxima of $E$ or minima. A flow that only ever climbs $E$ misses one kind.
#
# **Falsification: $\sigma=+1$ always, at even $l$.** Let $T^*=\sum_je_j^{\otimes4}$. Then $p=E$ starts as
# $-\sum_jx_j^4<0$. The flow climbs to the *smallest* $|E|$ there is, and later draws to maxima of $E$ near 0. The
# components of $T^*$ are minima of $E$, which $\sigma=+1$ never looks for.
#
# **What the sign costs.**
#
# - For odd $l$, $-E(x^l)=E((-x)^l)$: the flow of $-E$ from $v$ mirrors that of $E$ from $-v$, and $-v$ has the law of
#   $v$. So at odd $l$ the random sign is *redundant*: leave it out and nothing changes.
# - But the factor 2 in Theorem H stays, because half of the draws still start with $p<0$, and from there the flow may
#   *lose* correlation.
# - To save the factor, for every $l$, *choose* the sign: evaluate $E(v^l)$ at the draw, and take $\sigma$ to be its sign.
#   Then step (iii) holds without the indicator: $m=\lceil\mu_{\min}(r)^{-1}\ln\frac1{\delta\varepsilon^2}\rceil$.

# %%
E = SymmetricTensor(np.ones(1), np.array([[1.0], [0.0]]), 3)
start = np.array([[-0.9], [np.sqrt(1 - 0.81)]])
path = flow(E, start, np.array([0.0, 100.0]))
lost = path.values[:, 0] ** 2
assert lost[0] > 0.5 and lost[1] < 1e-4
print("l = 3, p = x_1³ from x_1 = -0.9:", end=" ")
print(f"E(v^l)² falls from {lost[0]:.2f} to below 1e-4")

# %% tags=["hide-input"]
curves, n = {}, {}
for l, sign in [(l, sign) for l in (3, 4) for sign in ("random", "positive", "chosen")]:
    T = targets.orthogonal(4, 4, l, seed=0)
    curves[l, sign] = greedy(T, 30, seed=l, runs=MANY, sign=sign)[1]
    n[l, sign] = np.minimum(used(curves[l, sign], 0.1), 30)
error = {key: x.std() / np.sqrt(MANY) for key, x in n.items()}
same = np.hypot(error[3, "random"], error[3, "positive"])
assert abs(n[3, "random"].mean() - n[3, "positive"].mean()) < 4 * same
for l in (3, 4):
    assert n[l, "chosen"].mean() + 4 * error[l, "random"] < n[l, "random"].mean()
assert curves[4, "positive"].min() > 0.9
print(f"T* = 4 orthonormal powers, {MANY} runs, mean number of components to 10 % error")
print(f"  l = 3: {', '.join(f'{s} {mean(n[3, s], 1)}' for s in ('random', 'positive', 'chosen'))}")
print(f"  l = 4: {', '.join(f'{s} {mean(n[4, s], 1)}' for s in ('random', 'chosen'))}")
print(f"  l = 4, positive: the best run ends at an error of {curves[4, 'positive'].min():.2f}")

# %% tags=["hide-input"]
fig, ax = show.figure()
styles = {
    "chosen": ("sign chosen", show.BLUE, 4, (6, 8)),
    "random": ("random sign", show.GOLD, 9, (6, 8)),
    "positive": ("always +1", show.RED, 20, (0, 12)),
}
for sign, (text, color, k, above) in styles.items():
    y = np.sqrt((curves[4, sign] ** 2).mean(axis=0))
    ax.plot(y, color=color)
    show.label(ax, k, y[k], text, color, xytext=above)
bound = (1 - float(moments.smallest_eigenvalue(4, 4)) / 2) ** (np.arange(31) / 2)
ax.plot(bound, color=show.INK, ls="--")
show.label(ax, 20, bound[20], "Theorem H, random sign", show.INK, xytext=(0, -13))
ax.set(ylim=(0, 1.1), xlim=(0, 30), xlabel="components drawn")
ax.set(ylabel=r"error $(\mathrm{mean\ of\ }\|E_k\|^2)^{1/2}/\|T^*\|$")
ax.set_title("The sign must be tried both ways ($l=4$, $r=4$)")
plt.show()

# %% [markdown]
# **Figure 7.** *Three ways to choose the sign.* Root mean square error over runs. Dashed: Theorem H's bound, step by step,
# for the random sign (it falls by 9 % in 30 draws).
#
# ## Take-away
#
# - A random direction sees every residual, with a mean square of at least $\mu_{\min}(r)\|E\|^2$ (Lemma F).
# - The flow amplifies what it sees, and needs a time $d^{(l-2)/2}$ for it (Lemma G).
# - So $O(r^l\log\frac1\varepsilon)$ greedy components are enough in every dimension (Theorem H); runs use far fewer.
#
# ## What is open
#
# - The proof counts the correlation at the start; the flow ends at a local maximum of $|E|$. A lower bound for the mean
#   of $E(\hat v^l)^2$ that uses this is missing.
# - At odd $l$, without choosing the sign: is
#   $\mathbb E\|E_{k+1}\|^2\le(1-\mu_{\min}(r))\,\mathbb E\|E_k\|^2$ nevertheless? Step (ii) fails for the half of the
#   draws that start with $p<0$.
# - Here one component at a time sees a frozen residual. What replaces Lemma G when $E$ changes while $x$ grows?
#   Notebook 06 has one answer.
#
# ## Exercises
#
# 1. (check) At $l=2$ a residual is a symmetric matrix. Show that the mean of $(v^\top Ev)^2$ is
#    $\frac{2\|E\|^2+(\mathrm{tr}\,E)^2}{r(r+2)}$, so that Lemma F (a) is an equality for traceless matrices. Start with
#    `E = SymmetricTensor(w, U, 2)` and compare with `mean_square(E)`.
# 2. (think) Re-fit *all* weights after each draw, a linear problem. Why does Theorem H still hold, and how many components
#    does it save? *Hint:* after the re-fit $\|E\|$ is no larger than with the best weight of the new component alone.
# 3. (think) Why is a bisector not a trap that holds a run for ever? *Hint:* what does the next draw see?
# 4. (open) For which $E$ is $\mathbb E[E(\hat v^l)^2]/\|E\|^2$ least?
#
# **Solution to 1.** $\mathbb
# E[v_iv_jv_kv_m]=(\delta_{ij}\delta_{km}+\delta_{ik}\delta_{jm}+\delta_{im}\delta_{jk})/(r(r+2))$; contract with
# $E$ twice.

# %% tags=["hide-input"]
rng, gaps = generator(21), []
for r in (2, 3, 6):
    E = SymmetricTensor(rng.standard_normal(4), rng.standard_normal((r, 4)), 2)
    matrix = (E.factors * E.weights) @ E.factors.T
    formula = (2 * np.sum(matrix**2) + np.trace(matrix) ** 2) / (r * (r + 2))
    gaps.append(abs(mean_square(E) / formula - 1))
assert max(gaps) < 1e-12
print("l = 2, r = 2, 3, 6: mean_square and the formula agree to 1e-12")

# %% [markdown]
# **Solution to 2.** Steps (ii) to (iv) of the proof need only that $\|E\|^2$ drops by at least $E(\hat v^l)^2$. On the
# random targets of Figure 6:


# %% tags=["hide-input"]
def refitted(T, m, seed):
    """Relative errors after 0, ..., m draws if all weights are re-fitted after each."""
    goal, rng = T.coordinates().coords, generator(seed)
    runs, columns, E = len(goal), [], -goal
    errors = [np.ones(runs)]
    for _ in range(m):
        sigma = rng.choice([-1.0, 1.0], size=(runs, 1))
        v = rng.standard_normal((runs, T.dim, 1))
        v = climb(CoordinateTensor(sigma * E, T.dim, T.order), v, steps=100)
        columns.append(monomials(v, T.order)[..., 0])
        A = np.stack(columns, axis=-1)
        E = (A @ (np.linalg.pinv(A) @ goal[..., None]))[..., 0] - goal
        errors.append(np.linalg.norm(E, axis=-1) / np.linalg.norm(goal, axis=-1))
    return np.stack(errors, axis=-1)


T = targets.random(4, 4, 3, seed=[4, 3], signs="mixed", batch=(RUNS,))
apart = [greedy(T, 36, seed=22, runs=RUNS)[1], refitted(T, 36, seed=22)]
before, after = (mean(np.minimum(used(errors, 0.01), 36), 1) for errors in apart)
print(f"l = 3, r = 4, {RUNS} runs: components to 1 %: {before}, re-fitted {after}")

# %% [markdown]
# Next: [06, all at once](06_all_at_once.ipynb): the same width when every component moves.

# %% tags=["hide-input"]
print(f"receipt: budget {BUDGET}; seeds as written in the cells; {SAMPLES} directions per tensor;")
print(
    f"{COUNT} starts per dimension; {RUNS}, {TAIL}, {MANY} and {FIRST} runs of the greedy algorithm"
)
