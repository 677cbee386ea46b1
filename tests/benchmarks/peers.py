"""Every method of the comparison behind one interface: (A, r, tol, seed) -> weights, factors.

A is a dense symmetric array, r the number of terms wanted, tol the relative error to stop at (left
aside by a method that knows no such stop). Factors come as one d x m matrix for each axis.
"Default" means the settings of a library's documentation. What is tuned starts from normal entries
and stops at tol, or where an iteration changes the error by less than tol / 1000.
"""

from dataclasses import replace

import numpy as np
import pyttb
from pyttb.gcp.handles import Objectives, gaussian, gaussian_grad
from pyttb.gcp.optimizers import LBFGSB
from tensorly.cp_tensor import CPTensor
from tensorly.decomposition import parafac, symmetric_parafac_power_iteration

import td
from td.descent import Recipe, descend
from td.tensor import SymmetricTensor, from_dense
from tests.reference import notebook

rivals = notebook("09_alternatives")  # the short forms that it shows
ONE = {"attempts": 1, "recipe": Recipe(epochs=4)}  # a run that is stuck gives up soon


def reseed(seed):
    """The peers' own random starts come from numpy's global state."""
    np.random.seed(seed)  # noqa: NPY002


def start(A, m, seed):
    """Normal entries, one matrix for each axis."""
    return list(np.random.default_rng(seed).standard_normal((A.ndim, len(A), m)))


def same(A, weights, U):
    """A symmetric fit has one matrix for all axes."""
    return weights, [U] * A.ndim


def descent(A, r, tol, seed):
    """This project's algorithm alone, in the span of A's fibres, as td.decompose begins."""
    T = from_dense(A)
    frame = T.span(r)
    run = descend(T.image(frame.mT), r, seed=seed, recipe=replace(ONE["recipe"], tol=tol))
    return same(A, run.weights, frame @ run.factors)


def decompose(A, r, tol, seed, **how):
    """td.decompose: descent to 10 %, what can be replaced dropped, least squares; one attempt."""
    fit = td.decompose(A, r, seed=seed, tol=tol, **ONE, **how)
    return same(A, fit.weights, fit.factors)


def told(A, r, tol, seed, **how):
    """td.decompose, told that there are r terms."""
    return decompose(A, None, tol, seed, rank=r, **how)


def tensorly_default(A, r, tol, seed):
    """SVD start, at most 100 sweeps, until a sweep changes the error by less than 1e-8."""
    return parafac(A, r)


def tensorly_tuned(A, r, tol, seed):
    """At most 300 sweeps."""
    first = CPTensor((np.ones(r), start(A, r, seed)))
    stop = lambda _, error: bool(error <= tol)  # noqa: E731
    return parafac(A, r, n_iter_max=300, init=first, tol=tol / 1000, callback=stop)


def tensorly_power(A, r, tol, seed, repeats=10, steps=10):
    """The symmetric power method, best of 10 starts of 10 x l steps."""
    reseed(seed)
    return same(A, *symmetric_parafac_power_iteration(A, r, n_repeat=repeats, n_iteration=steps))


def pyttb_default(A, r, tol, seed):
    """Uniform start, at most 1000 sweeps, until a sweep changes the fit by less than 1e-4."""
    reseed(seed)
    return _parts(pyttb.cp_als(pyttb.tensor(A), r, printitn=0)[0])


def pyttb_tuned(A, r, tol, seed, sweeps=300, turn=5):
    """At most 300 sweeps, in turns of 5: between turns it can be stopped at tol."""
    X, model = pyttb.tensor(A), pyttb.ktensor(start(A, r, seed))
    for _ in range(sweeps // turn):
        model, _, seen = pyttb.cp_als(X, r, tol / 1000, turn, init=model, printitn=0)
        if 1 - seen["fit"] <= tol or seen["iters"] + 1 < turn:
            break
    return _parts(model)


def gcp_default(A, r, tol, seed):
    """L-BFGS-B on the squared error, uniform start, scipy's tolerances, at most 1000 steps."""
    reseed(seed)
    X = pyttb.tensor(A)
    return _parts(pyttb.gcp_opt(X, r, Objectives.GAUSSIAN, LBFGSB(), printitn=0)[0])


def gcp_tuned(A, r, tol, seed):
    """No tolerance but tol: stops at it, or after 300 steps."""
    enough, seen = (tol * np.linalg.norm(A)) ** 2, {}

    def squares(data, model):
        seen["squares"] = gaussian(data, model)
        return seen["squares"]

    def stop(_):
        if np.sum(seen["squares"]) <= enough:
            raise StopIteration

    optimizer, loss = (
        LBFGSB(factr=10, pgtol=0.0, maxiter=300, callback=stop),
        (squares, gaussian_grad, -np.inf),
    )
    first = start(A, r, seed)
    return _parts(pyttb.gcp_opt(pyttb.tensor(A), r, loss, optimizer, init=first, printitn=0)[0])


def _parts(model):
    """Weights and matrices of a pyttb model."""
    return model.weights, model.factor_matrices


def in_span(method, **settings):
    """A method of notebook 09 on the core in the span of A's fibres, as td.decompose works."""

    def run(A, r, tol, seed):
        core, frame = rivals.in_span(A, most=r)
        stop = {"tol": tol} if method in (rivals.als, rivals.lbfgs) else {}
        fit = method(core, r, seed=seed, **stop, **settings)
        if isinstance(fit, SymmetricTensor):
            return same(A, fit.weights, frame @ fit.factors)
        return fit[0], [frame @ U for U in fit[1]]

    return run
