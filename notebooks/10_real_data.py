# %% [markdown]
# # Real data: moments, mixed pictures, handwritten digits
# *For Colab, Kaggle or any Jupyter:* `dist/colab/10_real_data.ipynb`, from `make colab`.
#
# **What you will see.** Moments of data are symmetric tensors, and their components are what one looks for:
# the sources of a mixture of signals, the centres of clusters. Nobody says how many there are, so more
# components than needed is the natural choice. Eight quarters of two photographs, mixed, come back with
# correlations above 0.99, their number not given.
#
# FastICA does it faster, told the number. On handwritten digits the method fails, and the model is to blame:
# on data drawn from the model, of the same size, the same code is right. Marks: [notebook
# 00](00_overview.ipynb).

# %% tags=["hide-input"]
import sys
from importlib.util import find_spec

if not find_spec("td"):
    sys.exit("td is not installed. The notebooks that `make colab` writes bring it along.")

# %% tags=["hide-input"]
import tracemalloc
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_sample_images
from sklearn.decomposition import FastICA
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

import td
from td import data, show
from td.backend import generator
from td.rates import budget, mean, rate
from td.tensor import SymmetricTensor, distance, multi_indices, multiplicities, to_dense

BUDGET = budget("quick", "ci", "paper")


# %% [markdown]
# ## 1. Two moments that are low-rank tensors
#
# **Sources** `[known]`. Let $x=As$ with independent sources $s_i$ of mean 0. Cumulants of independent
# variables have no mixed terms, and they are multilinear. So the fourth cumulant is
#
# $$\begin{aligned}K_4(x)&=\mathbb E\,x^{\otimes4}-3\,\mathrm{Sym}(\Sigma\otimes\Sigma)=\sum_i\kappa_i\,a_i^{\otimes4},\qquad\kappa_i=\mathbb E s_i^4-3(\mathbb E s_i^2)^2,\end{aligned}$$
#
# with $\Sigma$ the covariance of $x$, $a_i$ the columns of $A$, and $\mathrm{Sym}$ the mean over all orders
# of the axes. A Gaussian part of $x$ drops out.
#
# **Centres** `[known]` (Anandkumar, Ge, Hsu, Kakade and Telgarsky, 2014). Let $x=\mu_h+\sigma z$: cluster $h$
# has probability $\pi_h$, $z$ is standard normal. In $\mathbb E(\mu_h+\sigma z)^{\otimes3}$ the odd powers of
# $z$ vanish. What is left is the power of $\mu_h$ and three placements of $\mu_h\otimes\sigma^2I$:
#
# $$\begin{aligned}\mathbb E\,x^{\otimes3}-3\sigma^2\,\mathrm{Sym}(\mathbb E x\otimes I)=\sum_h\pi_h\,\mu_h^{\otimes3}.\end{aligned}$$
#
# The covariance of $x$ is that of the centres, of rank below their number $k$, plus $\sigma^2I$. So
# $\sigma^2$ is the mean of its $d-k+1$ smallest eigenvalues, and
# $\mathbb E\,xx^\top-\sigma^2I=\sum_h\pi_h\mu_h\mu_h^\top$.
#
# **Whitening** with a matrix $W$ makes this the identity on its $k$ directions: the
# $\sqrt{\pi_h}\,W\mu_h=u_h$ are then orthonormal. The components $u_h$ of the whitened tensor have weights
# $\lambda_h=\pi_h^{-1/2}$, and $\mu_h=\lambda_hW^+u_h$ leads back.
#
# Contractions with a vector $v$ are all that descent needs. For a mean over samples that is
# $\frac1n\sum_i(x_i\cdot v)^{l-1}x_i$, and no array of $d^l$ numbers is formed. The Gaussian terms are sums
# of powers too, by polarisation, for instance
# $\mathrm{Sym}(a\otimes b\otimes b)=\frac16\bigl((a+b)^{\otimes3}+(a-b)^{\otimes3}-2a^{\otimes3}\bigr)$. So
# each of these moments is an ordinary `SymmetricTensor`. **Check**, against dense arrays in $\mathbb R^4$:

# %% tags=["hide-input"]
rng = generator(0)
X = rng.exponential(size=(200, 4)) @ rng.standard_normal((4, 4))
Z = X - X.mean(0)
S, I, n = Z.T @ Z / len(Z), np.eye(4), len(X)
fourth = np.einsum("na,nb,nc,nd->abcd", Z, Z, Z, Z) / n
pairings = [
    np.einsum(f"{p},{q}->abcd", S, S) for p, q in (("ab", "cd"), ("ac", "bd"), ("ad", "bc"))
]
gap = abs(to_dense(data.fourth_cumulant(X)) - (fourth - sum(pairings))).max()
assert gap < 1e-12 * abs(fourth).max()

third = np.einsum("na,nb,nc->abc", X, X, X) / n
places = [
    np.einsum(f"{p},{q}->abc", X.mean(0), I) for p, q in (("a", "bc"), ("b", "ac"), ("c", "ab"))
]
gap = abs(to_dense(data.mixture_moment(X, 0.7)) - (third - 0.7 * sum(places))).max()
assert gap < 1e-12 * abs(third).max()
print("factored moments against dense ones: relative gap below 1e-12")

# %% [markdown]
# The same in $\mathbb R^{64}$, for the 1,797 digits of scikit-learn: the fourth moment as an array has $64^4$
# numbers.

# %% tags=["hide-input"]
digits = load_digits()
tracemalloc.start()
digits_moment = data.moment(digits.data, 4)
digits_moment.contract(rng.standard_normal((64, 20)))
peak = tracemalloc.get_traced_memory()[1] / 2**20
tracemalloc.stop()
print(f"64^4 numbers: {8 * 64**4 / 2**20:.0f} MiB; moment and contraction: less than 4 MiB")
assert peak < 4

# %% [markdown]
# ## 2. Experiment 12: eight mixed pictures
#
# The two photographs that scikit-learn ships, grey, four quarters each, are mixed by a random $8\times8$
# matrix. Their pixels are far from independent. Differences of neighbouring pixels are nearly uncorrelated,
# and a linear mixture of pictures has the same mixture as its differences. So we unmix the differences, and
# apply the result to the pictures.


# %% tags=["hide-input"]
def pictures():
    """Eight quarters of two photographs: (8, 213, 320)."""
    grey = [photo.mean(axis=2) for photo in load_sample_images().images]
    corners = [(y, x) for y in (0, 213) for x in (0, 320)]
    return np.array([g[y : y + 213, x : x + 320] for g in grey for y, x in corners])


def standard(rows):
    """Rows with mean 0 and variance 1."""
    rows = rows.reshape(len(rows), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / rows.std(axis=1, keepdims=True)


P = pictures()
pixels, sources = standard(P), standard(np.diff(P, axis=2))
kappa = np.mean(sources**4, axis=1) - 3
for name, s in (("pixels", pixels), ("differences", sources)):
    most = abs(np.corrcoef(s) - np.eye(8)).max()
    print(f"{name:12s} largest correlation of two sources {most:.2f}")
print("fourth cumulants of the differences:", *np.round(kappa, 1))

# %% [markdown]
# **How far are they from the model?** For independent sources the cumulant tensor in the sources' own axes
# would be diagonal. We print the norm of the rest, relative to the whole. And we print how large an error the
# sample explains: the tensor from ten bands of the pictures, one at a time, and the standard error of their
# mean.


# %%
def standard_error(make, X, bands=10):
    """That of make(X), from consecutive bands of rows, over its norm."""
    cuts = np.array_split(X, bands)
    parts = [make(rows).coordinates().coords for rows in cuts]
    spread = np.sum(np.var(parts, axis=0, ddof=1)) / bands
    return float(np.sqrt(spread) / make(X).coordinates().norm)


# %% tags=["hide-input"]
joint = data.fourth_cumulant(sources.T).coordinates()
off = distance(SymmetricTensor(kappa, np.eye(8), 4), joint) / joint.norm
error = standard_error(data.fourth_cumulant, sources.T)
print(f"off the diagonal: {off:.2f} of the norm; standard error of the tensor: {error:.2f}")
mixed = (sources**2) @ (sources**2).T / sources.shape[1] - 1 - 2 * np.corrcoef(sources) ** 2
mixed[np.diag_indices(8)] = 0.0
i, j = np.unravel_index(mixed.argmax(), mixed.shape)
print(f"largest mixed cumulant: {mixed[i, j]:.1f}, of sources {i} and {j}")
assert 0.1 < off < error < 0.5

# %% [markdown]
# So real sources miss the model by 17 % of the norm, and the sample would excuse 35 %. The tails are heavy
# ($\kappa$ up to 77), and fourth moments of heavy tails are noisy. To fit closer than the standard error is
# to fit noise, so **the tolerance of the decomposition is the standard error**, measured without knowing
# sources or mixture.
#
# **Rounds.** The cumulants range from 77 to 3. A source with $\kappa=3$ is 3 % of the norm, and hidden under
# an error of 35 %. So we go in rounds:
#
# - find what stands out; of four seeds keep the fewest components, among those the least error: within a
#   tolerance this wide there are wrong fits, too;
# - remove those directions from the (whitened) data, and look at the rest with its own norm and its own
#   standard error;
# - end when no direction is left, or when the error exceeds the norm.


# %%
def unmix(X, seed, seeds=4):
    """Independent directions (columns) of the rows of X, and the rounds."""
    d, ranks = X.shape[1], []
    there, _ = data.whitening(np.cov(X.T, bias=True), d)
    Z = (X - X.mean(axis=0)) @ there.T
    found, rest = np.zeros((d, 0)), np.eye(d)
    while rest.shape[1]:
        T = data.fourth_cumulant(Z @ rest).coordinates()
        error = standard_error(data.fourth_cumulant, Z @ rest)
        if error >= 1:
            break
        fit = partial(td.decompose, T, 4 * rest.shape[1], tol=error)
        fits = [fit(seed=[seed, k]) for k in range(seeds)]
        best = min(fits, key=lambda fit: (fit.rank, fit.error))
        ranks.append(best.rank)
        found = np.hstack([found, rest @ best.factors])
        Q = np.linalg.qr(found, mode="complete")[0]
        rest = Q[:, found.shape[1] :]
    return there.T @ found, ranks


# %% tags=["hide-input"]
mixing = generator(1).standard_normal((8, 8))
X = (mixing @ sources).T
V, ranks = unmix(X, seed=0)
C = abs(np.corrcoef(sources, V.T @ X.T)[:8, 8:])
S, R = linear_sum_assignment(-C)
print("components found in each round:", *ranks)
print(f"smallest correlation of a source with its partner: {C[S, R].min():.2f}")

# %% tags=["hide-input"]
mixed, out = np.tensordot(mixing, P, 1), np.tensordot(V.T, np.tensordot(mixing, P, 1), 1)
C = np.corrcoef(pixels, out.reshape(len(out), -1))[:8, 8:]
order = abs(C).argmax(axis=1)
out = out[order] * np.sign(C[np.arange(8), order])[:, None, None]


def sheet(pics):
    """Eight pictures in two rows of four, each to mean 0 and variance 1, with gaps between."""
    framed = [np.pad((p - p.mean()) / p.std(), 10, constant_values=np.nan) for p in pics]
    rows = np.vstack([np.hstack(framed[:4]), np.hstack(framed[4:])])
    return np.pad(rows, [(20, 20), (0, 0)], constant_values=np.nan)


fig, ax = show.figure(figsize=(7.2, 8.0))
whole = np.vstack([sheet(pics) for pics in (P, mixed, out)])
ax.imshow(whole, cmap="gray", vmin=-2.5, vmax=2.5)
names = ["sources", "mixtures, all that is given", "unmixed"]
ax.set_yticks(len(whole) * (np.arange(3) + 0.5) / 3, names, rotation=90, va="center")
ax.set_xticks([]), ax.grid(False), ax.spines[:].set_visible(False)
ax.tick_params(length=0)
ax.set_title("The eight pictures come back, their number not given")
plt.show()

# %% [markdown]
# **Figure 1.** *What is found in the differences unmixes the pictures.* Top: the sources. Middle: eight
# random mixtures, all that the algorithm is given. Bottom: its result, ordered and signed by comparison with
# the sources, since a cumulant knows neither order nor sign. Grey values, each picture to mean 0 and variance
# 1.
#
# **Others on the same mixtures**, new mixing matrices and seeds. FastICA (scikit-learn) is told that there
# are eight sources. ALS is alternating least squares (notebook 09) on the same whitened tensor, as an array,
# at $m=8$. "td, one round" is one call of `td.decompose`. We count the runs in which *all eight* sources have
# correlation above 0.99.


# %% tags=["hide-input"]
def fast(X, seed):
    """FastICA, told the number of sources."""
    return FastICA(8, random_state=seed, whiten="unit-variance").fit(X).components_.T


def as_array(T):
    """A tensor of few axes as a dense array."""
    C, shape = T.coordinates(), (T.dim,) * T.order
    entries = C.coords / np.sqrt(multiplicities(T.dim, T.order))
    order = np.ravel_multi_index(multi_indices(T.dim, T.order).T, shape)
    where = np.ravel_multi_index(np.sort(np.indices(shape).reshape(T.order, -1), axis=0), shape)
    return entries[np.searchsorted(order, where)].reshape(shape)


# %% tags=["hide-input"]
def als(T, m, *, seed, tol, sweeps=1000):
    """Alternating least squares for order 4, as in notebook 09: the first of the factor matrices."""
    flat, norm, last = T.reshape(len(T), -1), np.linalg.norm(T), np.inf
    factors = list(generator(seed).standard_normal((4, len(T), m)))
    for _ in range(sweeps):
        for _ in range(4):
            _, B, C, D = factors
            rest = np.einsum("ai,bi,ci->abci", B, C, D).reshape(-1, m)
            G = (B.T @ B) * (C.T @ C) * (D.T @ D)
            new = np.linalg.lstsq(G, (flat @ rest).T)[0].T
            factors = [B, C, D, new / np.linalg.norm(new, axis=0)]
        error = np.sqrt(max(norm**2 + np.sum(new * (new @ G - 2 * flat @ rest)), 0.0)) / norm
        if error <= tol or abs(last - error) <= 1e-3 * tol:
            break
        last = error
    return factors[0]


# %% tags=["hide-input"]
def tensor_als(X, seed):
    """ALS with eight components on the whitened cumulant, from the first of its factor matrices."""
    there, _ = data.whitening(np.cov(X.T, bias=True), 8)
    T = as_array(data.fourth_cumulant(X @ there.T))
    return there.T @ als(T, 8, seed=seed, tol=1e-4)


def one_round(X, seed):
    """One call of td.decompose, m = 32, the tolerance from the bands."""
    there, _ = data.whitening(np.cov(X.T, bias=True), 8)
    tol = standard_error(data.fourth_cumulant, X @ there.T)
    fit = td.decompose(data.fourth_cumulant(X @ there.T), 32, seed=seed, tol=tol)
    return there.T @ fit.factors


# %% tags=["hide-input"]
METHODS = {
    "td, in rounds": lambda X, seed: unmix(X, seed)[0],
    "td, one seed": lambda X, seed: unmix(X, seed, seeds=1)[0],
    "td, one round": one_round,
    "ALS, m = 8": tensor_als,
    "FastICA, told 8": fast,
}
TRIALS, table = budget(3, 5, 40), {name: [] for name in METHODS}
for seed in range(TRIALS):
    A = generator([2, seed]).standard_normal((8, 8))
    for name, method in METHODS.items():
        R = method((A @ sources).T, seed).T @ (A @ sources)
        C = abs(np.corrcoef(sources, R)[:8, 8:])
        table[name].append((C.max(axis=1) > 0.99).sum())
whole = {name: rate(np.array(found) == 8) for name, found in table.items()}
for name, found in table.items():
    print(f"{name:>15s}: all eight in {whole[name]} trials; at most {max(found)}")
rounds, one = whole["td, in rounds"], whole["td, one seed"]
assert rounds.value > 0.5 and whole["FastICA, told 8"].value > 0.5 and one.value > 0
assert max(table["td, one round"]) < 8 and max(table["ALS, m = 8"]) < 8
assert one.value < rounds.value or BUDGET != "paper"

# %% [markdown]
# **What a reader should take** `[measured]`.
#
# - In rounds, with the best of four seeds, the tensor method finds all eight, and is not told how many.
# - With one seed it found them in 33 of 40 mixtures, with four in all 40 (`TD_BUDGET=paper`). Two heavy
#   sources, 1 and 4, depend on each other (their mixed cumulant above), and a first round may settle for a
#   wrong fit that is still within the tolerance.
# - One round finds the five heavy ones at best: a relative tolerance cannot see the rest. ALS, given the true
#   number, never finds all eight.
# - FastICA does, told the number, in a fraction of the time. It looks at one direction at a time, and at a
#   contrast that grows more slowly than $s^4$.
#
# **To unmix signals, use FastICA.** What the tensor adds is a number of sources, with the error of the data
# as its yardstick.
#
# **Falsification.** Use the pixels themselves, with correlations up to 0.54 between sources. Then
# independence is gone, and every method should fail. Sources with a correlation above 0.99:

# %% tags=["hide-input"]
Y = (mixing @ pixels).T
for name, R in (("td", unmix(Y, seed=0)[0]), ("FastICA", fast(Y, seed=0))):
    C = abs(np.corrcoef(pixels, R.T @ Y.T)[:8, 8:]).max(axis=1)
    print(f"pixels, {name}: {rate(C > 0.99)}")
    assert (C > 0.99).sum() < 8

# %% [markdown]
# ## 3. Experiment 13: handwritten digits as a spherical mixture
#
# The 1,797 digits of scikit-learn, $8\times8$ pixels, ten classes. Model: each class a spherical Gaussian,
# all of one variance. Two data sets of the same size:
#
# - *control*: drawn from that model, with the classes' own centres, sizes and mean variance;
# - *digits*: the real ones.
#
# We keep $k=10$ directions, whiten, and decompose with $m=40$. The tolerance is again the standard error of
# the tensor, here by the bootstrap (digits have no order to respect). A sample goes to the nearest centre
# found. The measure is the adjusted Rand index (1: the classes, 0: chance). K-means and Gaussian mixtures are
# told that there are ten.


# %%
def centres(X, k, seed):
    """Centres (columns), proportions of a spherical mixture, third moment."""
    T, error, back = whitened(X, k, seed)
    fit = td.decompose(T, 4 * k, seed=seed, tol=error)
    proportions, means = data.mixture(fit.tensor, back)
    return means, proportions


def whitened(X, k, seed, draws=30):
    """Its whitened third moment, the standard error, and the way back."""
    values = np.linalg.eigvalsh(np.cov(X.T, bias=True))
    variance = float(values[: len(values) - k + 1].mean())
    signal = X.T @ X / len(X) - variance * np.eye(len(values))
    there, back = data.whitening(signal, k)

    def make(X):
        return data.mixture_moment(X, variance).image(there).coordinates()

    T, rng, n, squares = make(X), generator(seed), len(X), []
    for _ in range(draws):
        again = make(X[rng.integers(n, size=n)])
        squares.append(np.sum((again.coords - T.coords) ** 2))
    return T, float(np.sqrt(np.mean(squares)) / T.norm), back


# %% tags=["hide-input"]
def nearest(X, M):
    """The nearest column of M for each row of X."""
    return (np.sum(M * M, axis=0) - 2 * X @ M).argmin(axis=1)


# %% tags=["hide-input"]
X, y = digits.data, digits.target
means = np.array([X[y == j].mean(axis=0) for j in range(10)])
variance = np.mean((X - means[y]) ** 2)
noise = generator(3).standard_normal(X.shape)
control = means[y] + np.sqrt(variance) * noise

M, proportions = centres(control, 10, seed=0)
gap = np.linalg.norm(means.T[:, :, None] - M[:, None, :], axis=0).min(axis=1)
apart = min(np.linalg.norm(means[i] - means[j]) for i in range(10) for j in range(i))
score = adjusted_rand_score(y, nearest(control, M))
print(f"control: effective rank {M.shape[1]}, adjusted Rand index {score:.2f}")
print(f"centres, at least {apart:.0f} grey levels apart, are found to within {mean(gap)}")
print(f"sum of the proportions found: {proportions.sum():.2f}")
assert M.shape[1] == 10 and score > 0.99 and gap.max() < 5
assert 0.07 < proportions.min() < proportions.max() < 0.16

# %% [markdown]
# On the control everything is right: ten components out of $m=40$, the centres, the proportions, every sample
# in its class. Now the real digits.

# %% tags=["hide-input"]
REAL = [centres(X, 10, seed=k) for k in range(5)]
M_real = REAL[0][0]
rank, total = zip(*((M.shape[1], proportions.sum()) for M, proportions in REAL), strict=True)
real = [adjusted_rand_score(y, nearest(X, M)) for M, _ in REAL]
print(f"digits, five seeds: effective rank {mean(rank)}")
print(f"sum of the proportions found: {mean(total)}")
print(f"adjusted Rand index: {mean(real)}")
assert min(rank) > 10 and np.mean(total) > 1.2 and 0.1 < np.mean(real) < 0.5

# %% [markdown]
# **The model fails, and the result says so without any label** `[measured]`. In the model the whitened
# components are orthonormal, so there are at most $k=10$, and the proportions add up to 1. Here 17 or 18 are
# needed within the error of the data, and their proportions add up to far more than 1. That is not a mixture
# of ten spherical Gaussians.
#
# ## 4. Falsification: drop one hypothesis at a time
#
# Between control and digits there are two steps, drawn with the same centres and sizes:
#
# - *own variances*: spherical still, but each class with its own variance;
# - *own shapes*: Gaussian still, but each class with its own covariance.
#
# The identity of section 1 needs one common $\sigma^2I$. With class variances $\sigma_h^2$ a term
# $3\sum_h\pi_h(\sigma_h^2-\sigma^2)\,\mathrm{Sym}(\mu_h\otimes I)$ stays. With class covariances $\Sigma_h$
# it is $3\sum_h\pi_h\,\mathrm{Sym}(\mu_h\otimes(\Sigma_h-\sigma^2I))$. How large are they, whitened, beside
# the signal?

# %% tags=["hide-input"]
shapes = [np.cov(X[y == j].T, bias=True) for j in range(10)]
own = np.array([np.trace(C) / 64 for C in shapes])
roots = []
for C in shapes:
    values, axes = np.linalg.eigh(C)
    roots.append(axes * np.sqrt(np.maximum(values, 0)))
print(f"class variances from {own.min():.0f} to {own.max():.0f}")
largest = max(np.linalg.eigvalsh(C)[-1] for C in shapes)
print(f"largest variance of a class in one direction: {largest:.0f}, mean variance {variance:.0f}")

# %% tags=["hide-input"]
share = np.bincount(y) / len(y)
there, _ = data.whitening((means.T * share) @ means, 10)
signal = np.sqrt(np.sum(1 / share))
for name, parts in (("own variances", [v * np.eye(64) for v in own]), ("own shapes", shapes)):
    extra = [there @ (C - variance * np.eye(64)) @ there.T for C in parts]
    T = np.einsum("h,ha,hbc->abc", share, means @ there.T, extra)
    left = 3 * np.linalg.norm(T + T.transpose(1, 0, 2) + T.transpose(1, 2, 0)) / 3 / signal
    print(f"{name}: the term left over has {left:.1f} times the norm of the signal")

# %% tags=["hide-input"]
DATA = {
    "control": control,
    "own variances": means[y] + np.sqrt(own)[y, None] * noise,
    "own shapes": means[y] + np.array([roots[j] @ z for j, z in zip(y, noise, strict=True)]),
    "digits": X,
}


# %% tags=["hide-input"]
def scores(X):
    """Adjusted Rand indices of four methods; all but the first are told that there are ten."""
    mixture = GaussianMixture(10, covariance_type="spherical", n_init=3, random_state=0)
    labels = {
        "third moment": nearest(X, centres(X, 10, seed=0)[0]),
        "K-means": KMeans(10, n_init=10, random_state=0).fit_predict(X),
        "mixture (EM)": mixture.fit_predict(X),
        "class means": nearest(X, means.T),
    }
    return {name: adjusted_rand_score(y, found) for name, found in labels.items()}


table = {name: scores(Y) for name, Y in DATA.items()}
others = ", ".join(f"{name} {value:.1f}" for name, value in list(table["digits"].items())[1:])
print("adjusted Rand index on the digits:", others)

# %% tags=["hide-input"]
fig, ax = show.figure()
marks = dict(zip(table["digits"], show.MARKERS, strict=False))
for (name, mark), color in zip(marks.items(), show.CYCLE, strict=False):
    values = [row[name] for row in table.values()]
    ax.plot(values, mark + "-", color=color, ms=7)
    show.label(ax, 3, values[-1], name, color, xytext=(10, 0))
ax.set_xticks(range(4), table), ax.set_ylim(0, 1.05), ax.set_xlim(-0.15, 3.95)
ax.set_ylabel("adjusted Rand index")
ax.set_title("The third moment fails first: when the classes have their own shapes")
plt.show()

# %% [markdown]
# **Figure 2.** *The third moment is right where its model holds, and the first to fail where it does not.*
# Across: one hypothesis dropped at a time, from the control to the digits. Up: agreement with the ten
# classes. Unequal variances leave little over and do no harm; the shapes leave over nearly as much as the
# signal. "Class means" assigns each sample to the nearest true class mean: what any set of ten centres can be
# compared with. K-means and EM need no exact identity, and lose less.

# %% tags=["hide-input"]
fig, ax = show.figure(1, figsize=(7.2, 2.7))
pair = [(means.T[:, :, None] - A[:, None, :]) ** 2 for A in (M, M_real)]
closest = [A[:, p.sum(axis=0).argmin(axis=1)] for A, p in zip((M, M_real), pair, strict=True)]


def row(A):
    """The columns of A as pictures side by side, with gaps."""
    return np.hstack([np.pad(a.reshape(8, 8), 1, constant_values=np.nan) for a in A.T])


picture = ax.imshow(np.vstack([row(means.T), *map(row, closest)]), cmap="gray", vmin=0, vmax=16)
ax.set_yticks([4.5, 14.5, 24.5], ["class means", "found: control", "found: digits"])
ax.set_xticks([]), ax.grid(False), ax.spines[:].set_visible(False)
ax.tick_params(length=0)
fig.colorbar(picture, ax=ax, label="grey level", shrink=0.7)
ax.set_title("Right on the control, wrong on the digits")
plt.show()

# %% [markdown]
# **Figure 3.** *On the control the centres are the class means; on the digits they are not.* For each class
# the nearest of the centres found; one centre may stand below several classes.
#
# ## Take-away
#
# - Moments of data are low-rank tensors in factored form; the standard error of the moment is the tolerance,
#   and the number of components comes out.
# - Eight mixed pictures are unmixed without their number; FastICA, told the number, is faster. Use it.
# - A third moment is an exact identity of an exact model: on digits, whose classes have shapes, it fails, and
#   says so.
#
# ## What is open
#
# A *weighted* norm of the residual, the inverse standard error as weight, might show the light sources in one
# round. And which moment of real data is both low-rank and robust to heavy tails (that of $\log\cosh$, say,
# instead of a fourth power)?
#
# ## Exercises
#
# 1. (think) New mixing matrices change nothing but the seed: why is the law of a run of `unmix` the same for
#    every invertible $A$? Check that the whitened cumulant's norm is.
# 2. (check) Fit closer than the standard error: one round with `tol` at 1, 1/2 and 1/4 of it. How many
#    components come out? *Hint:* `one_round` with a factor.
# 3. (check) Keep $k=12$ directions of the control. Which components are added, and how do their proportions
#    give them away?
# 4. (check) How does the standard error of the third moment fall with the number of samples?
# 5. (open) Experiment 12 from one seed: where does the first round go wrong, and can one tell without the
#    sources?
#
# **Solution to 1.** Whitening leaves of $A$ an orthogonal matrix, and the law of the random start does not
# change under rotations.

# %% tags=["hide-input"]
norms = []
for seed in range(3):
    A = generator([4, seed]).standard_normal((8, 8))
    there, _ = data.whitening(np.cov(A @ sources, bias=True), 8)
    norms.append(data.fourth_cumulant((A @ sources).T @ there.T).coordinates().norm)
print("norm of the whitened cumulant, three mixtures:", *(f"{norm:.1f}" for norm in norms))
assert np.ptp(norms) < 1e-6 * max(norms)

# %% [markdown]
# **Solution to 2.** More and more components, and no more sources: what is added fits the noise of the
# sample. Averages over three seeds, sources counted with a correlation above 0.99:

# %% tags=["hide-input"]
Y = (mixing @ sources).T
there, _ = data.whitening(np.cov(Y.T, bias=True), 8)
T = data.fourth_cumulant(Y @ there.T).coordinates()
error = standard_error(data.fourth_cumulant, Y @ there.T)
for part in (1, 2, 4):
    fits = [td.decompose(T, 32, seed=k, tol=error / part) for k in range(3)]
    seen = [np.corrcoef(sources, fit.factors.T @ there @ Y.T)[:8, 8:] for fit in fits]
    right = [(abs(C).max(axis=1) > 0.99).sum() for C in seen]
    print(f"tolerance {error / part:.2f}: {mean([fit.rank for fit in fits])} components,")
    print(f"sources among them {mean(right)}")

# %% [markdown]
# **Solution to 3.** Whitening now blows up two directions of noise. The ten centres are there; what is added
# has the rest of a sum of proportions far above 1:

# %% tags=["hide-input"]
_, more = centres(control, 12, seed=0)
ten, rest = np.split(100 * np.sort(more), [10])
print(
    f"{len(more)} components; ten of {ten.min():.0f} to {ten.max():.0f} percent; added:",
    *np.round(rest),
)

# %% [markdown]
# **Solution to 4.** Like $n^{-1/2}$:

# %% tags=["hide-input"]
sizes, errors = 1797 * 4 ** np.arange(3), []
for n in sizes:
    rng = generator([7, n])
    labels = rng.choice(y, size=n)
    Y = means[labels] + np.sqrt(variance) * rng.standard_normal((n, 64))
    errors.append(whitened(Y, 10, 0)[1])
for n, error in zip(sizes, errors, strict=True):
    print(f"n = {n:6,d}: standard error {error:.2f} of the norm")
slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
print(f"slope {slope:.2f}, theory -0.5")

# %% [markdown]
# Next: [11, where width is needed](11_where_width_is_needed.ipynb): targets on which the rank is not enough.

# %% tags=["hide-input"]
print(f"receipt: budget {BUDGET}; experiment 12: 8 sources, {sources.shape[1]:,} samples,")
print(f"{TRIALS} mixing matrices; experiment 13: 1,797 digits, 64 pixels, 10 classes, m = 40,")
print("5 seeds on the digits; seeds as written")
