# %% [markdown]
# # Other methods on the same tensors: which one when
# *For Colab, Kaggle or any Jupyter:* `dist/colab/09_alternatives.ipynb`, from `make colab`.
#
# **What you will see.** The descent of these notebooks beside alternating least squares, quasi-Newton methods, power methods and simultaneous diagonalisation, in libraries that people use and in short versions
# of our own. Two questions have to be kept apart: does a method *fit* the tensor, and does it *find* its components? With many terms fitting is easy, and for most methods it then tells nothing about the components.
# `td.decompose` with $m=4r$ finds them in nearly every run on every family here, without being told $r$, and with $m=r$ too, in more steps. It is not the fastest: without noise and at $r\le d$ Jennrich's method from 1970 takes about a fifth of its time at $d=30$ and never fails,
# and alternating least squares with restarts about half; with compiled steps it is faster than the libraries' versions of the latter. With more components than dimensions this turns round.
# And it is more terms than needed, made fewer one by one, that count: at these sizes L-BFGS, or even random directions, serve as well for the first part as our descent.
#
# Each statement bears one of four marks. `[paper]`: stated by Wang, Wu, Lee, Ma and Ge (NeurIPS 2020)
# where we can read it. `[proved here]`: derived in full below, what it states also checked. `[known]`: a published
# theorem by others, cited and verified at the sizes shown. `[measured]`: the outcome of an experiment.
#
# The paper compares with no other method. All that is measured here is this edition's.

# %%
import sys
from importlib.util import find_spec

if not find_spec("td"):
    sys.exit("td is not installed. The notebooks that `make colab` writes bring it along.")

# %%
from functools import partial, reduce
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import fisher_exact

# %%
import td
from td import show, targets
from td.backend import generator
from td.descent import Recipe
from td.flow import correlation
from td.objective import bracket
from td.rates import budget, rate
from td.tensor import (
    CoordinateTensor,
    SymmetricTensor,
    distance,
    from_dense,
    monomials,
    power,
    to_dense,
    unit,
)

BUDGET = budget("quick", "ci", "paper")

# %% [markdown]
# ## 1. The methods
#
# The target is $T=\sum_{j\le r}c_j\,u_j^{\otimes l}$, given as an array. Where a formula has $T(x^{l-1},\cdot)$, all axes but one are contracted with $x$.
#
# **Alternating least squares (ALS)** `[known]` (Carroll and Chang 1970; Harshman 1970) gives each axis a matrix of its own, $\sum_i a_i\otimes b_i\otimes c_i$, and solves for one with the others fixed: a linear problem. The fit is symmetric only if it ends at a symmetric point.
#
# $$A\leftarrow\arg\min_A\bigl\|T_{(1)}-A\,(B\odot C)^\top\bigr\|,\quad\text{then }B,\text{ then }C,\text{ and again.}$$


# %%
def als(T, m, *, seed, tol, sweeps=1000):
    """Weights and a matrix for each axis; ends at tol, or where a sweep hardly changes the error."""
    flat, norm, last = T.reshape(len(T), -1), np.linalg.norm(T), np.inf
    factors = list(generator(seed).standard_normal((T.ndim, len(T), m)))
    for _ in range(sweeps):
        for _ in range(T.ndim):  # T is symmetric: the first matrix is always next, then put last
            rest = factors[1:]
            pull = flat @ reduce(lambda X, Y: (X[:, None] * Y).reshape(-1, m), rest)
            G = reduce(np.multiply, [U.T @ U for U in rest])
            new = np.linalg.lstsq(G, pull.T)[0].T
            weights = np.linalg.norm(new, axis=0)
            factors = [*rest, new / weights]
        error = np.sqrt(max(norm**2 + np.sum(new * (new @ G - 2 * pull)), 0.0)) / norm
        if error <= tol or abs(last - error) <= 1e-3 * tol:
            break
        last = error
    return weights, factors


# %% [markdown]
# **L-BFGS** `[known]` (Liu and Nocedal 1989) descends on $\frac12\|\sum_iw_iu_i^{\otimes l}-T\|^2$ in all $w_i,u_i$ at once; an estimate of the Hessian is built from past gradients. Pyttb's GCP does so with a matrix for each axis (Hong, Kolda and Duersch 2020).
#
# $$(w,U)\leftarrow(w,U)-\alpha H\nabla f.$$


# %%
def lbfgs(T, m, *, seed, tol, steps=2000):
    """From w = 0 and random unit u_i until the error is tol, or the gradient vanishes."""
    C, l, d = from_dense(T), T.ndim, len(T)
    scaled = C.scaled(1 / C.norm)

    def loss(x):
        w, U = x[:m], x[m:].reshape(d, m)
        E = bracket(SymmetricTensor(w, U, l), scaled)
        return float(E.loss), np.append(np.sum(U * E.field, axis=0), l * w * E.field)

    def enough(intermediate_result):
        if intermediate_result.fun <= 0.5 * tol * tol:
            raise StopIteration

    start = np.append(np.zeros(m), unit(generator(seed).standard_normal((d, m))))
    options = {"maxiter": steps, "maxfun": 2 * steps, "ftol": 0.0, "gtol": 1e-3 * tol}
    x = minimize(loss, start, jac=True, method="L-BFGS-B", callback=enough, options=options).x
    return SymmetricTensor(C.norm * x[:m], x[m:].reshape(d, m), l)


# %% [markdown]
# **The power method with deflation** `[known]` (Anandkumar, Ge, Hsu, Kakade and Telgarsky 2014) iterates a map whose attracting points are the components, if these are orthogonal. One found, it is subtracted and the search begins again.
#
# $$x\leftarrow T(x^{l-1},\cdot)/\|\cdot\|,\qquad T\leftarrow T-T(x^l)\,x^{\otimes l}.$$


# %%
def deflation(T, r, *, seed, starts=10, steps=30):
    """The best of some starts is subtracted, r times."""
    E, rng, found = from_dense(T), generator(seed), []
    for _ in range(r):
        X = rng.standard_normal((E.dim, starts))
        for _ in range(steps):
            X = unit(E.contract(X))
        values = correlation(E, X)
        best = np.argmax(abs(values))
        found.append((values[best], X[:, best]))
        coords = E.coords - values[best] * monomials(X, E.order)[:, best]
        E = CoordinateTensor(coords, E.dim, E.order)
    return collected(found, E.order)


def collected(found, l):
    """The tensor of weights and unit vectors found one by one."""
    weights, factors = zip(*found, strict=True)
    return SymmetricTensor(np.stack(weights), np.stack(factors, axis=1), l)


# %% [markdown]
# **Jennrich's method** `[known]` (Harshman 1970; Leurgans, Ross and Abel 1993) contracts $T$ with random vectors to two matrices, $M_a=T(a^{l-2},\cdot,\cdot)=UD_aU^\top$ and $M_b$. Both are diagonal in the same basis, which an eigenvalue problem finds; it needs independent components, so $r\le d$.
#
# $$M_aM_b^{-1}=U\,D_aD_b^{-1}\,U^{-1}.$$


# %%
def jennrich(T, r, *, seed):
    """Eigenvectors of M_a M_b⁻¹ in the span of r singular vectors, with least-squares weights."""
    if r > len(T):
        raise ValueError(f"r must be at most d = {len(T)}, got {r}")
    core, frame = in_span(T, r)
    M, N = (at(core, x, T.ndim - 2) for x in generator(seed).standard_normal((2, len(core))))
    U = unit(np.linalg.eig(M @ np.linalg.pinv(N))[1].real)
    weights = np.linalg.lstsq(power(U.T @ U, T.ndim), correlation(from_dense(core), U))[0]
    return SymmetricTensor(weights, frame @ U, T.ndim)


def in_span(T, r=None, *, most=None):
    """The core of T in its span, or that of its r leading singular vectors, and the frame."""
    C = from_dense(T)
    frame = C.span(most)[:, :r]
    return to_dense(C.image(frame.T)), frame


def at(B, x, n):
    """B with its last n axes contracted with x."""
    return reduce(np.matmul, [x] * n, B)


# %% [markdown]
# **The subspace power method** `[known]` (Kileel and Pereira 2019) is for even $l=2n$. The $d^n\times d^n$ matrix of $T$ has the range spanned by the $u_j^{\otimes n}$; with $P$ its projection, $\|Px^{\otimes n}\|=1$ only for powers in the range. A power method climbs it, then a rank is subtracted.
#
# $$x\leftarrow P(x^{\otimes n})(x^{n-1},\cdot)+\gamma x,\ \text{ to norm }1.$$


# %%
def subspace_power(T, r, *, seed, starts=3, steps=1000):
    """Climb to a power in the range of T's matrix; subtract w times it, so that a rank goes."""
    d, n, rng, found = len(T), T.ndim // 2, generator(seed), []
    values, V = leading(T.reshape(d**n, d**n), r)
    for left in range(r - 1, -1, -1):
        x = y = np.zeros(1)
        for _ in range(starts):
            if y @ y < 1 - 1e-8:
                top = climbed(V, n, unit(rng.standard_normal((d, 1)))[:, 0], steps)
                x, y = max((x, y), top, key=lambda pair: pair[1] @ pair[1])
        found.append((1 / (y @ (y / values)), x))
        values, Q = leading(np.diag(values) - found[-1][0] * np.outer(y, y), left)
        V = V @ Q
    return collected(found, T.ndim)


# %%
def leading(M, r):
    """The r eigenvalues of largest modulus of a symmetric matrix, and their eigenvectors."""
    values, V = np.linalg.eigh(M)
    keep = np.argsort(-abs(values))[:r]
    return values[keep], V[:, keep]


def climbed(V, n, x, steps):
    """A maximiser x of |Vᵀ x^{⊗n}|² on the sphere, by a shifted power method, and Vᵀ x^{⊗n}."""

    def lift(x):
        return V.T @ reduce(np.multiply.outer, [x] * n).ravel()

    for _ in range(steps):
        pull = at((V @ lift(x)).reshape((len(x),) * n), x, n - 1)
        last, x = x, pull + np.sqrt(1 - 1 / n) * x
        x /= np.linalg.norm(x)
        if np.max(abs(x - last)) < 1e-12:
            break
    return x, lift(x)


# %% [markdown]
# **Descent** is the algorithm of notebook 02, from small components, here with $m=4r$. `td.decompose` stops it at 10 %, drops components that the others can replace, and ends with Gauss-Newton steps. It is not told $r$.
#
# A fit *finds* the components if each has a term, the same on every axis, that matches it:


# %%
def recovers(T, factors, cosine=0.99):
    """Whether each component of T is matched by one term; factors: the matrices of the axes."""
    least = reduce(np.minimum, [abs(unit(T.factors).T @ unit(U)) for U in factors])
    return bool(np.all(least.max(axis=1) >= cosine))


# %%
checks = {  # method: a case that its theory covers
    "Jennrich": (targets.correlated(8, 4, 3, cosine=0.5, seed=0), partial(jennrich, r=4)),
    "deflation": (targets.orthogonal(8, 4, 3, seed=0), partial(deflation, r=4)),
    "subspace power": (targets.random(4, 6, 4, seed=0), partial(subspace_power, r=6, steps=5000)),
}
for name, (T, method) in checks.items():
    fit = method(to_dense(T), seed=0)
    error = float(distance(fit, T) / T.norm)
    found = recovers(T, [fit.factors])
    print(f"{name:>14s}: error below 1e-9: {error < 1e-9}, components found: {found}")
    assert error < 1e-9 and found

# %% [markdown]
# ## 2. To fit is not to find
#
# Take $r=4$ and $m=16=r^2$ terms, and ALS. In coordinates of the components' span $B$ and $C$ are $4\times16$ matrices, and $B\odot C$ is $16\times16$, invertible for almost every start.
# So the *first* least-squares problem has residual zero, whatever $T$ is: nothing about $T$ entered $B$ and $C$. This is lazy training again, one factor linear and the others as they were drawn.

# %%
T = targets.random(30, 4, 3, seed=0)
A = to_dense(T)
core, frame = in_span(A)
weights, factors = als(core, 16, seed=0, tol=1e-6, sweeps=1)
fit = np.einsum("i,ai,bi,ci", weights, *factors)
error = np.linalg.norm(fit - core) / np.linalg.norm(core)
found = recovers(T, [frame @ U for U in factors])
print(f"ALS, 16 terms, one sweep: error below 1e-8: {error < 1e-8}; components found: {found}")
assert error < 1e-8 and not found

# %%
fit = td.decompose(A, 16, seed=0, tol=1e-6)
found = recovers(T, [fit.factors])
print(f"td.decompose, 16 terms: {fit.rank} are left; error below 1e-10: {fit.error < 1e-10};")
print(f"components found: {found}")
assert fit.rank == 4 and found and fit.error < 1e-10

# %% [markdown]
# What of this is due to descent and what to the finish, section 5 asks.
#
# ## 3. Experiment 11: the table
#
# The benchmark `tests/benchmarks/bench_alternatives.py` has run every method, peers included, on the same arrays, each in its turn; `make bench` repeats it. Its text table states versions, settings and memory. Peers ran at their documented
# defaults and tuned; each run is one start. *Finds* are runs that end within the error asked for and find all components. The *expected time* is the processor time of all runs over the number of finds: what it costs on average if a failed run is
# followed by another. Targets, 20 of each:
#
# - *orthogonal, random, correlated, mixed* as in notebook 08, $r=4$; $d=30$ for $l=3$, $d=12$ for $l=4$;
# - *overcomplete*: random components, $r=8$, $d=6$ for $l=3$ and $d=5$ for $l=4$;
# - *noise*: random, $l=3$, $d=20$, $r=4$, plus symmetric noise of 1, 10 and 30 % in norm; the error asked for is that of the true tensor;
# - *trap*: Theorem C's tensor (notebook 03). Its decomposition is not unique, so only fits are counted.

# %%
KEY = ["family", "l", "method", "asked"]
stored = pd.read_csv(Path(td.__file__).parent / "tables" / "alternatives.csv")
stored["asked"] = stored["asked"].replace({"0.01": "1 %", "1e-06": "1e-6"})
sizes, main = stored[stored.family == "by size"], stored[stored.family != "by size"]
cells = main.set_index(KEY)
NOISY = [f"noise {x:g}" for x in (0.01, 0.1, 0.3)]
EASY = [(f, l) for l in (3, 4) for f in ("orthogonal", "random", "correlated", "mixed")]
TARGETS = [*EASY, ("overcomplete", 3), ("overcomplete", 4), *((x, 3) for x in NOISY)]
TRAPS = [("trap", 3), ("trap", 4)]


def counted(method, family, l, asked="1 %"):
    """(finds, or fits of the trap; runs) from the stored table, None if the method does not apply."""
    asked = "noise" if family in NOISY else asked
    if (family, l, method, asked) not in cells.index:
        return None
    row = cells.loc[family, l, method, asked]
    return int(row.fits if family == "trap" else row.finds), int(row.runs)


# %%
SHOWN = ["td.decompose, r", "td.decompose, 2r", "td.decompose, 4r", "descent alone, 4r"]
SHOWN += ["TensorLy ALS, r", "TensorLy ALS, 4r", "pyttb ALS, r", "pyttb GCP, r", "pyttb GCP, 4r"]
SHOWN += ["ALS in the span, r", "L-BFGS, r", "L-BFGS, 4r"]
SHOWN += ["TensorLy power, default", "deflation", "Jennrich", "subspace power"]
columns = [*TARGETS, *TRAPS]
short = {"orthogonal": "orth", "correlated": "corr", "overcomplete": "over"}
names = [f"{short.get(f, f).replace('noise ', 'n')}" for f, _ in columns]
print(f"{'finds of 20 (trap: fits), 1 %':29s}" + "".join(f"{x:>7s}" for x in names))
print(f"{'l':>29s}" + "".join(f"{l:7d}" for _, l in columns))
for method in SHOWN:
    row = [counted(method, f, l) for f, l in columns]
    print(f"{method:29s}" + "".join(f"{'-' if x is None else x[0]:>7}" for x in row))


# %%
def shade(method, family, l):
    """The share of finds, NaN where the method does not apply."""
    seen = counted(method, family, l)
    return np.nan if seen is None else seen[0] / seen[1]


values = np.array([[shade(method, f, l) for f, l in columns] for method in SHOWN])
fig, ax = show.figure(figsize=(10.5, 6.2))
shades = plt.get_cmap("Blues").with_extremes(bad="#d9d9d9")
ax.imshow(values, cmap=shades, vmin=0, vmax=1.25, aspect="auto")
for i, j in np.argwhere(np.isfinite(values)):
    ink = "white" if values[i, j] > 0.7 else show.INK
    ax.text(j, i, f"{100 * values[i, j]:.0f}", ha="center", va="center", color=ink, fontsize=9)
labels = [f"{f}, $l={l}$" for f, l in columns]
ax.set_xticks(range(len(columns)), labels, rotation=40, ha="right", fontsize=9)
ax.set_yticks(range(len(SHOWN)), SHOWN, fontsize=9)
ax.grid(False)
ax.set_title("Runs that find all components, in percent (trap: that fit)")
plt.show()

# %% [markdown]
# **Figure 1.** *Who finds the components.* At $4r$ terms ALS fits nearly always and finds next to nothing; `td.decompose` finds. Share of 20 runs that end within 1 % (noise: within the error of the true tensor) and find all components. Grey: does not apply.


# %%
def expected(method, family, l, asked="1 %", wanted="finds"):
    """Expected processor time in ms to a find (or fit), infinite if there was none."""
    row = cells.loc[family, l, method, asked]
    return row.total_ms / row[wanted] if row[wanted] else np.inf


FAMILIES = ("orthogonal", "random", "overcomplete")
print("expected ms to a find, l = 3:         to 1 %                       to 1e-6")
print(f"{'':30s}" + f"{'orth   random     over':>28s}" * 2)
TIMED = [*SHOWN[:3], "td.decompose compiled, 4r"]
TIMED += ["td.decompose, told r", "td.decompose compiled, told r", *SHOWN[3:-1]]
for method in TIMED:
    text = ""
    for asked in ("1 %", "1e-6"):
        for family in FAMILIES:
            there = (family, 3, method, asked) in cells.index
            ms = expected(method, family, 3, asked) if there else np.nan
            text += f"{'-' if np.isnan(ms) else 'never' if np.isinf(ms) else f'{ms:.0f}':>9s}"
        text += " "
    print(f"{method:30s}{text}")

# %%
for family in FAMILIES:
    rivals = ["TensorLy ALS, r", "TensorLy ALS, r, default", "pyttb ALS, r", "pyttb GCP, r"]
    rivals += ["pyttb ALS, r, default", "pyttb GCP, r, default"]
    best = min(expected(method, family, 3) for method in rivals)
    plain, compiled = (best / expected(method, family, 3) for method in TIMED[2:4])
    print(f"{family}, 1 %: the best library setting takes {plain:.2f} times td.decompose's time")
    print(f"{'':{len(family)}}  and with compiled steps {compiled:.2f} times")
    assert compiled > 1 and (plain > 3) == (family == "overcomplete")
    if family != "overcomplete":
        simplest = expected("Jennrich", family, 3)
        print(f"a fifth of it is less than Jennrich's time: {best / 5 < simplest}, which is")
        print(f"{simplest / expected(TIMED[2], family, 3):.2f} times that of td.decompose")
        assert best / 5 < simplest

# %% [markdown]
# `[measured]` We had hoped for a fifth of the libraries' time on orthogonal and random targets. It is not so: at this size a sweep of ALS costs a fraction of a millisecond and a handful of sweeps is enough, while `td.decompose` takes some 40 small steps of
# descent, each of them two dozen calls of numpy. Compiled (`compiled=True`) these steps cost next to nothing, and it is faster than the best of the libraries' settings, but not five times; what is left is compressing, merging and
# polishing. A fifth of the best library's time is less than even Jennrich's method takes. Told the rank (`rank=4`) it takes about as long, and less where there are more components than dimensions. On overcomplete targets the libraries' runs hardly ever find the components, and there `td.decompose` is many times faster.

# %%
LOOK = {
    "td.decompose, 4r": (show.BLUE, "o"),
    "td.decompose compiled, 4r": (show.BLUE, "P"),
    "TensorLy ALS, r": (show.RED, "s"),
    "pyttb ALS, r": (show.GOLD, "^"),
    "ALS in the span, r": (show.INK, "D"),
    "Jennrich": (show.GREY, "v"),
}
fig, ax = show.figure()
cost = (sizes.total_ms / sizes.finds).groupby([sizes.method, sizes.d]).sum().unstack()
for method in cost.iloc[:, -1].sort_values(ascending=False).index:
    color, marker = LOOK[method]
    dashes = "--" if "compiled" in method else "-"
    ax.plot(cost.columns, cost.loc[method], dashes, color=color, marker=marker, label=method)
ax.legend(loc="center right", fontsize=10)  # in the order of the lines' ends
ax.set(xscale="log", yscale="log", xlabel="dimension $d$", ylabel="expected time to a find, ms")
ticks = sorted(sizes.d.unique())
ax.set_xticks(ticks, ticks), ax.set_yticks(ms := [1, 2, 5, 10, 20], ms)
ax.minorticks_off()
title = "Jennrich is fastest; compiled, td.decompose takes less time than libraries' ALS"
ax.set(xlim=(13, 420), title=title)
plt.show()

# %% [markdown]
# **Figure 2.** *Time against the size of the array.* Expected processor time until a run fits random components to 1 % and finds them, $l=3$, $r=4$, 20 runs. "In the span" first takes the array's core of $4\times4\times4$ numbers, in the span of $T(x^2,\cdot)$ at a few
# random $x$; so do Jennrich's method and `td.decompose`. The two libraries' sweeps pass over all $d^3$ numbers many times. As $d$ grows, the few passes that check and compress the array are most of the cost of the other methods, and these come closer.

# %%
for d in ticks:
    print(f"d = {d}: " + ", ".join(f"{name} {cost[d][name]:.1f} ms" for name in LOOK))
lead = cost.loc[["TensorLy ALS, r", "pyttb ALS, r"]].min() / cost.loc["td.decompose compiled, 4r"]
print("the libraries' ALS takes", ", ".join(f"{x:.1f}" for x in lead), "times td's compiled time")
assert (lead > 1).all() and (cost.idxmin() == "Jennrich").all()

# %% [markdown]
# ## 4. A part of it, live
#
# The methods that need no library run here again, with other seeds. For every cell Fisher's exact test compares the finds with the stored ones.


# %%
def finds(method, T, m, seed):
    """Whether a run with m terms on T's core ends within 1 % and finds its components."""
    core, frame = in_span(to_dense(T))
    fit = method(core, m, seed=seed)
    w, U = fit if isinstance(fit, tuple) else (fit.weights, [fit.factors] * T.order)
    terms = (x * reduce(np.multiply.outer, u) for x, *u in zip(w, *(V.T for V in U), strict=True))
    error = np.linalg.norm(sum(terms) - core) / np.linalg.norm(core)
    return error <= 1.001e-2 and recovers(T, [frame @ V for V in U])


# %%
R, SAMPLE = 4, budget(5, 15, 50)
LIVE = {  # name: method and number of terms
    "td.decompose, 4r": (
        partial(td.decompose, tol=1e-2, attempts=1, recipe=Recipe(epochs=4)),
        4 * R,
    ),
    "ALS in the span, r": (partial(als, tol=1e-2, sweeps=300), R),
    "ALS in the span, 4r": (partial(als, tol=1e-2, sweeps=300), 4 * R),
    "L-BFGS, r": (partial(lbfgs, tol=1e-2, steps=1000), R),
    "L-BFGS, 4r": (partial(lbfgs, tol=1e-2, steps=1000), 4 * R),
    "deflation": (deflation, R),
    "Jennrich": (jennrich, R),
    "subspace power": (subspace_power, R),
}
MAKE = {
    "orthogonal": targets.orthogonal,
    "mixed": partial(targets.correlated, cosine=0.5, signs="mixed"),
}

# %%
p_values, live = [], {}
for family, l in ((f, l) for f in MAKE for l in (3, 4)):
    made = [MAKE[family]({3: 30, 4: 12}[l], R, l, seed=1000 + k) for k in range(SAMPLE)]
    for name, (method, m) in LIVE.items():
        if (seen := counted(name, family, l)) is None:
            continue
        wins = sum(finds(method, T, m, seed=k) for k, T in enumerate(made))
        live[name, family, l] = wins
        both = [[wins, SAMPLE - wins], [seen[0], seen[1] - seen[0]]]
        p_values.append(fisher_exact(both).pvalue)
least = min(p_values) * len(p_values)
print(
    f"recomputed: {len(p_values)} cells of {SAMPLE} runs, none at odds with the stored: {least > 1e-3}"
)
assert least > 1e-3

# %% [markdown]
# ## 5. Whose merit is it?
#
# `td.decompose` is descent and a finish: dropping what the others can replace (own parts, notebook 02), Gauss-Newton (Levenberg-Marquardt). Is the finish enough? We give it other starts with $m=4r$ terms: the fit of L-BFGS at 1 %, which finds nothing by itself, and uniform directions with least-squares weights.


# %%
def random_terms(core, m, seed):
    """Uniform directions with the weights that fit best."""
    U = generator(seed).standard_normal((len(core), m))
    U /= np.linalg.norm(U, axis=0)
    A = monomials(U, core.ndim)
    return SymmetricTensor(np.linalg.lstsq(A, from_dense(core).coords)[0], U, core.ndim)


def finished(start, core, m, seed):
    """A start's terms, then the finish of td.decompose to 1e-6, and no other attempt."""
    norm = np.linalg.norm(core)
    fit = start(core / norm, m, seed=seed).scaled(norm)
    return td.decompose(core, m, start=fit, tol=1e-6, attempts=1)


STARTS = {
    "td.decompose": partial(td.decompose, tol=1e-6, attempts=1, recipe=Recipe(epochs=4)),
    "L-BFGS, finish": partial(finished, partial(lbfgs, tol=1e-2, steps=1000)),
    "random, finish": partial(finished, random_terms),
}

# %%
won, DEEP = {}, budget(8, 30, 100)
for name, d, r in (("random", 30, 4), ("overcomplete", 6, 8)):
    made = [targets.random(d, r, 3, seed=3000 + k) for k in range(DEEP)]
    for start, method in STARTS.items():
        won[name, start] = rate([finds(method, T, 4 * r, k) for k, T in enumerate(made)])
        bar = won[name, start]
        word = "most" if bar.low > 0.5 else "few" if bar.high < 0.5 else "some"
        print(f"{name:>12s}, {start}: {word} runs find the components")
counts = {x: sum(won[t, x].successes for t in ("random", "overcomplete")) for x in STARTS}
tables = [[[counts[x], 2 * DEEP - counts[x]] for x in pair] for pair in combinations(STARTS, 2)]
least = min(fisher_exact(both).pvalue for both in tables)
assert (least > 1e-3 and min(x.low for x in won.values()) > 0.5) or BUDGET == "quick"
print("the three starts are not told apart: every p-value (Fisher) is above 0.001")

# %% [markdown]
# `[measured]` At these sizes the finish does the work. It takes the fits of L-BFGS, which find nothing by themselves, and even random directions with their best weights, to the components about as often as the fits of descent. So the advantage of `td.decompose` in Figure 1 is that of
# *more terms than needed, made fewer one by one*, each of them polished. Descent is one good way to the terms, not the only one. What it does by itself, from small components, is the subject of the other notebooks.
#
# ## 6. Falsification: each method outside its theory
#
# **Jennrich with $r>d$.** Then $M_a=UD_aU^\top$ is still a $d\times d$ matrix: it has $d$ eigenvectors, which cannot be $r$ components. Already the unfolding has rank at most $d$; the method cannot even be told $r$.
#
# **Deflation without orthogonality.** At a component $u_1$ of correlated ones, $T(u_1^{l-1},\cdot)=u_1+\sum_{j>1}(u_j\cdot u_1)^{l-1}u_j$ is not along $u_1$: the fixed points lie elsewhere, by an amount of order $\cos^{l-1}$, and what is subtracted is not a component.
#
# **Descent with $m=r$, without own parts.** With the norm rule alone (notebook 02) it gets stuck where there are no spare components; with own parts the rank is enough.
#
# **The subspace power method with too many components.** Powers $x^{\otimes2}$ in a random $r$-dimensional range are the components alone only up to a certain $r$; if the range is all of $\mathrm{Sym}^2$, *every* $x$ is a maximum. There $r=D_2=\binom{d+1}2$.

# %%
T = targets.random(4, 6, 3, seed=0)
try:
    jennrich(to_dense(T), 6, seed=0)
except ValueError as refused:
    print("Jennrich, r = 6 > d = 4:", refused)
fit = jennrich(to_dense(T), 4, seed=0)
print(f"with 4 of the 6: error above 10 %: {distance(fit, T) > 0.1 * T.norm}")
assert distance(fit, T) > 0.1 * T.norm

# %%
for cosine in (0.0, 0.1, 0.2, 0.4):
    T = targets.correlated(10, 2, 3, cosine=cosine, seed=0)
    fit = deflation(to_dense(T), 2, seed=0, steps=100)
    error = float(distance(fit, T) / T.norm)
    print(f"deflation, two components, cosine {cosine}: error {error:.3f}")
    assert (error < 1e-9) == (cosine == 0.0)

# %%
made, found = [targets.orthogonal(30, 8, 3, seed=4000 + k) for k in range(DEEP)], []
for rule in ({}, {"redraw": "norm", "stall": 0.0}):
    once = partial(td.decompose, attempts=1, recipe=Recipe(epochs=8, **rule))
    found.append(rate([finds(once, T, 8, k) for k, T in enumerate(made)]))
own, norm = found
assert (own.low > 0.8 and norm.high < own.low) or BUDGET == "quick"
print("td.decompose, orthogonal, l = 3, m = r = 8, 8 epochs: finds in over 0.8 of the runs,")
print("by the norm rule in fewer (the intervals do not meet)")

# %%
T = targets.random(3, 6, 4, seed=0)  # r = 6 = the dimension of Sym^2(R^3)
fit = subspace_power(to_dense(T), 6, seed=0)
found = recovers(T, [fit.factors])
error = float(distance(fit, T) / T.norm)
print(
    f"subspace power, d = 3, r = 6: components found: {found}; yet the error is below 1e-9: {error < 1e-9}"
)
assert error < 1e-9 and not found

# %% [markdown]
# ## 7. Which one when
#
# | what is known | take | because (Figure 1) |
# |---|---|---|
# | $r\le d$, $r$ known, no noise | Jennrich's method | all finds, the least time, error $10^{-15}$ |
# | $r\le d$, $r$ known, noise | ALS with restarts; polish a symmetric fit after | a few milliseconds a run; Jennrich's answer alone misses the error of the true tensor in 10 to 16 of 20 runs |
# | orthogonal components | deflation | all finds; wrong for anything else |
# | $l$ even, $r$ known, also $r>d$, no noise | subspace power method | all finds, before and after $r>d$ |
# | $r>d$, $l=3$ | `td.decompose`, $m=4r$ | 20 of 20; the best other method 6 of 20 |
# | $r$ not known | `td.decompose`, $m$ a few times a guess of $r$ | comes down to $r$; the others are told $r$, or with many terms find little at $l=3$ |
# | only a small residual is wanted | ALS with many terms | two sweeps; its terms mean nothing |


# %%
def at_least(method, share, where):
    """Whether the method's finds are at least this share on all these targets."""
    return all(counted(method, *x)[0] >= share * counted(method, *x)[1] for x in where)


assert at_least("td.decompose, 4r", 0.95, EASY) and at_least("Jennrich", 1.0, EASY)
assert at_least("subspace power", 1.0, [(f, l) for f, l in [*EASY, ("overcomplete", 4)] if l == 4])
assert at_least("td.decompose, 4r", 0.9, [("overcomplete", l) for l in (3, 4)])
others = [x for x in cells.loc["overcomplete", 3].index.unique(0) if not x.startswith("td")]
best = max(counted(x, "overcomplete", 3)[0] for x in others)
here = counted("td.decompose, 4r", "overcomplete", 3)
print(f"overcomplete, l = 3: {here[0]} of {here[1]} find, by the best other method {best}")
assert best < here[0] / 2
assert not at_least("Jennrich", 0.6, [(x, 3) for x in NOISY])
every = [counted("td.decompose, 4r", *x) for x in EASY]
found, runs = (sum(x) for x in zip(*every, strict=True))
bar = rate(np.arange(runs) < found)
least = 100 * min(f / n for f, n in every)
print(f"td.decompose, 4r: at least {least:.0f} % find in each of {len(every)} families,")
print(f"all together {found} of {runs}: Wilson 95 % from {100 * bar.low:.1f} %")

# %% [markdown]
# ## 8. What is open, and exercises
#
# 1. Figure 1 counts one start. Give every method the time that `td.decompose` takes at $m=4r$, as restarts. Who finds what then? (`total_ms`, `runs` and `finds` are in the stored table.)
# 2. L-BFGS at $m=4r$ begins with all $w_i=0$. Begin with normal weights instead. Does it still find the orthogonal components at $l=4$?
# 3. ALS with $m$ terms fits in one sweep as soon as $m\ge k^{l-1}$, $k$ the dimension of the span. What happens for $m$ between $r$ and $k^{l-1}$?
# 4. Give Jennrich's method a noisy tensor with components of cosine 0.9. At which noise does Gauss-Newton, begun at its answer, no longer help?
# 5. Replace the power method of deflation by Gauss-Newton on all components found so far after each deflation. Which of its failures remain?

# %%
print(
    f"receipt: budget {BUDGET}; stored: {main.runs.max()} runs per cell, seeds 0 to {main.runs.max() - 1};"
)
print(f"live: {SAMPLE} runs per cell, targets from seed 1000 on;")
print(f"section 5: {DEEP} runs per cell, targets from seed 3000 on; sizes as written")
