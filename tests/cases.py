"""A call of every public array function, for every library that td computes with.

Tests repeat them on a stand-in for a GPU, tools/gpu.py on a real one.
"""

import dataclasses
from types import SimpleNamespace

import numpy as np
import reference

import td
from td import backend, check, data, descent, flow, lazy, objective, reduced, symmetric, targets
from td.decompose import span
from td.descent import Recipe
from td.symmetric import SymmetricTensor


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def problem(put, d=4, m=5, l=3):
    """Inputs for every function, as ``put`` places them: a batch of two models and targets."""
    model, one = reference.tensor(d, m, l, batch=(2,)), targets.random(d, 2, l, seed=1)
    place = lambda T: SymmetricTensor(put(T.weights), put(T.factors), T.order)  # noqa: E731
    T = place(one)
    p = SimpleNamespace(put=put, l=l, model=place(model), T=T, C=T.coordinates())
    p.w, p.U, p.a = p.model.weights, p.model.factors, put(np.sign(model.weights))
    p.repeated = put(np.concatenate([model.factors[..., :2]] * 2, axis=-1))
    p.dense, p.alpha, p.runs = symmetric.to_dense(T), put([2.0, 3.0]), put([1, 0, 1])
    p.unit, p.recipe = T.scaled(1 / T.norm), Recipe(epochs=2, steps=4, tol=0.3)
    p.state = descent.State(p.U, p.a, put([0, 0]))
    p.view = descent.observe(p.state, p.unit, p.recipe)
    return p


def rngs():
    return np.random.default_rng(0).spawn(2)


CASES = {
    "backend.like": lambda p: [backend.like(x, p.U) for x in ([0.5, 1.5], [1, 2], [True])],
    "check.array": lambda p: check.array("U", p.U, (4, "m")),
    "data.moment": lambda p: data.moment(p.U, 3),
    "data.fourth_cumulant": lambda p: data.fourth_cumulant(p.U),
    "data.mixture_moment": lambda p: data.mixture_moment(p.U, 0.5),
    "data.image": lambda p: data.image(p.model, p.U[:, :2, :4]),
    "data.whitening": lambda p: data.whitening(p.T.factors @ symmetric.transpose(p.T.factors), 2),
    "decompose.decompose": lambda p: [
        (result.weights, result.factors)
        for T in (p.T, p.dense, p.C, SymmetricTensor(p.put(np.ones(200)), p.put(normal(4, 200)), 3))
        for result in [td.decompose(T, 6, seed=0, tol=0.1)]
    ],
    "decompose.span": lambda p: span(
        SymmetricTensor(p.put(np.ones(2)), p.put(normal(20, 2)), 3).coordinates(), 2
    ),
    "descent.observe": lambda p: descent.observe(p.state, p.unit, p.recipe),
    "View.along": lambda p: p.view.along,
    "descent.step_sizes": lambda p: descent.step_sizes(p.view, 3, p.recipe),
    "descent.step": lambda p: [
        descent.step(p.state, p.view, 3, Recipe(model=model, lam=0.1))
        for model in ("homogeneous", "differentiated", "plain")
    ],
    "descent.reinitialise": lambda p: descent.reinitialise(p.state, rngs(), Recipe(reinit=2.0)),
    "descent.trajectory": lambda p: [
        (now.state, now.view) for now in descent.trajectory(p.unit, 6, rngs(), p.recipe)
    ],
    "descent.descend": lambda p: [
        (result.weights, result.factors)
        for T in (p.T, p.C, p.model)
        for dim in (None, 10**6)
        for result in [descent.descend(T, 6, seed=0, runs=2, recipe=p.recipe, dim=dim)]
    ],
    "flow.field": lambda p: [flow.field(T, p.U) for T in (p.T, p.C, p.model)],
    "flow.climb": lambda p: [flow.climb(T, p.U, steps=20) for T in (p.T, p.C, p.model)],
    "flow.greedy": lambda p: [
        (found.weights, found.factors)
        for sign in ("random", "positive", "chosen")
        for found in [flow.greedy(p.T, 3, seed=0, runs=2, sign=sign, steps=20)]
    ],
    "lazy.tangent_features": lambda p: lazy.tangent_features(p.U, 3),
    "lazy.tangent_basis": lambda p: [lazy.tangent_basis(U, 3) for U in (p.U, p.repeated)],
    "lazy.expected_error": lambda p: [lazy.expected_error(U, 4) for U in (p.U, p.repeated)],
    "lazy.trace": lambda p: lazy.trace(p.C.coords[:, None], 4, 3),
    "lazy.lazy_error": lambda p: lazy.lazy_error(p.repeated, symmetric.monomials(p.U, 3), 3),
    "lazy.tangent_kernel": lambda p: lazy.tangent_kernel(p.U, p.w, 3),
    "lazy.linearised_error": lambda p: lazy.linearised_error(
        p.U, p.w, p.T, alpha=p.alpha, step=1e-3, steps=5
    ),
    "lazy.train": lambda p: [
        (run.error, run.movement, run.factors)
        for T in (p.T, p.C)
        for run in [lazy.train(p.U, p.w, T, alpha=p.alpha, step=1e-4, times=(0, 3))]
    ],
    "lazy.paired": lambda p: lazy.paired(p.U),
    "objective.bracket": lambda p: [objective.bracket(p.w, p.U, T) for T in (p.T, p.C)],
    "objective.orthogonal_kernel": lambda p: objective.orthogonal_kernel(p.w, p.U, 3),
    "objective.plain_gradient": lambda p: objective.plain_gradient(p.w, p.U, p.T),
    "objective.homogeneous_weights": lambda p: objective.homogeneous_weights(p.a, p.U, 3),
    "objective.homogeneous_gradient": lambda p: [
        objective.homogeneous_gradient(p.a, p.U, p.T, c=c) for c in ("constant", "differentiated")
    ],
    "reduced.compress": lambda p: reduced.compress(p.U, 2, p.put([[1, 0, 0, 1, 0]] * 2) == 1),
    "reduced.core": lambda p: reduced.core(p.model),
    "reduced.qr": lambda p: reduced.qr(p.U),
    "symmetric.column_dot": lambda p: symmetric.column_dot(p.U, p.U),
    "symmetric.gram": lambda p: symmetric.gram(p.U, p.U, 2),
    "symmetric.powers_product": lambda p: [
        symmetric.powers_product(U, U, X, n, absolute=absolute)
        for U in (p.U[0, ...], p.put(normal(3, 300)), p.put(normal(30, 2100)))
        for X in (U, U[:, :3])
        for n, absolute in ((1, True), (2, False))
    ],
    "symmetric.unfold": lambda p: [symmetric.unfold(p.C.coords, 4, 3)],
    "symmetric.power": lambda p: [symmetric.power(p.U, n) for n in range(6)],
    "symmetric.triangle": lambda p: symmetric.triangle(p.U),
    "symmetric.transpose": lambda p: symmetric.transpose(p.U),
    "symmetric.monomials": lambda p: symmetric.monomials(p.U, 3),
    "symmetric.inner": lambda p: symmetric.inner(p.model, p.T),
    "symmetric.difference": lambda p: symmetric.difference(p.model, p.T),
    "symmetric.distance": lambda p: [
        symmetric.distance(p.model, p.T),
        symmetric.distance(p.model, p.T, form="gram"),
        symmetric.distance(p.model, p.C),
    ],
    "symmetric.to_dense": lambda p: symmetric.to_dense(p.T),
    "symmetric.from_dense": lambda p: symmetric.from_dense(p.dense),
    "targets.to": lambda p: targets.to(p.T, backend.namespace(p.U), dtype=p.U.dtype),
    "SymmetricTensor.array": lambda p: p.T.array,
    "SymmetricTensor.contract": lambda p: p.T.contract(p.U),
    "SymmetricTensor.norm": lambda p: p.model.norm,
    "SymmetricTensor.scaled": lambda p: [p.model.scaled(x) for x in (2.0, p.alpha)],
    "SymmetricTensor.take": lambda p: [p.model.take(p.runs), p.T.take(p.runs)],
    "SymmetricTensor.coordinates": lambda p: p.model.coordinates(),
    "SymmetricTensor.unfolded": lambda p: p.model.unfolded,
    "CoordinateTensor.array": lambda p: p.C.array,
    "CoordinateTensor.contract": lambda p: p.C.contract(p.U),
    "CoordinateTensor.norm": lambda p: p.model.coordinates().norm,
    "CoordinateTensor.scaled": lambda p: [p.C.scaled(x) for x in (2.0, p.alpha[0])],
    "CoordinateTensor.take": lambda p: [p.model.coordinates().take(p.runs), p.C.take(p.runs)],
    "CoordinateTensor.coordinates": lambda p: p.C.coordinates(),
    "CoordinateTensor.unfolded": lambda p: p.model.coordinates().unfolded,
}
TO_HOST = {
    "backend.to_numpy": lambda p: backend.to_numpy(p.U),
    "descent.snapshot": lambda p: list(descent.snapshot(p.view, p.T).values()),
    "flow.flow": lambda p: list(flow.flow(p.T, p.U[0, ...], np.array([0.0, 0.1]))),
}
INVARIANT = {  # what libraries must agree on where a basis, or its signs, are theirs to choose
    "decompose.decompose": lambda p, found: [
        symmetric.distance(SymmetricTensor(w, U, p.l), p.T) <= 0.01 * p.T.norm for w, U in found[:3]
    ],
    "data.fourth_cumulant": lambda p, found: symmetric.to_dense(
        SymmetricTensor(found.weights[0, ...], found.factors[0, ...], 4)
    ),
    "data.whitening": lambda p, found: found.back @ found.there,
    "decompose.span": lambda p, found: found @ symmetric.transpose(found),
    "symmetric.triangle": lambda p, found: symmetric.transpose(found) @ found,
    "lazy.tangent_basis": lambda p, found: [Q @ symmetric.transpose(Q) for Q in found],
}


def agreed(name, p):
    """The arrays of a case, or what of them no library is free to choose."""
    found = {**CASES, **TO_HOST}[name](p)
    return arrays(INVARIANT[name](p, found) if name in INVARIANT else found)


def arrays(tree):
    """The arrays in nested tuples, lists and tensors, in order."""
    if dataclasses.is_dataclass(tree):
        tree = [getattr(tree, field.name) for field in dataclasses.fields(tree)]
    if isinstance(tree, (tuple, list)):
        return [x for part in tree for x in arrays(part)]
    return [] if isinstance(tree, int) else [tree]
