# %% [markdown]
# # Iterates stay close to the correct subspace
# *For Colab, Kaggle or any Jupyter:* `dist/colab/04_subspace.ipynb`, from `make colab`.
#
# **What you will see.** The target lives in the span $S$ of its $r$ components. Nearly all of a random start
# in $\mathbb R^d$ is orthogonal to $S$. With one shared step, short enough, gradient descent never adds to that orthogonal
# part, at any step and in any dimension: from $m$ components of norm $\delta_0$ its square stays below
# $m\,\delta_0^2$, plus $\delta_0^2$ for each redraw. In 1,440 steps at $d=30$ to 3,000 nothing grows.
#
# The faster two-step rule has no such guarantee: of 200 runs that go on to an error of $10^{-6}$, 16 exceed
# the bound. And each hypothesis of the theorem is needed.
#
# Marks: [notebook 00](00_overview.ipynb). Lemmas 1 and 2 and Propositions 3 and 4 are this notebook's;
# Propositions 1 and 2 are in notebook 03, and notebook 02 counts its own.
#
# > **Claim P5**, in part `[paper]`. Among the ideas of the proof, named in the authors' talk: the iterates stay
# > close to the correct subspace.
#
# Theorem E, with its hypotheses and its bound, is this edition's version of that idea.

# %% tags=["hide-input"]
import sys
from importlib.util import find_spec

if not find_spec("td"):
    sys.exit("td is not installed. The notebooks that `make colab` writes bring it along.")

# %% tags=["hide-input"]
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

from td import lazy, show, targets
from td.backend import generator, select, to_numpy
from td.descent import DIVERGED, Recipe, descend, step_sizes, trajectory
from td.objective import bracket, gradient, homogeneous, orthogonal_kernel
from td.rates import budget, mean, rate
from td.tensor import SymmetricTensor

# %% tags=["hide-input"]
xp = select()  # a usable GPU if there is one, else numpy
BUDGET = budget("quick", "ci", "paper")


# %% [markdown]
# ## 1. What pushes a component out of the subspace
#
# The model is that of notebook 02: $T=\sum_{i\le m}w_iu_i^{\otimes l}$ with $w_i=a_ic_i^{\,l-2}$ and signs
# $a_i=\pm1$. Here $c_i=1/\|u_i\|$ is a *separate* variable: the gradient treats it as a constant, and it is
# re-set after each step. With $E=T-T^*$ the gradient of $\frac12\|E\|_F^2$ in $u_i$ is
#
# $$g_i=l\,w_i\,E(u_i^{l-1},\cdot),\qquad T^*=\sum_{j\le r}c^*_j(u^*_j)^{\otimes l},\qquad S=\operatorname{span}\{u^*_1,\dots,u^*_r\}.$$
#
# $U$ has the columns $u_i$. Let $P$ project on $S^\perp$. We study $X_\perp=PU$, of shape $d\times m$: rows
# are coordinates, columns are components.


# %% tags=["hide-input"]
def split(T_star, U):
    """The part X_⊥ of the columns of U orthogonal to the span of T*, (d, m)."""
    Q = np.linalg.qr(T_star.factors).Q
    return U - Q @ (Q.T @ U)


def components(d, m, seed):
    """m random components of very different norms, and random signs."""
    rng = generator((7, seed))
    return rng.standard_normal((d, m)) * rng.uniform(0.01, 1, m), rng.choice([-1.0, 1.0], m)


def path(T_star, m, recipe, seed):
    """The factors of one run, step by step, (steps, d, m), and its redraws so far."""
    run = trajectory(T_star.moved(xp), m, seed=seed, recipe=recipe)
    seen = [(to_numpy(now.factors)[0], int(redraws[0])) for _, _, now, redraws, _ in run]
    return np.stack([U for U, _ in seen]), [n for _, n in seen]


def parts(T_star, film):
    """The norms of the parts in S and off S, at each step."""
    off = np.array([np.sum(split(T_star, U) ** 2) for U in film])
    return np.sqrt(np.sum(film**2, axis=(1, 2)) - off), np.sqrt(off)


# %% tags=["hide-input"]
QUIET = Recipe(small=0, tol=1e-6, reinit=0, stall=0, epochs=1, steps=240)
flat, (left, right) = targets.orthogonal(2, 1, 3, seed=0), show.figure(2, figsize=(9.2, 4.3))[1]
axis = flat.factors[:, 0]
film, _ = path(flat, 7, replace(QUIET, delta0=0.2, signs="positive"), seed=5)
along, off = np.tensordot([axis, [-axis[1], axis[0]]], film, axes=(1, 1))
left.axhline(0, color=show.BLUE, lw=2)
for x, y in zip(along.T, off.T, strict=True):
    left.plot(x, y, color=show.GREY, lw=1)
    left.plot(x[0], y[0], "o", color=show.INK, mfc="white", ms=6)
    left.plot(x[-1], y[-1], "s", color=show.INK, ms=5)
show.label(left, -0.6, 0.015, "$S$", show.BLUE)
left.set(xlabel="part in $S$", ylabel="part off $S$", title="$d=2$: what grows, grows along $S$")
for d, line in ((30, "-"), (3000, "--")):
    T_star = targets.orthogonal(d, 4, 3, seed=1)
    inside, outside = parts(T_star, path(T_star, 12, QUIET, seed=0)[0])
    right.semilogy(inside, color=show.BLUE, ls=line)
    right.semilogy(outside, color=show.RED, ls=line)
show.label(right, 120, 0.3, "part in $S$", show.BLUE)
show.label(right, 120, 7e-3, "part off $S$", show.RED)
right.set(xlabel="gradient step", ylabel="norm", title="$r=4$: the part in $S$ grows alone")
plt.show()

# %% [markdown]
# **Figure 1.** *What grows is in $S$; what is off $S$ was there from the start.* Left: a run with $m=7$
# components of sign $+$ in the plane, target $(u^*)^{\otimes3}$. Each goes from a circle to a square. What
# grows does so along the line $S$. A single small one may move away from it (section 6), all together do not.
# Right: the norms of the two parts of $U$, $m=12$, for $d=30$ (solid) and $d=3000$ (dashed), shared step,
# nothing redrawn. $\|X_\perp\|_F$ starts near $\sqrt m\,\delta_0$ and never rises.
#
# **Lemma 1** `[proved here]`. $\;PG=X_\perp B$ for the gradient $G=(g_1,\dots,g_m)$, with the $m\times m$
# matrix
#
# $$B=l\,\operatorname{diag}(w)\,(U^\top U)^{\circ(l-1)}\operatorname{diag}(w),\qquad\text{where }{}^{\circ(l-1)}\text{ is the entrywise power.}$$
#
# *Idea.* The target's own pull lies in $S$. Off $S$, components only feel each other.
#
# *Proof.* $T^*(u_i^{l-1},\cdot)=\sum_jc^*_j(u^*_j\cdot u_i)^{l-1}u^*_j$ lies in $S$, so $P$ removes it. What
# is left is
#
# $$\begin{aligned}Pg_i=l\,w_i\,P\,T(u_i^{l-1},\cdot)=l\,w_i\sum_kw_k(u_k\cdot u_i)^{l-1}\,Pu_k=\sum_k(X_\perp)_{\cdot k}B_{ki}.\qquad\blacksquare\end{aligned}$$
#
# **Check**, for targets with orthogonal, random and correlated components:


# %%
def kernel(a, U, l):
    """B for signs a and factors U."""
    return orthogonal_kernel(homogeneous(a, U, l))


def lemma_1(T_star, U, a):
    """The largest entry of PG - X_⊥ B."""
    G = gradient(homogeneous(a, U, T_star.order), T_star)
    B = kernel(a, U, T_star.order)
    return np.abs(split(T_star, G) - split(T_star, U) @ B).max()


# %% tags=["hide-input"]
d, r, m = 12, 3, 8
for l in range(2, 7):
    for T_star in (
        targets.orthogonal(d, r, l, seed=l),
        targets.random(d, r, l, seed=l, signs="mixed"),
        targets.correlated(d, r, l, cosine=0.5, seed=l),
    ):
        assert lemma_1(T_star, *components(d, m, seed=l)) < 1e-10
print("l = 2, ..., 6, three families: the gradient's part off S is X_⊥ B, to 1e-10")

# %% [markdown]
# **What $B$ is.** Moving $u_i$ along $x$ moves $T$ by
# $l\,w_i\operatorname{Sym}(u_i^{\otimes(l-1)}\otimes x)$. For a unit $x$ orthogonal to all components two
# such moves have the inner product $l\,w_iw_k(u_i\cdot u_k)^{l-1}=B_{ik}$. So $B$ is the tangent kernel (the
# NTK of notebook 01) in a direction orthogonal to all components.
#
# **Lemma 2** `[proved here]`. (i) $B$ is positive semidefinite. (ii)
# $\displaystyle\|B\|\le l\,\max_i\sum_k\|u_k\|^2\,|\bar u_i\cdot\bar u_k|^{\,l-1}$, where
# $\bar u_i=u_i/\|u_i\|$.
#
# *Proof.* (i) $(U^\top U)^{\circ(l-1)}$ is the Gram matrix of the tensors $u_i^{\otimes(l-1)}$ (the Schur
# product theorem in one line), and $\operatorname{diag}(w)\cdot\operatorname{diag}(w)$ keeps it positive
# semidefinite.
#
# (ii) As $|w_i|=\|u_i\|^{-(l-2)}$, $|B_{ik}|=l\,\|u_i\|\|u_k\|\,|\bar u_i\cdot\bar u_k|^{l-1}$. For a
# symmetric $B$ and any $y_k>0$, $\|B\|\le\max_i\sum_k|B_{ik}|\,y_k/y_i$ (the largest absolute row sum of
# $\operatorname{diag}(y)^{-1}B\operatorname{diag}(y)$). Take $y_k=\|u_k\|$. $\blacksquare$

# %% tags=["hide-input"]
for l in (2, 3, 4, 5):
    seen = []
    for seed in range(50):
        U, a = components(6, 8, seed)
        values, n = np.linalg.eigvalsh(kernel(a, U, l)), np.linalg.norm(U, axis=0)
        limit = l * (np.abs((U / n).T @ (U / n)) ** (l - 1) @ n**2).max()
        seen.append([values[0], values[-1] / limit])
    U[-1] = 0  # now e_6 is orthogonal to all components
    K = lazy.tangent_kernel(homogeneous(a, U, l)).reshape(6, 8, 6, 8)
    assert np.allclose(K[-1, :, -1, :], kernel(a, U, l), atol=1e-12)
    least, ratio = np.array(seen).T
    assert least.min() > -1e-12 and ratio.max() <= 1 + 1e-12
    print(f"l = {l}, 50 random B: |B| is {ratio.min():.2f} to {ratio.max():.2f} times its bound")

# %% [markdown]
# ## 2. Theorem E
#
# **Theorem E** `[proved here]`. Let all components take one step of gradient descent with *one shared* step
# size $\eta$, $\eta\|B\|\le2$: $X_\perp^+=X_\perp(I-\eta B)$. Then
#
# $$X_\perp^+(X_\perp^+)^\top\preceq X_\perp X_\perp^\top .$$
#
# So for every $v\perp S$ the norm of the row $v^\top X_\perp$ does not increase; no singular value of
# $X_\perp$ increases; $\|X_\perp\|_F$ does not increase; and the column space does not grow. If
# $2\lambda u_i$ is added to the gradient, the same holds with $B+2\lambda I$ in place of $B$. Along the
# gradient flow,
#
# $$\tfrac{d}{dt}X_\perp X_\perp^\top=-2X_\perp BX_\perp^\top\preceq0 .$$
#
# *Idea.* A step multiplies $X_\perp$ by one symmetric matrix, and that is a contraction.
#
# *Proof.* $M=I-\eta B$ is symmetric, and by Lemma 2 its eigenvalues $1-\eta\beta$, $0\le\beta\le\|B\|$, lie
# in $[-1,1]$. So $M^2\preceq I$ and $X_\perp M^2X_\perp^\top\preceq X_\perp X_\perp^\top$. What follows from
# it:
#
# 1. The quadratic form of both sides at $v$ is the row statement.
# 2. The $k$-th largest eigenvalues of both sides (Weyl's monotonicity) give that of singular values; the
#    traces that of the Frobenius norm.
# 3. $X_\perp M$ has its columns in the column space of $X_\perp$.
# 4. $2\lambda u_i$ adds $2\lambda X_\perp$ to $X_\perp B$. The flow is $dX_\perp/dt=-X_\perp B$. Re-setting
#    $c_i$ changes $w$, hence the *next* $B$, but not $X_\perp$. $\blacksquare$
#
# **Corollary** `[proved here]`. Start from $u_i$ of norm $\delta_0$, take such steps, and now and then
# re-initialise components at norm $\delta_0$. Then at any time
#
# $$\|X_\perp\|_F^2\ \le\ (m+\text{number of re-initialisations})\,\delta_0^2,\qquad\text{whatever }d\text{ and whatever }T^*.$$
#
# *Proof.* Initially $\|X_\perp\|_F^2\le\|U\|_F^2=m\delta_0^2$. A step does not increase it. A redraw replaces
# one column by one of norm at most $\delta_0$. $\blacksquare$
#
# **Check** of one step at random states, with $\eta\|B+2\lambda I\|$ up to exactly 2, and of the flow by a
# difference quotient.


# %%
def step_from(T_star, U, a, eta, lam=0.0):
    """One gradient step; eta: one number, or one each."""
    G = gradient(homogeneous(a, U, T_star.order), T_star)
    return U - eta * (G + 2 * lam * U)


def growth(X, X_next):
    """The largest eigenvalue of X⁺(X⁺)ᵀ - X Xᵀ."""
    return np.linalg.eigvalsh(X_next @ X_next.T - X @ X.T)[-1]


# %% tags=["hide-input"]
grew = []
for seed in range(200):
    l, lam = 3 + seed % 3, (0.0, 0.05)[seed % 2]
    T_star, (U, a) = targets.random(12, 3, l, seed=seed), components(12, 8, seed)
    eta = (0.5, 1.0, 2.0)[seed % 3] / np.linalg.norm(kernel(a, U, l) + 2 * lam * np.eye(8), 2)
    X, X_next = (split(T_star, Y) for Y in (U, step_from(T_star, U, a, eta, lam)))
    singular, singular_next = (np.linalg.svd(Y, compute_uv=False) for Y in (X, X_next))
    grew.append([growth(X, X_next) > 1e-12, np.any(singular_next > singular + 1e-12)])
matrix, value = np.sum(grew, axis=0)
assert matrix == value == 0
print(f"200 random steps: X_⊥ X_⊥ᵀ grew (by over 1e-12) in {matrix}, a singular value in {value}")

l, T_star, (U, a) = 4, targets.random(12, 3, 4, seed=0), components(12, 8, 0)
X, B, h = split(T_star, U), kernel(a, U, 4), 1e-6
X_next, X_last = (split(T_star, step_from(T_star, U, a, eta)) for eta in (h, -h))
slope = (X_next @ X_next.T - X_last @ X_last.T) / (2 * h)
assert np.allclose(slope, -2 * X @ B @ X.T, atol=1e-8)
print(f"flow: d|X_⊥|²/dt = {np.trace(slope):.1f}; theory {-2 * np.trace(X @ B @ X.T):.1f}")

# %% [markdown]
# Two remarks. Nothing was used about $w$ except that its own change does not move $u_i$. So the theorem holds
# as well for the plain parameterisation with fixed weights. And it says nothing about the loss:
# $\eta\|B\|\le2$ keeps $X_\perp$ from growing, not $f$.
#
# **The algorithm's step satisfies it.** `td.descent.step_sizes` takes
# $l\eta\le1\big/\big(l\max_i\sum_k\|u_k\|^2|\bar u_i\cdot\bar u_k|^{l-2}+2\lambda\big)$. By Lemma 2 (ii), and
# as $|\bar u_i\cdot\bar u_k|^{l-1}\le|\bar u_i\cdot\bar u_k|^{l-2}$, this gives
# $\eta\,\|B+2\lambda I\|\le1/l$. `Recipe(small=0)` shares this step among all components.
#
# ## 3. Along a run
#
# **Experiment 6** `[measured]`. Shared step, $r=4$ orthogonal components, $m=12$, $\delta_0=10^{-3}$, 240
# steps, components re-initialised every 60 (which, is notebook 02's matter: the theorem only counts them).
# The target is scaled to $\|T^*\|_F=1$; so norms squared are weights. At every step we check
# $X_\perp^+=X_\perp(I-\eta B)$, every row, every singular value, and the bound.


# %% tags=["hide-input"]
class Frame(NamedTuple):
    """One step of a run: X_⊥ (d, m), B (m, m), steps η_i (m,), relative error, redraws so far."""

    X: np.ndarray
    B: np.ndarray
    eta: np.ndarray
    error: float
    redraws: int


def watch(T_star, m, recipe, seed):
    """The frames of one run of the algorithm."""
    frames, l = [], T_star.order
    for _, _, now, redraws, _ in trajectory(T_star.moved(xp), m, seed=seed, recipe=recipe):
        U, a = to_numpy(now.factors)[0], to_numpy(now.signs)[0]
        eta = to_numpy(step_sizes(now, l, recipe))[0] / l
        seen = float(now.error[0]), int(redraws[0])
        frames.append(Frame(split(T_star, U), kernel(a, U, l), eta, *seen))
    return frames


# %% tags=["hide-input"]
def rows(frame):
    """Norms of the rows of X_⊥."""
    return np.linalg.norm(frame.X, axis=1)


def sigma(frame):
    """Singular values of X_⊥."""
    return np.linalg.svd(frame.X, compute_uv=False)


def bound(frame, recipe):
    """(m + re-initialisations) δ0²."""
    return (frame.X.shape[1] + frame.redraws) * recipe.delta0**2


# %% tags=["hide-input"]
def violated(now, then, l, recipe):
    """Whether one step with the shared rule breaks anything that Theorem E states."""
    eta, tiny = now.eta[0], 1e-10 * recipe.delta0
    drawn, square = then.redraws - now.redraws, np.sum(then.X**2)
    holds = [np.ptp(now.eta) == 0, eta * np.linalg.norm(now.B, 2) <= 1 / l + 1e-12]
    holds += [square <= np.sum(now.X**2) + drawn * recipe.delta0**2 + tiny**2]
    holds += [square <= bound(then, recipe)]
    if drawn == 0:
        holds += [np.allclose(then.X, now.X - eta * now.X @ now.B, rtol=0, atol=tiny)]
        holds += [np.all(rows(then) <= rows(now) + tiny), np.all(sigma(then) <= sigma(now) + tiny)]
    return not all(holds)


# %% tags=["hide-input"]
r, m = 4, 12
shared = Recipe(small=0, tol=1e-7, steps=60, epochs=budget(2, 4, 10))
dims = budget((30, 300), (30, 300, 3000), (30, 300, 3000))
runs = {
    (l, d): watch(targets.orthogonal(d, r, l, seed=1), m, shared, seed=0)
    for l in (3, 4)
    for d in dims
}
steps = [(now, then, l) for (l, _), film in runs.items() for now, then in pairwise(film)]
broken = sum(violated(*step, shared) for step in steps)
assert broken == 0
print(f"{len(runs)} runs, {len(steps):,} steps: Theorem E or its bound violated at {broken}")
for d in (dims[0], dims[-1]):
    first, last = (np.sum(f.X**2) / bound(f, shared) for f in (runs[3, d][0], runs[3, d][-1]))
    print(f"l = 3, d = {d:4d}: |X_⊥|² / bound is {first:.3f} at first, {last:.2f} at last")

# %% tags=["hide-input"]
fig, (left, right) = show.figure(2, figsize=(9.2, 4.3))
styles = zip(dims[:3], (show.BLUE, show.RED, show.GOLD), ("-", "-.", ":"), strict=False)
for k, (d, color, line) in enumerate(styles):
    film = runs[3, d]
    left.semilogy([f.error for f in film], color=color, ls=line)
    right.plot([np.sum(f.X**2) / shared.delta0**2 for f in film], color=color, ls=line)
    right.plot([bound(f, shared) / shared.delta0**2 for f in film], color=color, lw=0.8)
    left.text((128, 75, 1)[k], (0.1, 1e-3, 1e-3)[k], f"$d={d}$", color=color)
top = bound(runs[3, dims[0]][-1], shared) / shared.delta0**2
show.label(right, 15, 0.82 * top, "thin: the bound", show.INK)
show.label(right, 100, 5.2, "thick: measured", show.INK)
left.set(xlabel="gradient step", ylabel=r"relative error", title="The fit proceeds", ylim=(1e-6, 3))
right.set(xlabel="gradient step", ylabel=r"$\|X_\perp\|_F^2\,/\,\delta_0^2$", ylim=(0, None))
right.set_title("The part off $S$ does not grow")
plt.show()

# %% [markdown]
# **Figure 2.** *Fit or no fit, the part outside the subspace stays where it began.* $l=3$, $r=4$, $m=12$,
# shared step; colours: $d$. Left: the error of these three runs. Right: $\|X_\perp\|_F^2$ in units of
# $\delta_0^2$ (thick) and the bound, which steps up where components are re-initialised (thin). The measured
# value falls when a component joins the fit, and the redraws only replace columns of the same size: that is
# why it does not climb with the bound.
#
# **The theorem holds whether or not a run succeeds**, and with the shared step many do not `[measured]`. The
# same recipe, 1 % within 240 steps, another target for each run, in coordinates of the span (notebook 07);
# beside it the two-step rule of section 5:

# %% tags=["hide-input"]
N, found = budget(10, 20, 200), {}
for l in (3, 4):
    for d in dims:
        T = targets.spanned("orthogonal", d, r, l, seed=[l, d], batch=(N,)).moved(xp)
        for small in (0, 0.03):
            recipe = replace(shared, tol=1e-2, epochs=4, small=small)
            end = descend(T, m, seed=l, runs=N, dim=d, recipe=recipe)
            found[l, d, small] = rate(end.error <= 1e-2)
        both = f"shared {found[l, d, 0]};  two-step {found[l, d, 0.03]}"
        print(f"l = {l}, d = {d:4d}: {both}")
assert found[3, 30, 0].low > 0.5 and found[4, dims[-1], 0].value < 0.2
assert found[3, dims[-1], 0].value < found[3, 30, 0].value or BUDGET == "quick"
assert min(one.value for (_, _, small), one in found.items() if small) > 0.7

# %% [markdown]
# So Theorem E is not about the algorithm whose success does not fall with $d$: that one is the two-step rule,
# notebook 07.
#
# **A component's angle to $S$.** A component that has grown to norm $\|u_i\|$ makes an angle with $S$ whose
# sine is $\|u_{i,\perp}\|/\|u_i\|\le\sqrt{m+\#}\;\delta_0/\|u_i\|$, with $\#$ re-initialisations: small, once
# $\|u_i\|\gg\delta_0$.
#
# ## 4. The eigenvalues of B
#
# At the start $B$ is of order $\delta_0^2$: nothing pushes $X_\perp$. What does it become?
#
# **Proposition 3** `[proved here]`. Let $u^*_1,\dots,u^*_r$ be orthonormal, $T=T^*$, and let each $u_i$ be
# parallel to some $u^*_j$. Then $B$ has exactly $r$ nonzero eigenvalues, one for each $j$:
# $\beta_j=l\sum_{i\parallel j}\|u_i\|^2\ge l\,|c^*_j|$, with equality if no two components of the group $j$
# cancel. Moreover the first-order change of $T$ under $X_\perp$ is
# $l\sum_j\operatorname{Sym}\big((u^*_j)^{\otimes(l-1)}\otimes X_\perp b_j\big)$ with the eigenvectors $b_j$
# of $B$.
#
# *Proof.* Let $\varepsilon_i=\pm1$ be the sign of $u_i\cdot u^*_j$.
#
# 1. $B_{ik}=l\,b_ib_k$ inside group $j$, with $b_i=a_i\|u_i\|\varepsilon_i^{\,l-1}$, and 0 across groups. So
#    $B$ is a sum of $r$ orthogonal terms $l\,b_jb_j^\top$, with eigenvalue $l\|b_j\|^2$.
# 2. Weights add up to $c_j^*=\sum_ia_i\|u_i\|^2\varepsilon_i^{\,l}$.
# 3. The change of $T$ is $l\sum_iw_i\operatorname{Sym}(u_i^{\otimes(l-1)}\otimes x_i)$, $x_i$ the columns of
#    $X_\perp$, and $w_iu_i^{\otimes(l-1)}=b_i(u_j^*)^{\otimes(l-1)}$. $\blacksquare$
#
# **Check** at an exact fit with six components in three groups: the eigenvalues, and the change of $T$ by
# central differences in isometric coordinates.


# %% tags=["hide-input"]
def change(w, U, X, l, h=1e-5):
    """The derivative of T along X, by central differences in isometric coordinates."""
    T = SymmetricTensor(w, U + h * X, l) - SymmetricTensor(w, U - h * X, l)
    return T.coordinates().coords / (2 * h)


for l in (3, 4):
    T_star, group = targets.orthogonal(12, 3, l, seed=0), np.array([0, 0, 1, 1, 1, 2])
    n, sign = np.array([0.3, 0.7, 0.2, 0.5, 0.6, 0.9]), np.array([1.0, -1, 1, 1, -1, 1])
    V, a = T_star.factors, np.array([1.0, -1, -1, -1, 1, 1])
    U, X = V[:, group] * n * sign, split(T_star, components(12, 6, 0)[0])
    b = (a * n * sign ** (l - 1))[:, None] * (group[:, None] == range(3))
    expected = np.sort(l * np.sum(b * b, axis=0))
    assert np.allclose(np.linalg.eigvalsh(kernel(a, U, l)), [0, 0, 0, *expected])
    seen = change(homogeneous(a, U, l).weights, U, X, l)
    assert np.allclose(seen, change(np.ones(3), V, X @ b, l), atol=1e-8)
    print(f"l = {l}: eigenvalues of B: 0, 0, 0,", ", ".join(f"{x:.2f}" for x in expected))

# %% [markdown]
# So near a fit $r$ singular values of $X_\perp$ decay geometrically: exactly those combinations of columns
# that $T$ sees to first order. The others are frozen; they do no harm.

# %% tags=["hide-input"]
film, chosen = runs[3, 300], 0
while film[-1].error > 1e-5:  # the first seed whose run fits
    chosen += 1
    film = watch(targets.orthogonal(300, r, 3, seed=1), m, shared, seed=chosen)
values = np.array([np.linalg.eigvalsh(f.B)[::-1] for f in film])
spread = np.array([sigma(f) for f in film]) / shared.delta0
fig, (left, right) = show.figure(2, figsize=(9.2, 4.3))
left.semilogy(values[:, :r], color=show.BLUE)
left.semilogy(np.maximum(values[:, r:], 1e-12), color=show.GREY, lw=0.8, ls="--")
left.axhline(3 / np.sqrt(r), color=show.RED, ls=":", lw=1.5)
right.plot(spread[:, : m - r], color=show.GREY, lw=0.8, ls="--")
right.plot(spread[:, m - r :], color=show.BLUE)
show.label(left, 100, 3 / np.sqrt(r), r"$l|c^*_j|=3/2$", show.RED, xytext=(0, 9))
show.label(left, 100, 2e-5, f"the other {m - r}", show.GREY)
show.label(right, 100, 0.75, f"{m - r} stay", show.GREY)
show.label(right, 100, 0.15, f"the {r} that $T$ sees", show.BLUE)
left.set(xlabel="gradient step", ylabel="eigenvalues of $B$", ylim=(1e-7, 10))
left.set_title(f"{r} eigenvalues of $B$ grow with the fit")
right.set(
    xlabel="gradient step", ylabel=r"singular values of $X_\perp\,/\,\delta_0$", ylim=(0, None)
)
right.set_title(f"{r} singular values of $X_\\perp$ close")
plt.show()

# %% [markdown]
# **Figure 3.** *$B$ grows with the fit and closes the $r$ channels that matter.* A run of section 3 with
# $d=300$ that fits to $10^{-5}$ (the first seed that does). Left: $r=4$ eigenvalues of $B$ rise from
# $10^{-6}$ to $l|c^*_j|=3/2$ (dotted), the others stay small. Right: as many singular values of $X_\perp$ go
# to zero, the others stay at the initial scale.

# %% tags=["hide-input"]
assert np.allclose(values[-1, :r], 3 / np.sqrt(r), rtol=0.02) and values[-1, r] < 0.05
assert np.all(spread[-1, m - r :] < 0.01) and spread[-1, m - r - 1] > 0.2
assert values[0, 0] < 1e-4
large = f"{np.mean(values[-1, :r]):.1f}, the mean of {r}"
print(f"largest eigenvalue of B: {values[0, 0]:.0e} at first, {large}, at last")

# %% [markdown]
# ## 5. The two-step rule
#
# The shared step is the one with the guarantee. It is slow: as soon as one component is large, $\|B\|$
# dictates the step of those still small, whose own speed is only of order $d^{-(l-1)/2}$. The algorithm's
# default lets the components with $\|u_i\|\le0.03$ share one step, and the larger ones another. `[measured]`:
# 12 components, $r=4$, $l=4$, $d=1{,}000$, 600 steps, to 1 % error.

# %% tags=["hide-input"]
hard, seeds = targets.orthogonal(1000, 4, 4, seed=1), budget(10, 24, 40)
won = {}
for name, small in (("shared step", 0.0), ("two-step rule", 0.03)):
    recipe = Recipe(small=small, epochs=2)
    won[name] = rate(descend(hard.moved(xp), 12, seed=0, runs=seeds, recipe=recipe).error <= 1e-2)
    print(f"{name}: {won[name]}")
assert won["shared step"].high < 0.5 < won["two-step rule"].low

# %% [markdown]
# What is lost? Let component $i$ take the step $\eta_i$, and $D=\operatorname{diag}(\eta_1,\dots,\eta_m)$.
# Then $X_\perp^+=X_\perp(I-BD)$, and $I-BD$ is no longer symmetric.
#
# **Proposition 4** `[proved here]`. If $\|D^{1/2}BD^{1/2}\|\le2$, then $N_D(X_\perp^+)\le N_D(X_\perp)$ for
# $N_D(X)^2=\sum_i\|x_i\|^2/\eta_i$. So in the plain norm one step costs at most the factor
# $\kappa=\eta_{\max}/\eta_{\min}$: $\|X_\perp^+\|_F^2\le\kappa\,\|X_\perp\|_F^2$, and likewise for the
# squares of row norms and singular values. The column space of $X_\perp$ does not grow. The two-step rule has
# $\|D^{1/2}BD^{1/2}\|\le2/l$.
#
# *Idea.* Weighted by $1/\eta_i$, the step is again one symmetric contraction; going back to the plain norm
# costs the ratio of the weights.
#
# *Proof.* $(I-BD)D^{-1/2}=D^{-1/2}(I-D^{1/2}BD^{1/2})$. So $X_\perp^+D^{-1/2}=(X_\perp D^{-1/2})M$ with $M$
# symmetric, $-I\preceq M\preceq I$: all of Theorem E holds for $X_\perp D^{-1/2}$. As
# $\eta_{\max}^{-1}XX^\top\preceq XD^{-1}X^\top\preceq\eta_{\min}^{-1}XX^\top$, we get
# $X_\perp^+(X_\perp^+)^\top\preceq\kappa X_\perp X_\perp^\top$.
#
# With two classes, $D^{1/2}BD^{1/2}$ is a positive semidefinite $2\times2$ block matrix, of norm at most the
# sum of the norms of its diagonal blocks; for each the rule gives $\eta\|B_{\text{class}}\|\le1/l$.
# $\blacksquare$
#
# The weights $1/\eta_i$ change from step to step, so this does not add up to a bound for a run: over many
# steps the factors multiply. What happens is a measurement.


# %% tags=["hide-input"]
def drift(now, then):
    """One step: largest growth of a row norm, κ, and whether N_D grew."""
    D, X = now.eta, now.X
    assert np.allclose(then.X, X - X @ now.B * D, rtol=0, atol=1e-13)
    heavier = np.linalg.norm(then.X / np.sqrt(D)) > np.linalg.norm(X / np.sqrt(D)) * (1 + 1e-9)
    return np.max(rows(then) / rows(now)) - 1, max(D) / min(D), heavier


def column_space_grew(frames):
    """Whether the last X_⊥ has a part outside the column space of the first (runs without redraws)."""
    both = np.concatenate([frames[0].X, frames[-1].X], axis=1)
    return np.linalg.matrix_rank(both, tol=1e-9) > frames[0].X.shape[1]


# %% tags=["hide-input"]
two, count, seen = Recipe(epochs=2), budget(5, 10, 40), []
print("two-step rule, runs in which a row norm grew by over 0.2 % in one step:")
for l, d in ((3, 30), (3, 300), (4, 30), (4, 300)):
    T_star, grown, ratio = targets.orthogonal(d, r, l, seed=1), [], []
    for film in (watch(T_star, m, two, seed) for seed in range(count)):
        pairs = [drift(*p) for p in pairwise(film) if p[0].redraws == p[1].redraws]
        grown.append(np.max(pairs, axis=0))
        ratio.append(max(np.sum(f.X**2) / bound(f, two) for f in film))
        seen.append((grown[-1][2], film[-1].redraws == 0 and column_space_grew(film)))
    grown = np.array(grown)
    assert max(ratio) < 1 and grown[:, 0].max() > 0.002 and grown[:, 1].max() > 50
    often, steep = rate(grown[:, 0] > 0.002), mean(np.log10(grown[:, 1]))
    print(f"l = {l}, d = {d:3d}: {often}, κ to 10^({steep}), |X_⊥|²/bound to {max(ratio):.2f}")
heavier, wider = np.sum(seen, axis=0, dtype=int)
assert heavier == wider == 0
print(f"{len(seen)} runs: N_D grew in {heavier}, the column space in {wider}")

# %% [markdown]
# So the two-step rule does break the monotonicity, at single steps; up to an error of 1 % the corollary's
# bound held in these runs all the same. It is no theorem for this rule: let runs ($l=3$, $d=30$) go on to
# $10^{-6}$, with weights of both signs, and some end beyond it.

# %% tags=["hide-input"]
N, beyond = budget(100, 200, 1000), Recipe(tol=1e-6, epochs=4)
T = targets.spanned("orthogonal", 30, r, 3, seed=1, signs="mixed", batch=(N,)).moved(xp)
worst = np.zeros(N)
for k, _, now, redraws, _ in trajectory(T, m, seed=3, runs=N, dim=30, recipe=beyond):
    off = to_numpy(xp.sum(now.factors[:, r:, :] ** 2, axis=(1, 2)))  # the first r rows are S
    worst[k] = np.maximum(worst[k], off / ((m + redraws) * beyond.delta0**2))
over, far = rate(worst > 1), rate(worst > 1.2)
assert 0.01 < over.value < 0.25 and worst.max() > 1.2
print(f"two-step rule, to 1e-6: beyond the bound           {over}")
print(f"                        beyond 1.2 times the bound {far}")

# %% [markdown]
# The guaranteed factor $\kappa$ of one step is very pessimistic nevertheless. Each class contracts by itself;
# only the off-diagonal block of $B$ leaks, and it couples large components to the few small ones that point
# the same way. The results of this edition say which rule they used.
#
# ## 6. What the theorem does not say: a single component
#
# Rows of $X_\perp$ shrink, columns need not. Take two components of opposite sign: one with a part off $S$,
# one inside $S$. A shared step, with $\eta\|B\|=1$:

# %%
T_star = targets.orthogonal(2, 1, 3, seed=0)
e1 = T_star.factors[:, 0]
e2 = np.array([-e1[1], e1[0]])
U, a = np.stack([e1 + 0.1 * e2, e1], axis=1), np.array([1.0, -1.0])
eta = 1 / np.linalg.norm(kernel(a, U, 3), 2)
before, after = e2 @ U, e2 @ step_from(T_star, U, a, eta)
for name, row in (("before", before), ("after", after)):
    norm, shown = np.linalg.norm(row), np.round(row, 3) + 0.0
    print(f"the row of X_⊥ {name}: {shown}, its norm {norm:.3f}")

# %% [markdown]
# The second component is pushed out of $S$: it must cancel what the first one has there. In the runs of
# section 3 this stays negligible `[measured]`:

# %% tags=["hide-input"]
assert np.linalg.norm(after) <= np.linalg.norm(before) and abs(after[1]) > abs(before[1])
largest = max(np.linalg.norm(f.X, axis=0).max() for film in runs.values() for f in film)
assert largest < 1.05 * shared.delta0
print(f"largest column norm of X_⊥ in all runs of section 3: {largest / shared.delta0:.2f} δ0")

# %% [markdown]
# ## 7. Falsification
#
# Theorem E has three hypotheses: $c_i$ is held constant, $\eta\|B\|\le2$, and one step for all. Drop each.
#
# ### The true gradient
#
# Differentiating $c_i=1/\|u_i\|$ too adds
# $(2-l)\,w_i(u_i\cdot E(u_i^{l-1},\cdot))\,u_i/\|u_i\|^2=-(l-2)\,a_iq_i\,u_i$ to $g_i$, with
# $q_i=E(\bar u_i^{\,l})$. So $B$ is replaced by
#
# $$B'=B-(l-2)\operatorname{diag}(a_iq_i),$$
#
# which has negative eigenvalues as soon as some component is to shrink ($a_iq_i>0$) and $B$ is small. While
# $T$ is negligible, the flow gives $\frac{d}{dt}\log\|x_i\|=(l-2)a_iq_i$ and
# $\frac{d}{dt}\log\|u_i\|=-2a_iq_i$. So $\|x_i\|\,\|u_i\|^{(l-2)/2}$ is *conserved*: as $\|u_i\|$ shrinks,
# $\|x_i\|$ grows. A component of the wrong sign at the angle $\theta$ to the only $u^*$ loses its part in
# $S$, until $\|u_i\|=\|x_i\|$:
#
# $$\|x_i\|\ \to\ (\sin\theta)^{-(l-2)/l}\,\|x_i(0)\|,\qquad\text{unbounded as }\theta\to0\text{, for }l\ge3.$$


# %% tags=["hide-input"]
def escape(l, c, theta=0.01, steps=300):
    """|x| / |x(0)| along descent from one small component of the wrong sign at angle theta to u*."""
    T_star = targets.orthogonal(2, 1, l, seed=0)
    e1 = T_star.factors[:, :1]
    e2 = np.stack([-e1[1], e1[0]])
    a, U = -T_star.weights, 1e-4 * (np.cos(theta) * e1 + np.sin(theta) * e2)
    lengths = [float((e2.T @ U)[0, 0])]
    for _ in range(steps):
        g = gradient(homogeneous(a, U, l), T_star, c=c)
        U = U - 0.02 / max(np.linalg.norm(g) / np.linalg.norm(U), 0.02) * g
        lengths.append(float((e2.T @ U)[0, 0]))
    return np.array(lengths) / lengths[0]


for seed in range(20):  # B' is what stands above
    l, (U, a) = 3 + seed % 3, components(12, 8, seed)
    T_star, model = targets.random(12, 3, l, seed=seed), homogeneous(a, U, l)
    along, n = np.vecdot(U, bracket(model, T_star).field, axis=0), np.linalg.norm(U, axis=0)
    B_true = kernel(a, U, l) - (l - 2) * np.diag(model.weights * along / n**2)
    G = gradient(model, T_star, c="differentiated")
    assert np.allclose(split(T_star, G), split(T_star, U) @ B_true, atol=1e-9)

# %% tags=["hide-input"]
escapes = {(l, c): escape(l, c) for l in (3, 4, 5) for c in ("constant", "differentiated")}
for l in (3, 4, 5):
    limit = np.sin(0.01) ** (-(l - 2) / l)
    held, true = escapes[l, "constant"][-1], escapes[l, "differentiated"][-1]
    assert held <= 1 and abs(true / limit - 1) < 0.1
    print(
        f"l = {l}: |x| grows {true:.1f}-fold; flow predicts {limit:.1f}; c held constant: {held:.2f}"
    )

fig, ax = show.figure()
for l, color, line in ((3, show.BLUE, "-"), (4, show.RED, "-."), (5, show.INK, ":")):
    ax.plot(escapes[l, "differentiated"], color=color, ls=line)
    ax.axhline(np.sin(0.01) ** (-(l - 2) / l), color=color, lw=0.8, ls="--")
    show.label(ax, 300, escapes[l, "differentiated"][-1], f"$l={l}$", color, xytext=(-30, -10))
ax.plot(escapes[3, "constant"], color=show.GREY)
show.label(ax, 300, 1, "$c_i$ held constant", show.GREY, xytext=(0, -9), ha="right")
ax.set(xlabel="gradient step", ylabel=r"$\|x\|\,/\,\|x(0)\|$", ylim=(-0.5, 17.5))
ax.set_title("With the true gradient a part off $S$ grows")
plt.show()

# %% [markdown]
# **Figure 4.** *Without the separate $c_i$ the theorem fails.* One small component of the wrong sign at the
# angle $0.01$ to $u^*$, no other. With the true gradient its part off $S$ grows to the flow's limit
# $(\sin0.01)^{-(l-2)/l}$ (dashed); with $c_i$ held constant it does not.
#
# **How much does it matter?** `[measured]` A random start has $\sin\theta\approx\sqrt{1-r/d}$, close to 1, so
# this law allows only a few per cent. That is what runs show: with the true gradient some singular values do
# grow, a little. The theorem fails; the damage from a small random start is slight. Growing components even
# lose more of $X_\perp$, by the same conservation law.


# %% tags=["hide-input"]
def swell(d, l, seed):
    """Largest sigma(t) / sigma(0), and last |X_⊥|² / m δ0², of a run with the true gradient."""
    recipe = Recipe(small=0, tol=1e-7, steps=150, epochs=1, model="differentiated")
    frames = watch(targets.orthogonal(d, r, l, seed=1), m, recipe, seed)
    values = np.array([sigma(f)[:m] for f in frames])
    return (values / values[0]).max(), np.sum(frames[-1].X ** 2) / bound(frames[0], recipe)


for l, d in ((3, 30), (3, 300), (4, 30)):
    seen = np.array([swell(d, l, seed) for seed in range(budget(3, 8, 40))])
    assert 1.0005 < seen[:, 0].max() < 1.2 and np.median(seen[:, 1]) < 0.9
    swollen, left_over = mean(seen[:, 0], 3), mean(seen[:, 1])
    print(f"l = {l}, d = {d:3d}: a singular value grows {swollen}-fold at most,")
    print(f"   and |X_⊥|² ends at {left_over} times m δ0² (means of {len(seen)} runs)")

# %% [markdown]
# ### Too long a step
#
# At the exact fit $U=U^*$ of orthonormal components $B=lI$. A part $X_\perp$ off $S$ is multiplied by
# $1-\eta l$ at each step, to first order. Beyond $\eta\|B\|=2$ it grows.


# %% tags=["hide-input"]
def overstep(product, steps=8, l=3):
    """|X_⊥| / |X_⊥(0)| from near an exact fit with the step eta = product / |B|."""
    T_star = targets.orthogonal(20, 3, l, seed=0)
    U, a = T_star.factors.copy(), np.ones(3)
    U += 1e-8 * split(T_star, components(20, 3, seed=0)[0])
    eta, lengths = product / np.linalg.norm(kernel(a, U, l), 2), []
    for _ in range(steps + 1):
        lengths.append(np.linalg.norm(split(T_star, U)))
        U = step_from(T_star, U, a, eta)
    return np.array(lengths) / lengths[0]


fig, ax = show.figure()
for product, marker in zip((1.5, 2.0, 2.5, 3.0), show.MARKERS, strict=False):
    lengths, color = overstep(product), show.RED if product > 2 else show.BLUE
    assert np.allclose(lengths, abs(1 - product) ** np.arange(9), rtol=1e-3)
    ax.semilogy(lengths, marker, color=color, ms=5)
    ax.semilogy(abs(1 - product) ** np.arange(9), color=color, lw=0.8)
    show.label(ax, 8, lengths[-1], f"{product:g}", color)
show.label(ax, 0, 100, r"numbers: $\eta\|B\|$", show.INK)
ax.set(xlabel="gradient step", ylabel=r"$\|X_\perp\|\,/\,\|X_\perp(0)\|$", xlim=(-0.3, 8.8))
ax.set_title(r"Beyond $\eta\|B\|=2$ the part off $S$ grows")
plt.show()

# %% [markdown]
# **Figure 5.** *The limit 2 is sharp.* Near an exact fit ($l=3$, $d=20$, $r=3$): points measured, lines
# $|1-\eta\|B\||^t$ after $t$ steps.
#
# Long before that the loss complains: by the polar form (notebook 02) $\|u_i\|^2$ near the fit has the rate
# $2l|c^*_j|=2\|B\|$, so it oscillates and diverges from $\eta\|B\|=1$ on. The subspace is not what limits the
# step. In the algorithm itself, the same rule with `damp` 30 in place of 1 (so that $\eta\|B\|$ may reach
# $30/l=10$) and large turns:

# %% tags=["hide-input"]
reckless, starts = Recipe(small=0, damp=30, turn=5), budget(10, 20, 100)
T = targets.spanned("orthogonal", 30, r, 3, seed=1).moved(xp)
films, why = [[] for _ in range(starts)], np.zeros(starts, dtype=object)
for k, _, now, _, reason in trajectory(T, m, seed=0, runs=starts, dim=30, recipe=reckless):
    a, U = to_numpy(now.signs), to_numpy(now.factors)
    product = to_numpy(step_sizes(now, 3, reckless))[:, 0] / 3
    product = product * np.linalg.norm(kernel(a, U, 3), 2, axis=(1, 2))
    for i, *seen in zip(k, product, np.linalg.norm(U[:, r:], axis=(1, 2)), strict=True):
        films[i].append(seen)
    why[k] = reason
longest = np.array([max(film)[0] for film in films])
swelling = np.array([film[-1][1] / film[0][1] for film in films])
print(f"diverged {rate(why == DIVERGED)}; η|B| above 2 in {rate(longest > 2)};")
print(f"log10 of the factor by which X_⊥ grew {mean(np.log10(swelling))}")
assert np.all(longest > 2) and np.all(why == DIVERGED) and np.median(swelling) > 2

U = targets.orthogonal(20, 3, 3, seed=0).factors
moved = step_from(targets.orthogonal(20, 3, 3, seed=0), (1 + 1e-6) * U, np.ones(3), 1.2 / 3)
radial = (np.linalg.norm(moved, axis=0) - 1) / 1e-6
assert np.allclose(radial, 1 - 2 * 1.2, rtol=1e-4)
print(f"at η|B| = 1.2 an error of the norm is already multiplied by {radial[0]:.2f} at each step")

# %% [markdown]
# ### A step for each component
#
# Proposition 4 allows the factor $\kappa$ in one step. That is nearly attained. Take $l\eta_i=1/\|u_i\|^2$
# and two parallel components of the same sign: $D^{1/2}BD^{1/2}$ is the matrix of four ones, of norm 2, so
# one step swaps the columns of $X_\perp D^{-1/2}$ (up to sign). With $\|u_i\|^2\propto1/\eta_i$ this
# multiplies $\|X_\perp\|_F^2$ by exactly $(\kappa^3+1)/(\kappa^2+\kappa)=\kappa-1+1/\kappa$.


# %%
def unequal(kappa, l=3):
    """One step's factors for |X_⊥|² and N_D², in the example."""
    T_star = targets.orthogonal(2, 1, l, seed=0)
    n = np.array([0.5, 0.5 * np.sqrt(kappa)])
    U, eta = np.array([[0.6], [0.8]]) * n, 1 / (l * n * n)
    U_next = step_from(T_star, U, np.ones(2), eta)
    X, X_next = split(T_star, U) ** 2, split(T_star, U_next) ** 2
    return X_next.sum() / X.sum(), (X_next / eta).sum() / (X / eta).sum()


# %% tags=["hide-input"]
kappas = np.array([1.0, 2.0, 5.0, 10.0, 30.0, 100.0])
costs = np.array([unequal(kappa) for kappa in kappas])
assert np.allclose(costs[:, 0], kappas - 1 + 1 / kappas) and np.allclose(costs[:, 1], 1)
fig, ax = show.figure()
fine = np.geomspace(1, 100, 50)
ax.loglog(kappas, costs[:, 0], "o", color=show.RED)
ax.loglog(fine, fine - 1 + 1 / fine, color=show.RED, lw=0.8)
ax.loglog(fine, fine, color=show.INK, ls="--", lw=1.2)
show.label(ax, 5, 5, r"allowed: $\kappa$", show.INK, xytext=(-8, 6), ha="right")
show.label(ax, 10, 9.1, "the example", show.RED, xytext=(10, -8))
ax.axhline(1, color=show.BLUE)
show.label(ax, 100, 1, "weighted norm $N_D^2$", show.BLUE, xytext=(0, 9), ha="right")
ax.set(xlabel=r"ratio $\kappa$ of the steps", ylabel=r"$\|X_\perp^+\|_F^2\,/\,\|X_\perp\|_F^2$")
ax.set_title(r"Unequal steps cost nearly their ratio")
plt.show()

# %% [markdown]
# **Figure 6.** *One step for all is needed.* Two parallel components, steps of ratio $\kappa$: the example
# (red, line $\kappa-1+1/\kappa$) nearly attains what Proposition 4 allows (dashed); the weighted norm stays.
#
# And a run. Each component gets the longest step that its own row allows:
# $\eta_i=1/\max\big(\sum_k|B_{ik}|,\ 5\|g_i\|/\|u_i\|\big)$. Then $\|D^{1/2}BD^{1/2}\|\le1$ (row sums of
# $DB$).


# %% tags=["hide-input"]
def each_its_own(d, l, seed, steps=200):
    """Largest growth of |X_⊥|² and of N_D² in one step, and the largest kappa, along such a run."""
    T = targets.orthogonal(d, r, l, seed=1)
    T = T.scaled(1 / T.norm)
    rng, seen = generator((7, seed)), []
    U, a = rng.standard_normal((d, m)), rng.choice([-1.0, 1.0], m)
    U *= 1e-3 / np.linalg.norm(U, axis=0)
    for _ in range(steps):
        g, X = gradient(homogeneous(a, U, l), T), split(T, U)
        turn = 5 * np.linalg.norm(g, axis=0) / np.linalg.norm(U, axis=0)
        eta = 1 / np.maximum(np.abs(kernel(a, U, l)).sum(axis=0), turn)
        U = U - eta * g
        X_next, weigh = split(T, U), lambda X: np.sum(X**2 / eta)  # noqa: B023
        grown = np.sum(X_next**2) / np.sum(X**2), weigh(X_next) / weigh(X)
        seen.append((*grown, np.ptp(np.log10(eta))))
    return np.max(seen, axis=0)


own = np.array([each_its_own(30, 3, seed) for seed in range(budget(3, 10, 40))])
assert np.mean(own[:, 0] > 1) > 0.5 and np.max(own[:, 0]) < 1.1 and np.all(own[:, 1] <= 1)
assert np.median(own[:, 2]) > 1
print(f"|X_⊥|² grew in some step in {rate(own[:, 0] > 1)} runs; N_D in {np.sum(own[:, 1] > 1)}")
print(f"largest factor of a step {mean(own[:, 0], 3)}, at κ up to 10^({mean(own[:, 2])})")

# %% [markdown]
# ## Take-away
#
# 1. Off the target's subspace a step multiplies the components by $I-\eta B$ with $B$ positive semidefinite:
#    no row norm and no singular value there grows, in any dimension (a single component's part can).
# 2. It takes three things: $c$ held constant, $\eta\|B\|\le2$, one step for all. Drop any one of them and it fails.
# 3. The algorithm with this guarantee is slow in high dimension; the two-step rule is fast, and its drift is
#    measured, not bounded.
#
# ## What is open
#
# - A bound over a whole run of the two-step rule that does not multiply $\kappa$ over the steps.
# - With the true gradient, is $\|X_\perp\|_F^2\le C\,m\,\delta_0^2$ from a random start, with $C$ free of
#   $d$? The runs above say so; the conservation law is only half of a proof.
#
# ## Exercises
#
# 1. (check) Momentum, $U^+=U-\eta G+\beta(U-U^-)$ with $U^-$ the state before, keeps $X_\perp$ in the column
#    space of its first value. Does $\|X_\perp\|_F$ still never grow? *Hint:* near an exact fit $B=lI$, and
#    $X_\perp^+=(1-\eta l+\beta)X_\perp-\beta X_\perp^-$ is a recursion in one number. Start: `x = [1.0, 0.5]`
#    with $\eta l=\frac12$, $\beta=0.9$.
# 2. (think) Show that for $\|D^{1/2}BD^{1/2}\|\le1$ the factor $\kappa$ of Proposition 4 improves to
#    $(\sqrt\kappa+1/\sqrt\kappa)^2/4$. *Hint:* the worst $M$ is a projector.
# 3. (think) $T^*$ may be any tensor in $\mathrm{Sym}^l(S)$. Add noise of norm $\nu$ outside. What becomes of
#    the corollary over $t$ steps? *Hint:* $\|(\text{noise})(u^{l-1},\cdot)\|\le\nu\|u\|^{l-1}$.
# 4. (open) The first open question above, for $r=1$ and two components.
#
# **Solution to 1.** It can grow: momentum carries $X_\perp$ past 0. The recursion, from its first steps on:

# %% tags=["hide-input"]
x = [1.0, 0.5]
for _ in range(20):
    x.append((1 - 0.5 + 0.9) * x[-1] - 0.9 * x[-2])
grown = np.sum(np.diff(np.abs(x)) > 0)
assert grown > 0
print("|X_⊥| over |X_⊥(0)|:", ", ".join(f"{abs(one):.2f}" for one in x[:5]))
print(f"it grows in {grown} of {len(x) - 1} steps")

# %% [markdown]
# **Solution to 2.** One step is $X_\perp^+=X_\perp N$ with $N=D^{-1/2}MD^{1/2}$ and now
# $0\preceq M\preceq I$. $\|N\|$ is convex in $M$, so it is largest at an extreme point, an orthogonal
# projector $M$. Then $N$ is an oblique projector, and $\|N\|=1/\sin\theta$ with $\theta$ the smallest angle
# between $D^{-1/2}\operatorname{ran}M$ and $D^{-1/2}\ker M$. By Wielandt's inequality
# $\cos\theta\le(\kappa-1)/(\kappa+1)$, so $\|N\|^2\le(\kappa+1)^2/(4\kappa)$, which is the claim. At random
# projectors of $\mathbb R^4$:

# %% tags=["hide-input"]
rng, ratio = generator(0), []
for rank in rng.integers(1, 4, 2000):
    Q, root = np.linalg.qr(rng.standard_normal((4, rank)))[0], np.exp(rng.uniform(0, 1, 4))
    kappa = (root.max() / root.min()) ** 2
    factor = np.linalg.norm((Q @ Q.T) / root[:, None] * root, 2) ** 2
    ratio.append(4 * factor / (np.sqrt(kappa) + 1 / np.sqrt(kappa)) ** 2)
assert max(ratio) <= 1 + 1e-12
print(f"2,000 projectors: the factor is {min(ratio):.2f} to {max(ratio):.2f} times the bound")

# %% [markdown]
# Next: [05, escape and amplify](05_escape_and_amplify.ipynb): inside the subspace, a random correlation is
# enough, and the flow makes it large.

# %% tags=["hide-input"]
print(f"receipt: budget {BUDGET}; δ0 = 0.001; r = {r}, m = {m}; d = {', '.join(map(str, dims))};")
print(
    f"{len(runs[3, 30]) - 1} steps a run in section 3; seeds 0, 1, ...; {seeds} seeds in section 5"
)
