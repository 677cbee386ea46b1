"""Every public function once: right calls of it, and beside them the bad input that it refuses.

Tests make the calls with numpy and on a stand-in for a GPU, tools/gpu.py makes them on a real one.
Other tests spoil the first call of each, one argument at a time.
"""

import dataclasses
import inspect
from functools import partial
from types import SimpleNamespace

import numpy as np
import public
import reference
from scipy.sparse import csr_array

from td import Decomposition, Recipe, SymmetricTensor, backend, descent, rates, targets
from td.tensor import monomials, to_dense


def entry(spoil, calls, *, axis=-1, same=None, to_host=False, lists=False, **refused):
    """calls(f, p): right calls of a function f with ``problem``'s arrays p; f alone: the host's.

    refused: bad values by argument. spoil: whether it also refuses what ``WRONG`` says of an
    argument's name, and spoilt arrays; axis: the one along which these must fit each other. same:
    what of a result libraries must agree on, where bases or signs are theirs to choose. to_host:
    whether results come to the host. lists: whether it takes lists and integers, too.
    """
    return SimpleNamespace(**locals())


case, door = partial(entry, False), partial(entry, True)


def problem(put, d=4, m=5, l=3):
    """Arrays where ``put`` puts them: two models in a batch, a target of norm 1 in four forms."""
    model, one = reference.tensor(d, m, l, batch=(2,)), ONE.scaled(1 / ONE.norm)
    place = lambda T: SymmetricTensor(put(T.weights), put(T.factors), T.order)  # noqa: E731
    p = SimpleNamespace(put=put, model=place(model), T=place(one), recipe=Recipe(epochs=2, steps=4))
    p.w, p.U, p.a = p.model.weights, p.model.factors, put(np.sign(model.weights))
    p.wide = place(SymmetricTensor(np.tile(one.weights, 150) / 150, np.tile(one.factors, 150), l))
    p.C, p.dense, p.now = p.T.coordinates(), to_dense(p.T), descent.observe(p.U, p.a, p.T, p.recipe)
    p.repeated = put(np.concatenate([model.factors[..., :2]] * 2, axis=-1))
    p.other = place(reference.tensor(d, 3, l, batch=(2,)))
    p.flat = place(reference.tensor(20, 2, l)).coordinates()
    p.models, p.alpha, p.chosen = p.model.coordinates(), put([2.0, 3.0]), put([1, 0, 1])
    p.tensors, p.targets = (p.model, p.T, p.C), (p.other, p.T, p.C)
    return p


def rngs():
    return np.random.default_rng(0).spawn(2)


def cell(seed, d):
    """A cell of a sweep."""
    return {"x": d}


def projector(Q):
    return Q @ Q.mT


NAN, INF = float("nan"), float("inf")
BELOW_ZERO, NEGATIVE = [-1, 2.0, "3", True, None], [-1.0, NAN, INF, "1", True, None]
BELOW_ONE, BELOW_TWO = [0, *BELOW_ZERO], [1, 0, *BELOW_ZERO]
NOT_POSITIVE, UNKNOWN = [0.0, *NEGATIVE], ["unknown", "", None]
WRONG = {  # values that an argument of this name must never have
    **dict.fromkeys(("d", "m", "r", "k", "span", "copies", "epochs", "steps", "dim"), BELOW_ONE),
    **dict.fromkeys(("starts", "sweeps", "jobs", "attempts"), BELOW_ONE),
    **dict.fromkeys(("l", "order"), BELOW_TWO),
    **dict.fromkeys(("tol", "delta0", "turn", "damp", "step", "eps", "p"), NOT_POSITIVE),
    **dict.fromkeys(("reinit", "stall", "small", "lam", "variance"), NEGATIVE),
    **dict.fromkeys(("sign", "signs", "model", "redraw", "c", "kind"), UNKNOWN),
    "runs": [0, -1, 2.0, "3", True],
    "seed": [None, 1.5, True, "1", -1, [1, -1], [0.5], 1j],
    "batch": [(0,), (2, -1), (1.5,)],
    "cosine": [1, -0.1, NAN, "0.5", None],
    "widths": [[4, 2], [2]],
}
ONE, MODEL = targets.random(4, 2, 3, seed=1), reference.tensor(4, 5, 3, batch=(2,))
DENSE, EVEN = to_dense(ONE), to_dense(reference.tensor(4, 2, 4))
RATES, FAMILY = [rates.Rate(1, 2, 0.0, 1.0)] * 2, {"seed": 0, "signs": "mixed", "batch": (2,)}
MODELS = [Recipe(model=x, lam=0.1) for x in ("homogeneous", "differentiated", "plain")]
NO_TENSOR = [  # not symmetric, not cubic, empty, not real
    *(np.arange(8.0).reshape(2, 2, 2), np.ones(3), np.ones((2, 3)), np.ones((0, 0))),
    *(np.ones((2, 2), dtype=complex), np.ones((2, 2), np.float16), np.ones((2, 2), np.longdouble)),
    *(np.ma.masked_less(np.eye(2), 0.5), csr_array(np.eye(2)), np.array([["a", "b"], ["b", "a"]])),
]
ODD = np.arange(8).reshape(2, 2, 2)  # not symmetric
WIDE = SymmetricTensor(np.ones(600), np.eye(600), 3)  # least squares would need 36 million numbers
FIT = Decomposition(np.ones(2), np.eye(2), 3, 0.0, "", {}, True, 0, 1, "")
NO_RUN = {
    "T_star": [DENSE, MODEL.take(np.zeros(3, int)), *map(MODEL.scaled, (0.0, np.eye(2)[0]))],
    "dim": [3, 0, 9.0, "9", True, [9], [9, 3], 2**53 + 1],
    "start": [(MODEL.factors[:1], MODEL.weights), (MODEL.factors, MODEL.weights * NAN)],
}
GRIDS = [[NAN], [INF], [None], [[1]], {1}, [1j], np.ones((2, 2)), [], [1, 1], [1, 2.0]]

TABLE = {
    "backend.namespace": case(lambda f: f(np.ones(2))),
    "backend.from_numpy": case(lambda f, p: [f(x, p.U) for x in ([0.5, 1.5], [1, 2], [True])]),
    "backend.to_numpy": case(lambda f, p: f(p.U), to_host=True),
    "backend.generator": door(lambda f: f(0)),
    "backend.gaussians": case(lambda f: f(rngs()[0], 9, 2, np.arange(3))),
    "backend.select": case(lambda f: f("numpy")),  # and the environment: test_backend.py
    "data.moment": door(lambda f, p: f(p.U, 3), lists=True),
    "data.fourth_cumulant": door(lambda f, p: f(p.U), same=lambda T: T.coordinates(), lists=True),
    "data.mixture_moment": door(lambda f, p: f(p.U, 0.5), lists=True),
    "data.mixture": case(lambda f, p: f(p.T, p.U[0, ...].mT), terms=[ONE.scaled(-1.0)]),
    "data.whitening": door(
        lambda f, p: f(projector(p.T.factors), 2),
        same=lambda maps: maps[1] @ maps[0],
        lists=True,
        S=[np.ones((2, 4, 4)), np.ones((4, 4, 4)), np.ones((2, 4)), np.triu(np.ones((4, 4)))],
        k=[3, *BELOW_ONE],
    ),
    "Decomposition.rank": case(lambda f: f(FIT)),
    "Decomposition.tensor": case(lambda f: f(FIT)),
    "Decomposition.to_dense": case(lambda f: f(FIT)),
    "decomposition.align": case(lambda f, p: f(p.T, ONE), to_host=True, B=[targets.trap(5, 3)]),
    "decomposition.decompose": door(
        lambda f, p: [f(T, 6, seed=0, tol=1e-6) for T in (p.T, p.dense, p.C, p.wide)],
        T=[*NO_TENSOR, MODEL, ONE.scaled(0.0), np.zeros((2, 2)), np.full((2, 2), NAN), ODD, WIDE],
        tol=[1e-15, 0.0, -1.0, NAN, INF, "1", True],
        attempts=BELOW_ONE,
        width=BELOW_ONE[:-1],
        rank=BELOW_ONE[:-1],
        start=[MODEL, targets.trap(5, 3)],
    ),
    "Recipe": door(lambda f: f(**vars(Recipe())), signs=["mixed", None]),
    "Recipe.degree": case(lambda f: f(Recipe(), 3)),
    "descent.observe": case(lambda f, p: [f(p.U, p.a, T, p.recipe) for T in (p.T, p.C)]),
    "descent.step_sizes": case(lambda f, p: f(p.now, 3, p.recipe)),
    "descent.step": case(lambda f, p: [f(p.now, 3, recipe) for recipe in MODELS]),
    "descent.fresh": case(lambda f: f(rngs(), 9, 3, Recipe())),
    "descent.own_parts": case(lambda f, p: [f(p.now, 3), f(p.now, 3, p.now.norms < 0.5)]),
    "descent.replaceable": case(lambda f, p: f(p.now, p.now.error, 3, Recipe(reinit=0.5))),
    "descent.redraw": case(
        lambda f, p: [
            f(p.now, p.now.norms > 0.5, rngs(), p.recipe, dims=[4, 4], used=n) for n in (2, 4)
        ]
    ),
    "descent.trajectory": door(
        lambda f, p: list(f(p.model, 5, seed=0, runs=2, recipe=p.recipe)), **NO_RUN
    ),
    "descent.descend": door(
        lambda f, p: [
            f(T, 5, seed=0, runs=2, recipe=p.recipe, dim=d)
            for T, d in ((p.model, None), (p.T, 10**6), (p.C, 10**6))
        ],
        **NO_RUN,
    ),
    "fast.look": case(lambda f: None),  # takes seconds to compile: test_fast.py
    "flow.correlation": case(lambda f, p: [f(T, p.U) for T in p.tensors]),
    "flow.flow": door(
        lambda f, p: tuple(f(p.T, p.U[0, ...], np.array([0.0, 0.1]))), axis=-2, to_host=True
    ),
    "flow.climb": door(
        lambda f, p: [f(T, p.U, steps=20) for T in p.tensors], axis=-2, steps=BELOW_ZERO
    ),
    "flow.greedy_width": door(lambda f: f(3, 3, eps=0.1, p=0.1)),
    "lazy.tangent_features": door(lambda f, p: f(p.U, 3)),
    "lazy.tangent_basis": door(lambda f, p: [f(U, 3) for U in (p.U, p.repeated)], same=projector),
    "lazy.lazy_error": door(lambda f, p: f(p.repeated, monomials(p.U, 3), 3), axis=-2),
    "lazy.tangent_kernel": case(lambda f, p: f(p.model)),
    "lazy.threshold": door(lambda f: f(4, 3)),
    "moments.sym_dim": door(lambda f: f(4, 3), l=BELOW_ZERO),
    "moments.spectrum": door(lambda f: f(4, 3), l=BELOW_ONE),
    "moments.smallest_eigenvalue": door(lambda f: f(4, 3), l=BELOW_ONE),
    "moments.contraction_weights": door(lambda f: f(4, 3), l=BELOW_ONE),
    "moments.lazy_bound": door(lambda f: f(4, 3, 2), l=BELOW_ONE, m=BELOW_ZERO),
    "objective.bracket": door(lambda f, p: [f(p.model, T) for T in p.targets]),
    "objective.gradient": door(
        lambda f, p: [f(p.model, p.other, c=c) for c in ("constant", "differentiated")]
    ),
    "objective.homogeneous": door(lambda f, p: f(p.a, p.U, 3)),
    "objective.orthogonal_kernel": case(lambda f, p: f(p.model)),
    "rates.budget": case(lambda f: f(1, 2, 3)),  # refuses what the environment says: test_rates.py
    "rates.rate": door(lambda f: f([True]), success=[[]]),
    "rates.mean": case(lambda f: f([1.0, 2.0])),
    "rates.needed": door(lambda f: f([2, 4], RATES)),
    "Rate.value": case(lambda f: f(RATES[0])),
    "sweep.sweep": door(
        lambda f: f(cell, {"d": [1, 2]}, seed=0, jobs=1),
        cell=[3, partial(cell), lambda d: {}, lambda seed, r: {}],
        grid=[None, [], {}, {1: [2]}, {"r": [1]}, *({"d": x} for x in GRIDS)],
    ),
    "targets.correlated": door(lambda f: f(4, 2, 3, cosine=0.5, **FAMILY), r=[4, *BELOW_ONE]),
    "targets.orthogonal": door(lambda f: f(4, 2, 3, **FAMILY), r=[5, *BELOW_ONE]),
    "targets.random": door(lambda f: f(4, 2, 3, **FAMILY)),
    "targets.spanned": door(lambda f: f("correlated", 4, 2, 3, **FAMILY), d=[2, *BELOW_ONE]),
    "targets.trap": door(lambda f: f(4, 3, copies=1), d=[1, *BELOW_ONE], l=[2, *BELOW_TWO]),
    "tensor.comparable": door(lambda f: f(S=MODEL, T=MODEL)),
    "tensor.core": case(lambda f, p: f(p.model)),
    "tensor.distance": door(lambda f, p: [f(p.model, T) for T in p.targets]),
    "tensor.from_dense": door(lambda f, p: f(p.dense), T=NO_TENSOR),
    "tensor.exponent": case(lambda f, p: p.put([1.0 * f(p.U)])),
    "tensor.insertion": case(lambda f: f(4, 3)),
    "tensor.monomials": case(lambda f, p: f(p.U, 3)),
    "tensor.multi_indices": case(lambda f: f(4, 3)),
    "tensor.multiplicities": case(lambda f: f(4, 3)),
    "tensor.power": case(lambda f, p: [f(p.U, n) for n in range(6)]),
    "tensor.qr": case(lambda f, p: f(p.U)),
    "tensor.symmetrize": door(
        lambda f, p: f(p.dense), lists=True, A=[np.ones((2, 3)), np.ones(())]
    ),
    "tensor.to_dense": case(lambda f, p: [f(T) for T in (p.T, p.C)], T=[MODEL]),
    "tensor.unit": case(lambda f, p: f(p.U)),
    "SymmetricTensor": door(lambda f, p: f(p.w, p.U, 3)),
    "SymmetricTensor.batch": case(lambda f: f(MODEL)),
    "SymmetricTensor.contract": case(
        lambda f, p: [f(T, X) for T in (p.T, p.model, p.wide) for X in (p.U, p.wide.factors)]
    ),
    "SymmetricTensor.coordinates": case(lambda f, p: f(p.model)),
    "SymmetricTensor.dim": case(lambda f: f(MODEL)),
    "SymmetricTensor.image": case(lambda f, p: f(p.model, p.U[:, :2, :4])),
    "SymmetricTensor.moved": case(
        lambda f, p: f(ONE, backend.namespace(p.U), dtype=p.U.dtype, device=p.U.device)
    ),
    "SymmetricTensor.norm": case(lambda f, p: [f(T) for T in (p.model, p.model - p.T)]),
    "Runs.take": case(lambda f, p: f(p.now, p.chosen)),
    "SymmetricTensor.scaled": case(lambda f, p: [f(p.model, x) for x in (2.0, p.alpha)]),
    "SymmetricTensor.span": case(lambda f, p: [f(T) for T in (p.T, p.wide)], same=projector),
    "SymmetricTensor.take": case(lambda f, p: [f(T, p.chosen) for T in (p.model, p.T)]),
    "SymmetricTensor.unfolded": case(lambda f, p: f(p.model)),
    "CoordinateTensor": door(lambda f, p: f(p.C.coords, 4, 3)),
    "CoordinateTensor.batch": case(lambda f: f(MODEL.coordinates())),
    "CoordinateTensor.contract": case(lambda f, p: [f(T, p.U) for T in (p.C, p.models)]),
    "CoordinateTensor.coordinates": case(lambda f, p: f(p.C)),
    "CoordinateTensor.image": case(lambda f, p: f(p.C, p.U[0, :2, :4])),
    "CoordinateTensor.norm": case(lambda f, p: f(p.models)),
    "CoordinateTensor.scaled": case(lambda f, p: [f(p.models, x) for x in (2.0, p.alpha)]),
    "CoordinateTensor.span": case(lambda f, p: [f(p.flat, n) for n in (None, 2)], same=projector),
    "CoordinateTensor.take": case(lambda f, p: [f(T, p.chosen) for T in (p.models, p.C)]),
    "CoordinateTensor.unfolded": case(lambda f, p: f(p.models)),
}
FUNCTIONS = public.everything()


def call(name, function, p=None):
    """What an entry's calls return if they are made to ``function``."""
    calls = TABLE[name].calls
    return calls(function, p) if name in ARRAYS else calls(function)


ARRAYS = {name: x for name, x in TABLE.items() if len(inspect.signature(x.calls).parameters) == 2}
RESULTS = {name: partial(call, name, FUNCTIONS[name]) for name in ARRAYS}
CASES = {name: found for name, found in RESULTS.items() if not TABLE[name].to_host}
TO_HOST = {name: found for name, found in RESULTS.items() if TABLE[name].to_host}
INVARIANT = {name: x.same for name, x in ARRAYS.items() if x.same}


def agreed(name, p):
    """The arrays of a case, or what of them no library is free to choose."""
    found = {**CASES, **TO_HOST}[name](p)
    if name in INVARIANT:
        found = [INVARIANT[name](x) for x in (found if isinstance(found, list) else [found])]
    return arrays(found)


def arrays(tree):
    """The arrays in nested tuples, lists and records, less what a record declares to be numpy's."""
    if dataclasses.is_dataclass(tree) or hasattr(tree, "_fields"):
        kinds = type(tree).__annotations__
        tree = [getattr(tree, name) for name, kind in kinds.items() if kind is not np.ndarray]
    if isinstance(tree, (tuple, list)):
        return [x for part in tree for x in arrays(part)]
    return [] if type(tree) in (int, float, bool, str, dict) else [tree]
