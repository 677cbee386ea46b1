# %% [markdown]
# # Lazy training and its limit
# *For Colab, Kaggle or any Jupyter:* `dist/colab/01_lazy_training.ipynb`, from `make colab`.
#
# **What you will see.** Lazy training moves inside a fixed linear space that the initialisation chooses. With $m$
# components in dimension $d$ this space has at most $dm$ dimensions; symmetric tensors of order $l$ have
# $D=\binom{d+l-1}l$. So lazy training needs $m\ge D/d$ components. With a share $\theta<1$ of that, $m=\theta
# D/d$, it leaves at least about $1-\theta$ of $\|T^*\|^2$ in the mean over targets: at $l=3$, $d=20$ and half the
# threshold, at least 0.44 of $\|T^*\|^2$ in the mean, whatever the start.
#
# We count the dimensions, prove the exact constant (Theorem A), watch gradient descent obey it, and then let the
# same eight components leave the lazy regime and succeed. Marks: [notebook 00](00_overview.ipynb).
#
# > **Claim P3** `[paper]`. In the lazy (NTK) regime $m=O(d^{\,l-1})$ components are enough, and
# > $m=\Omega(d^{\,l-1})$ are needed.
#
# Theorems A and B below, with their constants, are this edition's way to P3.

# %% tags=["hide-input"]
import sys
from importlib.util import find_spec

if not find_spec("td"):
    sys.exit("td is not installed. The notebooks that `make colab` writes bring it along.")

# %% tags=["hide-input"]
from math import comb, prod

import flint
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize
from scipy.special import eval_gegenbauer, roots_gegenbauer
from scipy.stats import linregress

from td import lazy, moments, show, targets
from td.backend import generator, select, to_numpy
from td.descent import Recipe, descend, trajectory
from td.objective import bracket
from td.rates import budget, mean, rate
from td.tensor import (
    SymmetricTensor,
    distance,
    insertion,
    monomials,
    multi_indices,
    multiplicities,
)

# %% tags=["hide-input"]
xp = select()  # a usable GPU if there is one, else numpy
BUDGET = budget("quick", "ci", "paper")


def unit(d, n, seed):
    """n uniform unit vectors in R^d as columns, drawn on the host, moved to the device."""
    X = generator(seed).standard_normal((d, n))
    return xp.asarray(X / np.linalg.norm(X, axis=0))


# %% [markdown]
# ## Notation
#
# $\mathrm{Sym}^l$ is the space of symmetric tensors of order $l$ in $(\mathbb R^d)^{\otimes l}$, of dimension
# $D=\binom{d+l-1}{l}$, with the Frobenius inner product: $\langle u^{\otimes l},v^{\otimes l}\rangle=(u\cdot v)^l$.
# A multi-index $\gamma$ with $|\gamma|=l$ says how often each axis occurs. The $l!/\gamma!$ entries with the same
# $\gamma$ are equal. So the coordinates
#
# $$\sqrt{l!/\gamma!}\;u^\gamma,\qquad |\gamma|=l,$$
#
# of $u^{\otimes l}$ are *isometric*: their dot products are Frobenius inner products. This is the multinomial theorem,
# $\sum_\gamma \frac{l!}{\gamma!}u^\gamma v^\gamma=(u\cdot v)^l$, and `td.tensor.monomials` computes them.
# No array with $d^{\,l}$ entries is ever formed. [All symbols on one page](../docs/notation.md).

# %% tags=["hide-input"]
for l in range(2, 7):
    U = unit(4, 3, seed=l)
    gap = abs(monomials(U, l).T @ monomials(U, l) - (U.T @ U) ** l).max()
    assert gap < 1e-13
print("d = 4, l = 2 to 6: dot products of coordinates minus (u·v)^l: 0 ± 1e-13")

# %% [markdown]
# ## 1. Counting dimensions
#
# Lazy training replaces the model $T(U)=\sum_iw_iu_i^{\otimes l}$ by its first-order expansion at $U_0$. A derivative
# in $u_i$ along $x$ is $l\,w_i\,\mathrm{Sym}(u_i^{\otimes(l-1)}\otimes x)$. So every reachable tensor lies in
# $T(U_0)+V$ with
#
# $$V=\operatorname{span}\{\mathrm{Sym}(u_i^{\otimes(l-1)}\otimes x):\ i\le m,\ x\in\mathbb R^d\},\qquad \dim V\le dm.$$
#
# Training the weights too adds nothing: $u_i^{\otimes l}\in V$ (take $x=u_i$). For the same reason $T(U_0)\in V$. So the
# best error that lazy training can reach on a target $T^*$ is $\operatorname{dist}(T^*,V)$ if all $w_i\ne0$, and no
# less otherwise.
#
# $V$ can hold every target only if $dm\ge D$. At $l=3$, $d=20$: $D=1540$, so $m\ge77$ for a target that *one*
# component describes. How much is left at smaller $m$?
#
# **Experiment 1** `[measured]`. Random $U_0$ with $m$ from 1 to past the threshold. For 2,000 uniform unit vectors $u$
# we take the squared distance from $u^{\otimes l}$ (a target of norm 1) to $V$.


# %%
def left_over(d, l, m, seed):
    """dist(u^l, V)² for 2,000 uniform u, from one random U_0."""
    U, u = unit(d, m, seed), unit(d, 2000, seed + 1)
    return to_numpy(lazy.lazy_error(U, monomials(u, l), l)) ** 2


# %% tags=["hide-input"]
dims = {
    3: budget((4, 8), (4, 6, 8, 12, 16, 20), (4, 8, 12, 16, 20, 24)),
    4: (4, 6, 8, 10),
    5: (3, 4, 5, 6),
}
fractions = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.15)  # of the threshold
squares = {}
for l in dims:
    for d in dims[l]:
        widths = sorted({max(1, round(f * lazy.threshold(d, l))) for f in fractions})
        squares |= {(l, d, m): left_over(d, l, m, 1000 * l + 10 * d) for m in widths}
for l in dims:
    d = max(dims[l])
    half = round(lazy.threshold(d, l) / 2)
    print(f"l = {l}, d = {d}, m = {half} (threshold {lazy.threshold(d, l)}):", end=" ")
    bound = float(moments.lazy_bound(d, l, half))
    print(f"left {mean(squares[l, d, half], 3)}, Theorem A {bound:.3f}")


# %% tags=["hide-input"]
def panel(ax, l, d, color, marker, y):
    """One dimension: sampled means with bars, and Theorem A's line."""
    widths = [m for (a, b, m) in squares if (a, b) == (l, d)]
    found = np.array([squares[l, d, m] for m in widths])
    middle, error = found.mean(axis=1), 4 * found.std(axis=1) / np.sqrt(2000)
    x, grid = np.array(widths) * d / comb(d + l - 1, l), np.linspace(0, 1, 50)
    look = {"color": color, "marker": marker}
    show.points(ax, x, middle, middle - error, middle + error, **look)
    ax.plot(x, middle, color=color, lw=1)
    ax.plot(grid, (1 - grid) * float(moments.lazy_bound(d, l, 0)), color=color, ls="--")
    show.label(ax, 0.62, y, f"$d={d}$", color)


fig, axes = show.figure(3, sharey=True, figsize=(7.4, 3.6))
for ax, l in zip(axes, dims, strict=True):
    panel(ax, l, min(dims[l]), show.BLUE, "o", 0.8)
    panel(ax, l, max(dims[l]), show.RED, "s", 0.92)
    ax.axvline(1, color=show.INK, lw=1)
    ax.set(title=f"$l={l}$", xlabel="$dm/D$", xlim=(-0.03, 1.25), ylim=(-0.03, 1.05))
    ax.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
axes[0].set_ylabel(r"left of $\|T^*\|^2=1$")
show.label(axes[0], 0.0, 0.11, "dashed:\nTheorem A", show.INK, fontsize=10)
fig.suptitle("Below the threshold a constant fraction is out of reach")
plt.show()

# %% [markdown]
# **Figure 1.** *Below the threshold a constant fraction is out of reach.* Points: mean of
# $\operatorname{dist}(u^{\otimes l},V)^2$ over 2,000 targets, random $U_0$, bars of $\pm4$ standard errors. Dashed:
# Theorem A, the least that *any* start leaves. Vertical: $dm=D$. The error vanishes only there (at $(l,d)=(4,4)$ one
# component later, section 3). The larger $d$, the higher the dashed line.
#
# ## 2. Theorem A: lazy training needs D/d components
#
# How well a fixed space catches a *random* target is a question about the moment operator
#
# $$M_d=\mathbb E\big[u^{\otimes l}(u^{\otimes l})^{\!\top}\big],\qquad u\sim\mathrm{Unif}(S^{d-1}),$$
#
# because $\mathbb E\|P u^{\otimes l}\|^2=\operatorname{tr}(PM_d)$ for every orthogonal projector $P$. Its smallest
# eigenvalue
# is
#
# $$\mu_{\min}(d)=\frac{l!}{d(d+2)\cdots(d+2l-2)}$$
#
# (Proposition 1, with the whole spectrum and its proof, is section 6).
#
# **Theorem A** `[proved here]`. Let $T^*=u^{\otimes l}$ with $u\sim\mathrm{Unif}(S^{d-1})$, $d\ge2$. For *every*
# initialisation
# $U_0$ chosen without looking at $u$, and every $m$,
#
# $$\mathbb E\operatorname{dist}(T^*,V)^2\;\ge\;\Big(1-\frac{dm}{D}\Big)_{\!+}\ \prod_{i=0}^{l-1}\frac{d+i}{d+2i}.$$
#
# *Idea.* $V$ misses at least $D-dm$ dimensions. Each of them holds at least $\mu_{\min}(d)$ of the energy of a random
# target.
#
# *Proof.* Let $P$ project on $V^\perp$; its rank is at least $D-dm$. Then
#
# $$\begin{aligned}\mathbb E\operatorname{dist}(T^*,V)^2&=\mathbb E\langle u^{\otimes l},Pu^{\otimes l}\rangle=\operatorname{tr}(PM_d)\\ &\ge\operatorname{rank}(P)\,\mu_{\min}(d)\ge(D-dm)_+\,\mu_{\min}(d),\end{aligned}$$
#
# and $D\,\mu_{\min}(d)=\frac{d(d+1)\cdots(d+l-1)}{l!}\cdot\frac{l!}{d(d+2)\cdots(d+2l-2)}$ is the product. $\blacksquare$
#
# Nothing was assumed about $U_0$. For fixed $l$ the product tends to 1 as $d$ grows, and $D/d\approx d^{\,l-1}/l!$. So
# with a share $\theta<1$ of the threshold, $m=\theta D/d$, lazy training leaves at least about $1-\theta$ of $\|T^*\|^2$ in
# the mean.

# %%
for l in (3, 4, 5):
    whole = [float(moments.lazy_bound(d, l, 0)) for d in (4, 20, 200)]
    print(f"l = {l}, d = 4, 20, 200: the product is", *np.round(whole, 3))
print("l = 3, d = 8, m = 7: the bound is", moments.lazy_bound(8, 3, 7))

# %% tags=["hide-input"]
for l in (3, 4, 5):
    for d in (4, 20, 200):
        full = prod((d + i) / (d + 2 * i) for i in range(l))
        assert np.isclose(full, float(moments.lazy_bound(d, l, 0)), rtol=1e-12)

# %% [markdown]
# **Falsification.** The bound rests on $U_0$ being chosen without looking at $u$. Look, and it fails: one component at
# $u$ itself already reaches it.

# %% tags=["hide-input"]
u, others = unit(8, 1, seed=0), unit(8, 6, seed=1)
blind = left_over(8, 3, 7, seed=2)
told = float(lazy.lazy_error(xp.concat([u, others], axis=1), monomials(u, 3), 3)[0]) ** 2
assert told < 1e-20 and np.mean(blind) - 5 * np.std(blind) / np.sqrt(2000) > 0.4
print("l = 3, d = 8, m = 7; Theorem A: 0.400")
print(f"  U_0 blind:  left {mean(blind, 3)} (2,000 targets)")
print("  U_0 told u: left 0 ± 1e-20")

# %% [markdown]
# ## 3. Theorem B: the threshold is D/d
#
# Theorem A bounds $\dim V$ by $dm$. Is it attained? By Terracini's lemma $V$ at a generic $U_0$ is the tangent space,
# as an affine cone, of the $m$-th secant variety of the Veronese variety. So $\dim V$ is that variety's dimension, which
# is a classical theorem.
#
# **Theorem B** `[known]` (Alexander-Hirschowitz 1995). For generic $U_0$, $\dim V=\min(dm,D)$, except
# - $l=2$: $\dim V=dm-\binom m2$ for $m\le d$, so it is full only from $m=d$ on;
# - $(l,d,m)=(3,5,7),\ (4,3,5),\ (4,4,9),\ (4,5,14)$: one less.
#
# So for $l\ge3$ the lazy threshold is $\lceil D/d\rceil$, and one more for $(l,d)=(3,5),(4,3),(4,4),(4,5)$.


# %%
def generic_dim(d, l, m):
    """Theorem B: dim V at a generic U_0 of m components."""
    n = min(m, d)
    if l == 2:
        return d * n - n * (n - 1) // 2
    one_short = lazy.DEFECTIVE.get((l, d)) == m
    return min(d * m, comb(d + l - 1, l)) - one_short


# %% [markdown]
# **Check.** We take random integer $u_i$ and compute the rank of the features modulo the prime $2^{31}-1$. A minor that
# is not 0 modulo a prime is not 0: this rank *certifies* that the generic $\dim V$ is at least so large. That it is not
# larger in the exceptional cases rests on the theorem; the computation agrees.


# %% tags=["hide-input"]
def rank_modulo_prime(d, l, m, *, seed, prime=2**31 - 1):
    """Rank of the tangent features at random integer u_i, in exact arithmetic modulo a prime.

    Entry gamma, (a, i) is gamma_a times u_i to the power gamma - e_a; scaled rows keep the rank.
    """
    u = generator(seed).integers(1, prime, size=(d, m))
    lower, (where, _) = multi_indices(d, l - 1), insertion(d, l)
    value = np.ones((len(lower), m), dtype=np.int64)
    for k in range(l - 1):
        value = value * u[lower[:, k]] % prime  # products of two residues fit in int64
    entries = np.zeros((moments.sym_dim(d, l), d, m), dtype=np.int64)
    for a in range(d):
        entries[where[:, a], a] = (1 + np.sum(lower == a, axis=1))[:, None] * value % prime
    flat = entries.ravel().tolist()
    return flint.nmod_mat(len(entries), d * m, flat, prime).rank()


# %% tags=["hide-input"]
grid = {2: range(2, 9), 3: range(2, 9), 4: range(2, budget(6, 7, 8)), 5: range(2, 6)}
short, cases = [], 0
for l, dims_l in grid.items():
    for d in dims_l:
        for m in range(1, lazy.threshold(d, l) + 2):
            rank, D = rank_modulo_prime(d, l, m, seed=(l, d, m)), comb(d + l - 1, l)
            assert rank == generic_dim(d, l, m)
            cases += 1
            if l > 2 and rank < min(d * m, D):
                short.append((l, d, m))
print(f"{cases} ranks, all as Theorem B says; for l = 3, 4, 5 below min(dm, D) at (l, d, m) =")
print(short)
assert short == [(3, 5, 7), (4, 3, 5), (4, 4, 9), (4, 5, 14)]

# %% [markdown]
# **Falsification.** "Generic" cannot be dropped. Repeated directions, or directions in a subspace, span less.


# %% tags=["hide-input"]
def rank_at(U, l):
    """dim V at the given U, by singular values above 1e-10 of the largest."""
    return int(np.linalg.matrix_rank(to_numpy(lazy.tangent_features(U, l)), rtol=1e-10))


V, flat = unit(6, 5, seed=3), unit(6, 10, seed=4)
flat = xp.concat([flat[:3, :], 0 * flat[3:, :]], axis=0)
print("l = 3, d = 6, 10 components, D = 56:")
print("  generic            dim V =", rank_at(unit(6, 10, seed=5), 3))
print("  5 directions twice dim V =", rank_at(xp.concat([V, V], axis=1), 3))
print("  all in a 3-plane   dim V =", rank_at(flat, 3))

# %% [markdown]
# ## 4. Lazy training itself
#
# So far $V$ was linear algebra. Does gradient descent behave so? Following Chizat, Oyallon and Bach (2019) we scale the
# model's output by $\alpha$ and descend on
#
# $$F_\alpha(U)=\frac1{2\alpha^2}\|\alpha T(U)-T^*\|_F^2,\qquad U\leftarrow U-\eta\,\nabla F_\alpha(U).$$
#
# With this scaling a step of size $\eta$ is a step of *kernel time* at every $\alpha$. The residual obeys
# $R\leftarrow(I-\eta JJ^\top)R$ to first order, $J$ the Jacobian of $T$ at $U_0$, while $U$ moves by $O(1/\alpha)$.
# $JJ^\top$ is the neural tangent kernel (Jacot et al. 2018).
#
# $J^\top J$ has the same nonzero eigenvalues. Its entry for $(i,x),(j,y)$ is $l^2w_iw_j$ times the following, so no
# array of size $D$ is needed:
#
# $$\begin{aligned}&\big\langle\mathrm{Sym}(u_i^{\otimes(l-1)}\otimes x),\mathrm{Sym}(u_j^{\otimes(l-1)}\otimes y)\big\rangle\\
# &\qquad=\tfrac1l\Big[(u_i\cdot u_j)^{l-1}\,x\cdot y+(l-1)(u_i\cdot u_j)^{l-2}(u_i\cdot y)(u_j\cdot x)\Big],\end{aligned}$$
#
# because of the $l!$ ways to match the slots of the two products, $x$ meets $y$ in the fraction $1/l$.
#
# **The initialisation must be paired.** If $\alpha T(U_0)$ is not 0 it grows with $\alpha$ and has to be cancelled first.
# We start from $n$ directions, each once with weight $+1$ and once with $-1$: $m=2n$ components, $T(U_0)=0$. Equal
# directions span the same features, so only $n=m/2$ **distinct directions** count in Theorems A and B. All axes below
# say so.


# %%
def train(model, T_star, alpha, step, times):
    """Gradient descent on ½‖α T(U) - T*‖² / α² in U; α (...) is a batch.

    Dividing by α² makes ``step`` a step of kernel time. Returns the errors
    ‖α T(U) - T*‖ and movements ‖U - U_0‖ / ‖U_0‖ after the step counts
    ``times``, each (..., t), and the last U. The weights are held.
    """
    scale, l, seen = alpha[..., None], T_star.order, []
    w, shape = scale * model.weights, model.factors.shape[-2:]
    U = start = xp.broadcast_to(model.factors, (*w.shape[:-1], *shape))
    push = (step * l / scale * model.weights)[..., None, :]
    for t in range(max(times) + 1):
        E = bracket(SymmetricTensor(w, U, l), T_star)
        if t in times:
            moved = xp.sum((U - start) ** 2, axis=(-2, -1))
            moved = moved / xp.sum(start**2, axis=(-2, -1))
            seen.append((xp.sqrt(2 * E.loss), xp.sqrt(moved)))
        U = U - push * E.field if t < max(times) else U
    most = 1e6 * T_star.norm**2
    assert bool(xp.all(E.loss < most)), f"diverged: decrease step (got {step})"
    seen = [xp.stack(list(x), axis=-1) for x in zip(*seen, strict=True)]
    return *seen, U


# %% tags=["hide-input"]
def paired(V):
    """The model of each direction twice, with weights +1 and -1: its tensor is 0."""
    n = V.shape[-1]
    return SymmetricTensor(xp.asarray(np.repeat([1.0, -1.0], n)), xp.concat([V, V], axis=-1), l)


d, l = 10, 3
T_star = targets.orthogonal(d, 3, l, seed=0, signs="mixed").moved(xp)
model = paired(unit(d, 4, seed=1))
U = model.factors
J = lazy.tangent_features(U, l) * l * xp.concat([model.weights] * d)
assert abs(J.T @ J - lazy.tangent_kernel(model)).max() < 1e-12
assert float(abs(model.contract(U)).max()) < 1e-12  # T(U_0) = 0: its contractions vanish
print(f"kernel formula minus JᵀJ: 0 ± 1e-12 ({d * U.shape[1]} parameters)")
print(f"threshold at d = {d}, l = {l}: {lazy.threshold(d, l)} distinct directions")


# %% tags=["hide-input"]
def linearised_error(model, alpha, step, steps):
    """‖residual‖ after gradient steps on the LINEARISED model: each singular direction shrinks."""
    J = lazy.tangent_features(model.factors, l) * l * xp.concat([model.weights] * d)
    residual = alpha[:, None] * model.coordinates().coords - T_star.coordinates().coords
    left, values, _ = xp.linalg.svd(J, full_matrices=False)
    along = residual @ left
    lost = 1 - (1 - step * values**2) ** (2 * steps)
    return xp.sqrt(xp.sum(residual**2, axis=-1) - xp.sum(lost * along**2, axis=-1))


def sweep_alpha(model, alphas, steps):
    """At every alpha in one batch: error, movement, kernel change, the linear model's error."""
    kernel, w, alpha = lazy.tangent_kernel(model), model.weights, xp.asarray(alphas)
    step = 0.5 / float(xp.max(xp.linalg.eigvalsh(kernel)))
    _, moved, U = train(model, T_star, alpha=alpha, step=step, times=(0, steps))
    change = lazy.tangent_kernel(SymmetricTensor(w, U, l)) - kernel
    change = xp.sqrt(xp.sum(change**2, axis=(-2, -1)) / xp.sum(kernel**2))
    linear = linearised_error(model, alpha, step, steps)
    fit = SymmetricTensor(alpha[:, None] * w, U, l)
    error, linear = distance(fit, T_star) / T_star.norm, linear / T_star.norm  # to all digits
    return [to_numpy(x) for x in (error, moved[..., -1], change, linear)]


# %% tags=["hide-input"]
STEPS, LAZY = budget((1000, 1000), (3000, 1000), (30_000, 10_000))  # the longer, the later lazy
alphas = 10.0 ** np.arange(0, budget(4.5, 4.5, 5.5), 0.5)
swept = {n: sweep_alpha(paired(unit(d, n, seed=1)), alphas, STEPS) for n in (4, 32)}
goal = T_star.coordinates().coords[:, None]
reach = {n: float(lazy.lazy_error(unit(d, n, seed=1), goal, l)[0] / T_star.norm) for n in swept}
for n, (error, movement, change, linear) in swept.items():
    print(
        f"{n} distinct directions (m = {2 * n}); reachable error {reach[n]:.3f}; at alpha = 1 and"
    )
    print(f"  {alphas[-1]:.0f}: error {error[0]:.3f}, {error[-1]:.3f};", end=" ")
    print(f"linear model {linear[-1]:.3f}; movement {movement[0]:.2f}, {movement[-1]:.1e}")
    end = alphas >= LAZY
    fits = [linregress(np.log(alphas[end]), np.log(x[end])) for x in (movement, change)]
    assert abs(error[-1] - linear[-1]) < 1e-4
    assert all(abs(fit.slope + 1) < 0.05 for fit in fits)
    slopes = [f"{fit.slope:.3f} ± {1.96 * fit.stderr:.3f}" for fit in fits]
    print(f"  power of alpha (theory -1): movement {slopes[0]}, kernel change {slopes[1]}")

# %% tags=["hide-input"]
fig, (left, right) = show.figure(2, figsize=(7.2, 3.6))
for (n, (error, movement, *_)), color, marker in zip(
    swept.items(), show.CYCLE, show.MARKERS, strict=False
):
    left.loglog(alphas, error, marker=marker, color=color)
    left.axhline(max(swept[n][3][-1], 1e-4), color=color, ls="--", lw=1.2)
    right.loglog(alphas, movement, marker=marker, color=color)
    side = {"xytext": (0, -14), "ha": "right"}
    show.label(left, alphas[-1], error[-1], f"{n} directions", color, **side)
    place = (1, 0.0009) if n > 4 else (8, 0.85)
    show.label(right, *place, f"{n} directions", color, xytext=(0, 0))
right.loglog(alphas[4:], 0.05 / alphas[4:], color=show.GREY, ls=":")
show.label(right, 300, 0.05 / 300, "slope $-1$", show.GREY, xytext=(-8, -10), ha="right")
left.set(
    title="Large scale: the linear error ...",
    xlabel=r"output scale $\alpha$",
    ylabel=r"$\|\alpha T-T^*\|/\|T^*\|$",
)
right.set(
    title="... because nothing moves",
    xlabel=r"output scale $\alpha$",
    ylabel=r"$\|U-U_0\|/\|U_0\|$",
)
plt.show()

# %% [markdown]
# **Figure 2.** *As $\alpha$ grows, gradient descent stops moving and lands on the linear model's error.* Left: error
# after
# 3,000 steps; dashed: the linearised model after the same steps. Right: how far the parameters moved.
#
# With 4 directions, far below the threshold 22, the linear model's error is 0.87 for ever: the projection. With 32 it is
# only a matter of time. At small $\alpha$ the same 4 directions do move, and learn the target: the *rich* regime. Since
# $\alpha T(U)=T(\alpha^{1/l}U)$, output scale and scale of the start are one knob (with the step scaled by
# $\alpha^{2/l-2}$): large $\alpha$ is a large, paired start.
#
# **Experiment 3** `[measured]` is this sweep: over four decades of $\alpha$ the final error rises to the linear model's.
# From $\alpha=1000$ on the movement and the change of the kernel (of $J^\top J$) fall as $1/\alpha$.
#
# **Falsification: unpaired initialisation.** Same number of components, all directions distinct, so $V$ is *larger*; but
# $T(U_0)\ne0$.

# %% tags=["hide-input"]
free = SymmetricTensor(xp.asarray(np.repeat([1.0, -1.0], 4)), unit(d, 8, seed=1), l)
step = 0.5 / float(xp.max(xp.linalg.eigvalsh(lazy.tangent_kernel(free))))
_, loose, _ = train(free, T_star, alpha=xp.asarray(alphas), step=step, times=(STEPS,))
moved = to_numpy(loose[..., -1])
print("unpaired, movement at alpha = 100, 1000, 10000:", *(f"{x:.2f}" for x in moved[4::2]))
assert moved[-1] > 0.1 and np.ptp(moved[-3:]) < 0.05
print(f"paired,   movement at alpha = 10000: {swept[4][1][-1]:.1e}")

# %% [markdown]
# At the three largest scales the parameters move by the same amount: they must, to cancel $\alpha T(U_0)$. At this fixed
# width, without the pairing, $\alpha\to\infty$ is not a lazy limit.
#
# **Lazy training run to 1 %** `[measured]`. With paired starts the exact threshold is $2\lceil D/d\rceil$ components:
# 8 at
# $l=3$, $d=3$. We train 24 starts of each width at $\alpha=1000$, for 5,000 steps.

# %% tags=["hide-input"]
small, share = targets.orthogonal(3, 3, 3, seed=1).moved(xp), {}
for n in (3, 4, 6):
    V = xp.stack([unit(3, n, seed=[n, k]) for k in range(24)])
    lots = SymmetricTensor(
        xp.asarray(np.tile([1.0] * n + [-1.0] * n, (24, 1))), xp.concat([V, V], axis=-1), 3
    )
    step = 1 / float(xp.max(xp.linalg.eigvalsh(lazy.tangent_kernel(lots))))
    alpha = xp.asarray(np.full(24, 1000.0))
    errors, _, _ = train(lots, small, alpha=alpha, step=step, times=(5000,))
    share[n] = rate(to_numpy(errors[:, -1] / small.norm) <= 0.01)
    print(f"m = {2 * n:2d}: relative error 1 % after 5,000 steps in {share[n]}")
low, at, high = (share[n].value for n in (3, 4, 6))
assert low < 0.3 and at > 0.2 and high > 0.75 and low < at

# %% [markdown]
# At $m=8$ every error can be reached, and some of the starts take longer than that (experiment 2 says why). At $m=6$,
# one pair too few, $V$ misses one dimension only, and now and then a target can be within 1 % of it. For a given error
# the threshold is not as sharp as for an exact fit (notebook 00).
#
# **Experiment 2** `[measured]`: how long does lazy training take? Gradient descent with step $1/\lambda_{\max}$
# shrinks the
# part of the residual along the smallest nonzero kernel eigenvalue $\lambda_{\min}^+$ by $e$ in about
# $\lambda_{\max}/\lambda_{\min}^+$ steps. We also count the steps that the linear model needs to come within 1 % (of
# $\|T^*\|$) of its own limit.


# %% tags=["hide-input"]
def conditioning(d, n, seed):
    """lambda_max / lambda_min+ of the kernel, and steps to come within 1 % of the limit."""
    features = to_numpy(lazy.tangent_features(unit(d, n, seed), 3))
    left, values, _ = np.linalg.svd(features, full_matrices=False)
    keep = values > 1e-10 * values[0]
    speed = (values[keep] / values[0]) ** 2
    part = left.T[keep] @ to_numpy(monomials(unit(d, 1, seed + 500), 3))[:, 0]
    rate_of = np.log1p(-np.minimum(speed, 1 - 1e-16))
    steps = np.geomspace(1, 1e12, 1201)
    excess = np.exp(2 * np.outer(steps, rate_of)) @ part**2
    reached = steps[np.argmax(excess < 1e-4)] if excess[-1] < 1e-4 else np.inf
    return 1 / speed[-1], reached


d2, counts = 8, (4, 8, 12, 14, 15, 16, 18, 22, 30, 45)
timing = {
    n: np.array([conditioning(d2, n, seed) for seed in range(budget(5, 20, 100))]) for n in counts
}
quartiles = {n: np.quantile(t, [0.25, 0.5, 0.75], axis=0) for n, t in timing.items()}

# %% tags=["hide-input"]
fig, ax = show.figure()
for k, (name, color) in enumerate(
    [(r"$\lambda_{\max}/\lambda_{\min}^+$", show.BLUE), ("steps to the limit", show.RED)]
):
    q = np.array([quartiles[n][:, k] for n in counts])
    show.points(ax, counts, q[:, 1], q[:, 0], q[:, 2], color=color, marker=show.MARKERS[k])
    ax.plot(counts, q[:, 1], color=color, lw=1)
    show.label(ax, counts[-3], q[-3, 1], name, color, xytext=((10, 14), (-14, -22))[1 - k])
ax.axvline(lazy.threshold(d2, 3), color=show.INK, ls="--", lw=1)
show.label(ax, lazy.threshold(d2, 3), ax.get_ylim()[1], "threshold $D/d$", show.INK, va="top")
ax.set(
    yscale="log",
    xlabel="distinct directions $n$ ($m=2n$ if paired)",
    ylabel="gradient steps",
    title="Lazy training is slowest where it just becomes possible",
)
plt.show()

# %% [markdown]
# **Figure 3.** *Lazy training is slowest where it just becomes possible.* $l=3$, $d=8$, medians and quartiles over 20
# random $U_0$, one random unit target $u^{\otimes3}$ each. Around the threshold the kernel is nearly singular. Just above
# it the reachable error is 0 but takes about $10^7$ steps, with 1.5 times as many directions $10^3$, with 3 times $10^2$.

# %% tags=["hide-input"]
medians = {n: quartiles[n][1] for n in counts}
assert medians[15][0] > 1e3 * medians[45][0] and medians[15][1] > 1e2 * medians[45][1]
print("mean over starts of log10 of the condition number and of the steps")
for n in (8, 15, 22, 45):
    print(f"n = {n:2d}:", *(mean(np.log10(timing[n][:, k]), 3) for k in (0, 1)))

# %% [markdown]
# ## 5. Leaving the lazy regime
#
# **Falsification of the regime itself** `[measured]`. Theorem A is about lazy training, not about the model. Take the
# same target (rank 3, $d=10$) and $m=8$ components. Lazily, even 8 distinct directions leave most of the target, and 22
# would be needed. Now start *small* and use the algorithm of notebook 02. It is our reconstruction of the paper's
# "variant of gradient descent".

# %%
RUNS = budget(20, 40, 400)
easy = descend(T_star, 8, seed=0, runs=RUNS, recipe=Recipe(tol=1e-2))
won = rate(easy.error <= 1e-2)
print("small start, m = 8: relative error 1 % in", won)

# %% tags=["hide-input"]
stuck = [lazy.lazy_error(unit(d, 8, seed), goal, l)[0] for seed in range(RUNS)]
stuck = np.array([float(x) for x in stuck]) / float(T_star.norm)
assert won.low > 0.8 and min(stuck) > 0.1
print(f"lazy, 8 distinct directions: best relative error {mean(stuck, 3)},")
print(f"  the smallest of {RUNS} starts {min(stuck):.2f}")

# %% tags=["hide-input"]
one = [float(x.now.error[0]) for x in trajectory(T_star, 8, seed=1, recipe=Recipe(tol=1e-3))]
fig, ax = show.figure()
ax.semilogy(one, color=show.BLUE)
ax.axhline(np.median(stuck), color=show.RED, ls="--")
show.label(ax, 0, np.median(stuck), "best that lazy training can reach", show.RED, xytext=(6, -12))
show.label(ax, len(one) - 6, 0.05, "small start", show.BLUE, xytext=(-8, 0), ha="right")
ax.set(
    xlabel="gradient step",
    ylabel=r"$\|T-T^*\|/\|T^*\|$",
    title="Eight components: lazily stuck, otherwise enough",
)
plt.show()

# %% [markdown]
# **Figure 4.** *Eight components: lazily stuck, otherwise enough.* Dashed: median over starts of the error that no lazy
# run from 8 distinct directions can beat. Line: one run from a small start. It first stands at the saddle 0, then finds
# the components.
#
# ## 6. The moment operator
#
# Theorem A used one eigenvalue of $M_d$. Here is the whole spectrum, and with it the exact error of any given $U_0$.
#
# **Proposition 1** `[proved here]`. Let $d\ge2$. $\mathrm{Sym}^l$ is the orthogonal sum of spaces of dimension $N_j$,
# $j=l,l-2,\dots\ge0$, on which $M_d$ is the scalar $\mu_j$:
#
# $$\mu_j=\frac{l!}{(l-j)!!\;d(d+2)\cdots(d+l+j-2)},\qquad N_j=\binom{d+j-1}{j}-\binom{d+j-3}{j-2}.$$
#
# (The second binomial is 0 for $j<2$; $(-1)!!=0!!=1$.) $\mu_j$ decreases in $j$; the smallest eigenvalue is
# $\mu_{\min}(d)=\mu_l=l!/\big(d(d+2)\cdots(d+2l-2)\big)$.
#
# *Idea.* Rotations commute with $M_d$, so it is a number on each of their irreducible spaces, which are the harmonic
# polynomials of degree $j$. The number is an integral over one coordinate of $u$.
#
# *Proof.*
#
# **(i) Blocks.** A symmetric tensor $A$ is the same thing as the homogeneous polynomial
# $x\mapsto\langle A,x^{\otimes l}\rangle$.
# Rotations act on both. Homogeneous polynomials of degree $l$ split as $\bigoplus_j |x|^{l-j}H_j$ with $H_j$ the harmonic
# polynomials of degree $j$: irreducible for $O(d)$, pairwise inequivalent, of dimension $N_j$. As $gu$ has the law of $u$
# for every $g\in O(d)$, $M_d$ commutes with $O(d)$. Schur's lemma makes it a scalar $\mu_j$ on each block. Call the
# block's projector $P_j$.
#
# **(ii) Energies are Gegenbauer coefficients.** For unit $v,v'$ the number
# $\langle v^{\otimes l},P_jv'^{\otimes l}\rangle$ depends
# on $t=v\cdot v'$ alone, and as a function of $v$ it is harmonic of degree $j$ (on the sphere). So it is
# $\beta_jp_j(t)$, with $p_j$ the Gegenbauer polynomial of dimension $d$ normalised to $p_j(1)=1$. At $v=v'$ it is
# $\beta_j=\langle v^{\otimes l},P_jv^{\otimes l}\rangle$, the same for all $v$, hence equal to its mean
# $\operatorname{tr}(P_jM_d)=N_j\mu_j$. Summing over $j$:
#
# $$t^l=\sum_j\beta_j\,p_j(t),\qquad \beta_j=N_j\mu_j,\qquad\text{so } \sum_jN_j\mu_j=1\text{ at }t=1.$$
#
# **(iii) The integral.** The $p_j(u\cdot v)$ of different degrees are orthogonal, and $\mathbb E\,p_j^2=1/N_j$: the
# reproducing kernel of $H_j$ is $N_jp_j(u\cdot v)$, so $\mathbb E_u[N_j^2p_j(u\cdot v)^2]=N_jp_j(1)=N_j$. Hence
# $\mu_j=\mathbb E[t^lp_j(t)]$, where $t=u\cdot v$ has density $\propto(1-t^2)^{(d-3)/2}$ on $[-1,1]$. Rodrigues'
# formula is
#
# $$(1-t^2)^{\frac{d-3}2}p_j(t)=\frac{(-1)^j}{(d-1)(d+1)\cdots(d+2j-3)}\,\Big(\frac{\partial}{\partial t}\Big)^{\!j}(1-t^2)^{j+\frac{d-3}2}.$$
#
# Integrate by parts $j$ times. $t^l$ becomes $\frac{l!}{(l-j)!}t^{l-j}$, and the density that of dimension $d+2j$, whose
# normalising integral differs by the factor $\frac{(d-1)(d+1)\cdots(d+2j-3)}{d(d+2)\cdots(d+2j-2)}$. In dimension $d'$,
# $\mathbb E\,t^{2i}=\frac{(2i-1)!!}{d'(d'+2)\cdots(d'+2i-2)}$. Put $d'=d+2j$, $2i=l-j$, and use
# $(l-j)!=(l-j)!!\,(l-j-1)!!$:
#
# $$\begin{aligned}\mu_j&=\frac{l!}{(l-j)!}\cdot\frac{1}{d(d+2)\cdots(d+2j-2)}\cdot\frac{(l-j-1)!!}{(d+2j)\cdots(d+l+j-2)}\\
# &=\frac{l!}{(l-j)!!\;d(d+2)\cdots(d+l+j-2)}.\end{aligned}$$
#
# At $d=2$ the $p_j$ are Chebyshev polynomials, and every step holds with the weight $(1-t^2)^{-1/2}$.
# The ratio $\mu_{j}/\mu_{j+2}=(d+l+j)/(l-j)$ exceeds 1, so $\mu_j$ decreases. $\blacksquare$
#
# **Check (ii), (iii)** by exact quadrature (Gauss-Gegenbauer nodes integrate these polynomials exactly), and the two sum
# rules in exact fractions. **Check (i)** on the operator itself: the sphere's moments,
# $\mathbb E\,u^\gamma=\prod_i(\gamma_i-1)!!\,/\,\big(d(d+2)\cdots(d+|\gamma|-2)\big)$ if all $\gamma_i$ are even and
# else 0,
# give the matrix of $M_d$ in isometric coordinates. Its eigenvalues must be the $\mu_j$ with multiplicities $N_j$. Then
# the same matrix from samples of $u$.


# %% tags=["hide-input"]
def energies_by_quadrature(d, l):
    """beta_j = N_j E[t^l p_j(t)] with l + 1 Gauss-Gegenbauer nodes (d >= 3)."""
    a = (d - 2) / 2
    t, weight = roots_gegenbauer(l + 1, a)
    p = {b.degree: eval_gegenbauer(b.degree, a, t) for b in moments.spectrum(d, l)}
    one = {j: eval_gegenbauer(j, a, 1.0) for j in p}
    return [
        b.dim * weight @ (t**l * p[b.degree]) / one[b.degree] / weight.sum()
        for b in moments.spectrum(d, l)
    ]


for l in range(2, 7):
    for d in (3, 5, 10, 40):
        blocks = moments.spectrum(d, l)
        assert sum(b.dim * b.eigenvalue for b in blocks) == 1
        assert sum(b.dim for b in blocks) == comb(d + l - 1, l)
        beta = [float(b.dim * b.eigenvalue) for b in blocks]
        assert np.allclose(beta, energies_by_quadrature(d, l), rtol=1e-11)
for l in (3, 4):
    pairs = [(b.degree, float(b.dim * b.eigenvalue)) for b in moments.spectrum(40, l)]
    print(f"l = {l}, d = 40, energies:", ", ".join(f"degree {j}: {e:.4f}" for j, e in pairs))


# %% tags=["hide-input"]
def double_factorial(n):
    return prod(range(n, 0, -2))


def moment_matrix(d, l):
    """M_d in isometric coordinates, (D, D), from the exact moments of the sphere."""
    each = np.stack([(multi_indices(d, l) == a).sum(axis=1) for a in range(d)], axis=1)
    both = each[:, None, :] + each[None, :, :]
    pairings = np.array([double_factorial(k - 1) if k % 2 == 0 else 0 for k in range(2 * l + 1)])
    root = np.sqrt(multiplicities(d, l))
    return root[:, None] * root * pairings[both].prod(axis=-1) / prod(range(d, d + 2 * l, 2))


n, worst = 200_000, 0.0
for l, d in [(2, 6), (3, 6), (4, 5), (5, 4), (6, 3), (6, 2)]:
    M, blocks = moment_matrix(d, l), moments.spectrum(d, l)
    mu = np.repeat([float(b.eigenvalue) for b in blocks], [b.dim for b in blocks])
    assert np.allclose(np.sort(mu), np.linalg.eigvalsh(M), atol=1e-14)
    sample = to_numpy(monomials(unit(d, n, seed=l), l))
    first, square = sample @ sample.T / n, sample**2 @ (sample**2).T / n
    worst = max(worst, (np.abs(first - M) / np.sqrt((square - first**2) / n)).max())
assert worst < 6
print("six (l, d): eigenvalues of M_d minus the formula's: 0 ± 1e-14")
print(f"entries of M_d from 200,000 samples: at most {worst:.1f} standard errors away")

# %% [markdown]
# As $d$ grows at fixed $l$ the energy moves to the top degree $j=l$, which has the *smallest* eigenvalue but by far the
# largest block (at $d=40$ above; at small $d$ it can hold less than half). This is what makes lazy training expensive.
#
# **The exact error of a given $U_0$, without sampling targets.** It is
# $\operatorname{tr}(PM_d)=1-\operatorname{tr}(Q^\top M_dQ)$ with $Q$ an orthonormal basis of $V$. We need not form
# $M_d$. Write $\operatorname{tr}A$ for the contraction of one pair of axes of $A$.
#
# By Wick's (Isserlis') formula, a Gaussian $g=|g|u$ pairs up its $2l$ factors in $\mathbb E[(p\cdot g)^l(q\cdot g)^l]$ in
# all ways. With $k$ pairs inside the $p$'s, $k$ inside the $q$'s and $l-2k$ across, and
# $\mathbb E|g|^{2l}=d(d+2)\cdots(d+2l-2)$,
#
# $$\begin{aligned}\langle A,M_dB\rangle&=\sum_{k\le l/2}b_k\,\langle\operatorname{tr}^kA,\operatorname{tr}^kB\rangle,\\
# b_k&=\frac{\big[\binom{l}{2k}(2k-1)!!\big]^2(l-2k)!}{d(d+2)\cdots(d+2l-2)},\qquad b_0=\mu_{\min}(d).\end{aligned}$$
#
# (It holds for $A=p^{\otimes l},B=q^{\otimes l}$, and these span.) Hence
# $\mathbb E\operatorname{dist}^2=1-\sum_kb_k\|\operatorname{tr}^kQ\|_F^2$:


# %%
def expected_error(U, l):
    """E dist(u^l, V)² over the sphere, exactly, for each U (..., d, m)."""
    d, Q, energy = U.shape[-2], lazy.tangent_basis(U, l), 0.0
    for k, b in enumerate(moments.contraction_weights(d, l)):
        Q = trace(Q, d, l - 2 * k + 2) if k else Q
        energy = energy + float(b) * xp.sum(Q * Q, axis=(-2, -1))
    return 1.0 - energy


# %% tags=["hide-input"]
def trace(A, d, l):
    """Contract a pair of axes of each column, Sym^l to Sym^{l-2}: (..., D, q) to (..., D'', q)."""
    (inner, inner_coefficient), (where, coefficient) = insertion(d, l - 1), insertion(d, l)
    pair = np.arange(d)  # e_a goes in twice: gamma -> gamma + e_a -> gamma + 2 e_a
    rows = xp.take(A, xp.asarray(where[inner, pair].ravel()), axis=-2)
    rows = xp.reshape(rows, (*A.shape[:-2], *inner.shape, A.shape[-1]))
    weights = xp.asarray(coefficient[inner, pair] * inner_coefficient)
    return xp.sum(rows * weights[..., None], axis=-2)


for l, d, m in [(2, 5, 2), (3, 6, 4), (4, 5, 6), (5, 4, 8), (4, 4, 9)]:
    U = unit(d, m, seed=l)
    Q = to_numpy(lazy.tangent_basis(U, l))
    through_matrix = 1 - np.trace(Q.T @ moment_matrix(d, l) @ Q)
    assert abs(through_matrix - float(expected_error(U, l))) < 1e-12
print("five (l, d, m): through M_d itself minus through contractions: 0 ± 1e-12")

# %% [markdown]
# With it the points of Figure 1 are checked one by one: sampled means against the exact value, and the exact value
# against Theorem A's bound.

# %% tags=["hide-input"]
away, over = [], []
for (l, d, m), found in squares.items():
    exact = float(expected_error(unit(d, m, 1000 * l + 10 * d), l))
    bound, error = float(moments.lazy_bound(d, l, m)), found.std() / np.sqrt(2000)
    assert abs(found.mean() - exact) <= 5 * error + 1e-12 and exact >= bound - 1e-12
    away += [abs(found.mean() - exact) / error] if exact > 1e-9 else []
    over += [exact / bound] if bound > 0 else []
print(f"{len(squares)} cases, {len(away)} with an error: sampled mean and exact value differ")
print(
    f"by at most {max(away):.1f} standard errors; exact value over bound: {min(over):.3f} and more"
)

# %% [markdown]
# **The best that a start can do against the bound.** Random $U_0$ lie above it. Theorem A speaks of *every* $U_0$, so we
# look for the best one: descend on the exact expected error itself over $U_0$ (L-BFGS, gradients by central differences
# in one batch), from several starts.


# %% tags=["hide-input"]
def best_initialisation(d, l, m, seed):
    """The smallest expected error found over U_0, by descent from a random start."""

    def value(x):
        return float(expected_error(xp.asarray(x.reshape(d, m)), l))

    def slope(x, h=1e-5):
        shifted = np.concatenate([x + h * np.eye(x.size), x - h * np.eye(x.size)])
        found = expected_error(xp.asarray(shifted.reshape(-1, d, m)), l)
        plus, minus = to_numpy(found).reshape(2, -1)
        return (plus - minus) / (2 * h)

    return minimize(value, to_numpy(unit(d, m, seed)).ravel(), jac=slope, method="L-BFGS-B").fun


print(" l  d  m   random   best found  Theorem A   sharp form")
for l, d, m in [(3, 4, 2), (3, 5, 3), (3, 6, 4), (4, 4, 3), (4, 5, 5), (5, 3, 3)]:
    found = min(best_initialisation(d, l, m, seed) for seed in range(budget(1, 3, 10)))
    plain, sharp = (float(moments.lazy_bound(d, l, m, sharp=s)) for s in (False, True))
    assert found >= max(plain, sharp) - 1e-9
    typical = float(expected_error(unit(d, m, 0), l))
    print(f"{l:2d}  {d}  {m}   {typical:.3f}    {found:.3f}       {plain:.3f}       {sharp:.3f}")

# %% [markdown]
# The best found lie below a random $U_0$ and well above the bound. (The sharp form of the proof:
# $\operatorname{tr}(PM_d)$ is at least 1 minus the $dm$ *largest* eigenvalues of $M_d$. It exceeds Theorem A's bound
# only while
# $dm<\binom{d+l-3}{l-2}$, the dimension of all blocks but the last.)
#
# ## Take-away
#
# - Lazy training is linear algebra: it reaches a space of at most $dm$ dimensions, chosen before the target was seen.
# - With a share $\theta<1$ of $D/d\approx d^{\,l-1}/l!$ components it leaves at least about $1-\theta$ of a
#   random target in the mean, whatever the start (Theorem A); from $D/d$ on generic starts reach everything
#   (Theorem B), slowly.
# - The limit is the regime's. The same eight components, started small, fit what 22 directions are needed for lazily.
#
# ## What is open
#
# - How close to the bound can $U_0$ come? The best found above lie well over it for $l\ge3$.
# - At fixed $\alpha$ the lazy plateau does not last. How its lifetime grows with $\alpha$ is not measured here.
#
# ## Exercises
#
# 1. (check) How many components does lazy training need at $l=4$, $d=6$? Compute the rank at the threshold and one below,
#    and the share of a target that Theorem A leaves at half of it. Start: `rank_modulo_prime(6, 4, m, seed=0)`.
# 2. (think) Theorem A averages over $u$. Show that for every $U_0$ with $dm<D$ some *unit* $u$ has
#    $\operatorname{dist}(u^{\otimes l},V)^2$ at least the bound. How far above the mean is the worst of 2,000 $u$?
# 3. (think) $\dim V=\min(dm,D)$ is for generic $U_0$. What do $m$ vectors with a single nonzero entry each span?
# 4. (open) When is $V$ a sum of harmonic blocks, and can it then attain the bound?

# %% [markdown]
# **Solution to 1.** $D=\binom94=126$, so $\lceil D/d\rceil=21$, and $(4,6)$ is no exception.

# %% tags=["hide-input"]
for m in (20, 21):
    print(f"l = 4, d = 6, m = {m}: rank {rank_modulo_prime(6, 4, m, seed=0)} of {comb(9, 4)}")
print(
    f"m = 10: at least {float(moments.lazy_bound(6, 4, 10)):.3f} of the target is left in the mean"
)

# %% [markdown]
# **Solution to 2.** A mean over the sphere is at most the maximum over the sphere, and $\operatorname{dist}^2$ is
# continuous
# in $u$ on a compact set, so the maximum is attained.

# %% tags=["hide-input"]
sample = left_over(8, 3, 7, seed=2)
assert sample.max() >= 0.4
print(
    f"l = 3, d = 8, m = 7: mean {mean(sample, 3)}, worst of 2,000 u {sample.max():.2f}, bound 0.40"
)

# %% [markdown]
# **Solution to 3.** Components $\pm e_a$ of the same axis span the same features,
# $\mathrm{Sym}(e_a^{\otimes(l-1)}\otimes e_b)$ for all $b$. So at most $d$ distinct axes count, and for $l\ge3$ the
# dimension is
# $d$ times their number.

# %% tags=["hide-input"]
axes_only = xp.asarray(np.eye(5)[:, [0, 1, 1, 2, 4]])
print("l = 3, d = 5, axes 1, 2, 2, 3, 5: dim V =", rank_at(axes_only, 3))

# %% [markdown]
# Next: [02, the algorithm](02_algorithm.ipynb): twenty lines that leave the lazy regime, and what each of them is for.

# %% tags=["hide-input"]
print(f"receipt: budget {BUDGET}; seeds as written in the cells; 2,000 targets per case;")
print(f"{STEPS} steps per alpha; {RUNS} runs of the algorithm")
