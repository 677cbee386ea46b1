"""Bad input: every public function says which argument is wrong.

GOOD holds one right call of each function; every test spoils one argument of one call.
"""

import functools
from dataclasses import fields

import array_api_strict
import numpy as np
import public
import pytest
import reference

from td import backend, sweep, targets
from td.descent import Recipe
from td.symmetric import CoordinateTensor, SymmetricTensor, to_dense

NAN, INF = float("nan"), float("inf")
MODEL, ONE = reference.tensor(4, 5, 3, batch=(2,)), reference.tensor(4, 2, 3)
w, U, COORDS = MODEL.weights, MODEL.factors, MODEL.coordinates().coords
DENSE, FOURTH = to_dense(ONE), reference.tensor(4, 2, 4)
FAMILY = {"d": 4, "r": 2, "l": 3, "seed": 0, "signs": "mixed", "batch": (2,)}
TRAINING = {"U": U, "w": w, "T_star": MODEL, "alpha": np.array([1.0, 2.0]), "step": 1e-3}


def cell(seed, d):
    """A cell of a sweep."""
    return {"x": d}


GOOD = {
    "alternatives.als": {"T": DENSE, "m": 2, "seed": 0, "tol": 0.5, "sweeps": 2},
    "alternatives.compress": {"T": DENSE, "r": 2, "most": 2},
    "alternatives.deflation": {"T": DENSE, "r": 2, "seed": 0, "starts": 2, "steps": 2},
    "alternatives.jennrich": {"T": DENSE, "r": 2, "seed": 0},
    "alternatives.lbfgs": {"T": DENSE, "m": 2, "seed": 0, "tol": 0.5, "steps": 2},
    "alternatives.recovers": {"T": ONE, "factors": [ONE.factors], "cosine": 0.9},
    "alternatives.subspace_power": {"T": to_dense(FOURTH), "r": 2, "seed": 0}
    | {"starts": 2, "steps": 2},
    "backend.generator": {"seed": 0},
    "data.moment": {"X": U, "l": 3},
    "data.fourth_cumulant": {"X": U},
    "data.mixture_moment": {"X": U, "variance": 0.5},
    "data.image": {"T": MODEL, "A": U[:, :3, :4]},
    "data.whitening": {"S": ONE.factors @ ONE.factors.T, "k": 2},
    "decompose.decompose": {"T": DENSE, "m": 3, "seed": 0, "tol": 0.9, "attempts": 2},
    "descent.descend": {"T_star": MODEL, "m": 3, "seed": 0, "runs": 2, "dim": 9}
    | {"recipe": Recipe(tol=0.9)},
    "flow.climb": {"E": MODEL, "X": U, "steps": 2},
    "flow.field": {"E": MODEL, "X": U},
    "flow.flow": {"E": ONE, "X": U[0], "clock": np.array([0.0, 0.1])},
    "flow.greedy": {"T_star": ONE, "m": 2, "seed": 0, "runs": 2, "sign": "random", "steps": 2},
    "flow.greedy_width": {"r": 3, "l": 3, "eps": 0.1, "p": 0.1, "sign": "random"},
    "lazy.tangent_features": {"U": U, "l": 3},
    "lazy.tangent_basis": {"U": U, "l": 3},
    "lazy.expected_error": {"U": U, "l": 3},
    "lazy.trace": {"T": COORDS[..., None], "d": 4, "l": 3},
    "lazy.lazy_error": {"U": U, "targets": COORDS[..., None], "l": 3},
    "lazy.tangent_kernel": {"U": U, "w": w, "l": 3},
    "lazy.linearised_error": {**TRAINING, "steps": 2},
    "lazy.train": {**TRAINING, "times": (0, 2)},
    "lazy.paired": {"V": U},
    "lazy.generic_dim": {"d": 4, "l": 3, "m": 2},
    "lazy.threshold": {"d": 4, "l": 3},
    "lazy.rank_modulo_prime": {"d": 4, "l": 3, "m": 2, "seed": 0},
    "moments.sym_dim": {"d": 4, "l": 3},
    "moments.spectrum": {"d": 4, "l": 3},
    "moments.smallest_eigenvalue": {"d": 4, "l": 3},
    "moments.contraction_weights": {"d": 4, "l": 3},
    "moments.lazy_bound": {"d": 4, "l": 3, "m": 2},
    "objective.bracket": {"w": w, "U": U, "T_star": MODEL},
    "objective.orthogonal_kernel": {"w": w, "U": U, "l": 3},
    "objective.plain_gradient": {"w": w, "U": U, "T_star": MODEL},
    "objective.homogeneous_weights": {"a": w, "U": U, "l": 3},
    "objective.homogeneous_gradient": {"a": w, "U": U, "T_star": MODEL, "c": "constant"},
    "sweep.rate": {"success": [True]},
    "sweep.sweep": {"cell": cell, "grid": {"d": [1, 2]}, "seed": 0, "folder": None}
    | {"jobs": 1, "work": None},
    "sweep.needed": {"widths": [2, 4], "rates": [sweep.Rate(1, 2, 0.0, 1.0)] * 2},
    "sweep.needed_bar": {"widths": [2, 4], "rates": [sweep.Rate(1, 2, 0.0, 1.0)] * 2},
    "symmetric.monomials": {"X": U, "l": 3},
    "symmetric.inner": {"S": MODEL, "T": MODEL},
    "symmetric.difference": {"S": MODEL, "T": MODEL},
    "symmetric.distance": {"S": MODEL, "T": MODEL, "form": "gram"},
    "symmetric.to_dense": {"T": ONE},
    "symmetric.from_dense": {"T": DENSE},
    "targets.correlated": {**FAMILY, "cosine": 0.5},
    "targets.orthogonal": FAMILY,
    "targets.random": FAMILY,
    "targets.spanned": {**FAMILY, "kind": "correlated", "cosine": 0.5},
    "targets.subspace": {**FAMILY, "span": 2},
    "targets.trap": {"d": 4, "l": 3, "copies": 1},
    "CoordinateTensor": {"coords": COORDS, "dim": 4, "order": 3},
    "CoordinateTensor.contract": {"X": U},
    "Recipe": {field.name: getattr(Recipe(), field.name) for field in fields(Recipe)},
    "SymmetricTensor": {"weights": w, "factors": U, "order": 3},
    "SymmetricTensor.contract": {"X": U},
}
CALL = {
    **public.functions(),
    "CoordinateTensor": CoordinateTensor,
    "CoordinateTensor.contract": MODEL.coordinates().contract,
    "Recipe": Recipe,
    "SymmetricTensor": SymmetricTensor,
    "SymmetricTensor.contract": MODEL.contract,
}
# What has nothing to reject, or takes what its caller has checked; td.check is tested by all.
TRUSTING = {
    *("backend.like", "backend.namespace", "backend.select", "backend.to_numpy"),
    *("descent.fresh", "descent.observe", "descent.reinitialise", "descent.snapshot"),
    *("descent.step", "descent.step_sizes", "descent.trajectory", "flow.lifetime"),
    *("descent.leaps", "compiled.advance"),
    *("lazy.removal", "symmetric.insertion", "symmetric.multi_indices", "symmetric.multiplicities"),
    *("reduced.compress", "reduced.core", "reduced.directions", "reduced.gaussians"),
    "reduced.qr",
    *("symmetric.column_dot", "symmetric.gram", "symmetric.power", "symmetric.powers_product"),
    *("sweep.budget", "symmetric.transpose", "symmetric.unfold", "targets.to"),
    *("polish.fewest", "polish.least_rank", "polish.merge", "polish.misfit", "polish.polish"),
    *("polish.damped_step", "polish.normal_matrix", "polish.residual"),
    *("decompose.span", "symmetric.triangle"),
}
TRUSTING_MODULES = ("check", "show")
# A run that diverges passes through these: NaN must come out at the end of it, not stop it.
LET_NAN_THROUGH = {
    *("flow.field", "lazy.trace", "objective.bracket", "symmetric.monomials"),
    *("CoordinateTensor.contract", "SymmetricTensor.contract"),
}

# Where the first axis of a matrix has to fit something: elsewhere only the second one does.
FIRST_AXIS_MATTERS = {
    *("flow.climb", "flow.field", "flow.flow"),
    *("lazy.lazy_error", "lazy.linearised_error", "lazy.trace", "lazy.train"),
    *("objective.bracket", "objective.plain_gradient", "objective.homogeneous_gradient"),
    *("CoordinateTensor.contract", "SymmetricTensor.contract"),
}

NOT_AN_INTEGER = [2.0, "3", True, None]
BELOW_ONE, BELOW_TWO = [0, -1, *NOT_AN_INTEGER], [1, 0, -1, *NOT_AN_INTEGER]
UNKNOWN = ["unknown", "", None]
NOT_POSITIVE, NEGATIVE = [0.0, -1.0, NAN, INF, "1", True, None], [-1.0, NAN, INF, "1", True, None]
WRONG = {  # values that an argument of this name must never have
    **dict.fromkeys(
        ("d", "m", "r", "span", "copies", "epochs", "steps", "dim", "starts", "sweeps"), BELOW_ONE
    ),
    **dict.fromkeys(("l", "order"), BELOW_TWO),
    **dict.fromkeys(("tol", "delta0", "turn", "damp", "step", "eps", "p"), NOT_POSITIVE),
    **dict.fromkeys(("reinit", "small", "lam", "variance"), NEGATIVE),
    **dict.fromkeys(("sign", "signs", "model", "c", "form", "kind"), UNKNOWN),
    "runs": [0, -1, 2.0, "3", True],
    "seed": [None, 1.5, True, "1", -1, [1, -1], [0.5], 1j],
    "batch": [(0,), (2, -1), (1.5,)],
    "cosine": [1, -0.1, NAN, "0.5", None],
    "times": [(), (2, 0), (1, 1), (-1,), (0.5,)],
    "success": [[]],
    "widths": [[4, 2], [2]],
    "folder": [3, True, b"cells"],
    "jobs": BELOW_ONE,
    "grid": [
        *(None, [], {}, {1: [2]}, {"r": [1]}, {"d": []}, {"d": [1, 1]}, {"d": [1, 2.0]}),
        *({"d": x} for x in ([NAN], [INF], [None], [[1]], {1, 2}, [2**63], [1j], np.ones((2, 2)))),
    ],
}
WRONG_HERE = {  # where a function allows less, or more
    ("alternatives.compress", "r"): [5, 0, -1, 2.0, "3", True],
    ("alternatives.compress", "most"): [0, -1, 2.0, "3", True],
    ("alternatives.jennrich", "r"): [5, *BELOW_ONE],
    ("alternatives.subspace_power", "T"): {"odd order": DENSE},
    ("decompose.decompose", "T"): {
        "not symmetric": np.arange(8.0).reshape(2, 2, 2),
        "a vector": np.ones(3),
        "not cubic": np.ones((2, 3)),
        "empty": np.ones((0, 0)),
        "zero": np.zeros((2, 2)),
        "a zero sum": SymmetricTensor(np.array([1.0, -1.0]), np.ones((3, 2)), 3),
        "a batch": MODEL,
        "NaN": np.full((2, 2), NAN),
        "booleans": np.ones((2, 2), dtype=bool),
        "complex": np.ones((2, 2), dtype=complex),
        "not symmetric integers": [[1, 2], [3, 4]],
    },
    ("decompose.decompose", "tol"): [1e-15],
    ("data.whitening", "k"): [3, *BELOW_ONE],
    ("data.whitening", "S"): {"a batch": np.ones((2, 4, 4)), "not square": np.ones((2, 4))},
    ("descent.descend", "T_star"): {
        "zero": MODEL.scaled(0.0),
        "one of the batch zero": MODEL.scaled(np.array([1.0, 0.0])),
        "another batch": reference.tensor(4, 2, 3, batch=(3,)),
        "a dense array": DENSE,
    },
    ("descent.descend", "dim"): [3, 0, 9.0, "9", True, [9], [9, 3], 2**53 + 1],
    ("flow.climb", "steps"): [-1, *NOT_AN_INTEGER],
    ("flow.greedy", "steps"): [-1, *NOT_AN_INTEGER],
    ("lazy.linearised_error", "steps"): [-1, *NOT_AN_INTEGER],
    ("moments.lazy_bound", "m"): [-1, *NOT_AN_INTEGER],
    ("moments.sym_dim", "l"): [-1, *NOT_AN_INTEGER],
    **{
        (f"moments.{name}", "l"): BELOW_ONE
        for name in ("spectrum", "smallest_eigenvalue", "contraction_weights", "lazy_bound")
    },
    ("sweep.sweep", "cell"): {
        "a number": 3,
        "no function": functools.partial(cell),
        "no seed": lambda d: {},
        "other names": lambda seed, r: {},
        "no source": eval("lambda seed, d: {}"),
    },
    ("sweep.sweep", "work"): {
        "a number": 3,
        "negative": lambda d: -1.0,
        "NaN": lambda d: NAN,
        "a word": lambda d: "1",
    },
    ("symmetric.monomials", "l"): BELOW_ONE,
    ("symmetric.to_dense", "T"): {"a batch": MODEL},
    ("symmetric.from_dense", "T"): {
        "not symmetric": np.arange(8.0).reshape(2, 2, 2),
        "a vector": np.ones(3),
        "not cubic": np.ones((2, 3)),
    },
    ("targets.orthogonal", "r"): [5, *BELOW_ONE],
    ("targets.correlated", "r"): [4, *BELOW_ONE],
    ("targets.spanned", "d"): [2, *BELOW_ONE],
    ("targets.subspace", "span"): [5, *BELOW_ONE],
    ("targets.trap", "l"): [2, *BELOW_TWO],
    ("targets.trap", "d"): [1, *BELOW_ONE],
    ("Recipe", "signs"): ["mixed", None],
}


def spoilt_arrays(name, x):
    """Ways to spoil an array by itself."""
    yield "a list", x.tolist()
    yield "integers", x.astype(int)
    yield "empty", x[:0]
    if x.ndim > 1:
        yield "a number", np.array(1.0)
    if name not in LET_NAN_THROUGH:
        last = np.arange(x.size).reshape(x.shape) == x.size - 1
        yield "NaN", np.where(last, NAN, x)
        yield "infinite", np.where(last, INF, x)


def mismatched(name, x):
    """Ways to make an array or a tensor unfit for the others of its call."""
    if isinstance(x, SymmetricTensor):
        yield "float32", targets.to(x, np, dtype=np.float32)
        yield "another library", targets.to(x, array_api_strict)
        yield "another dimension", reference.tensor(5, 5, 3, batch=(2,))
        yield "another batch", reference.tensor(4, 5, 3, batch=(3,))
    else:
        yield "float32", x.astype(np.float32)
        yield "another library", array_api_strict.asarray(x)
        yield "another batch", np.concatenate([x, x[:1]])
        if x.ndim > 1:
            axis = -2 if name in FIRST_AXIS_MATTERS and x.shape[-2] == 4 else -1
            yield "too short", np.delete(x, 0, axis=axis)


def spoilt_calls():
    """Every (function, argument, bad value, words of which the message must hold one)."""
    for name, good in GOOD.items():
        arrays = [key for key, x in good.items() if isinstance(x, (np.ndarray, SymmetricTensor))]
        arrays = [key for key in arrays if key != "clock"]  # always the host's
        company = len(arrays) > 1 or "contract" in name
        for argument, value in good.items():
            ways = WRONG_HERE.get((name, argument), WRONG.get(argument, {}))
            ways = {repr(x): x for x in ways} if isinstance(ways, list) else dict(ways)
            if isinstance(value, np.ndarray) and name != "decompose.decompose":
                ways |= dict(spoilt_arrays(name, value))
            for how, bad in ways.items():
                yield pytest.param(name, argument, bad, [argument], id=f"{name}-{argument}-{how}")
            for how, bad in mismatched(name, value) if company and argument in arrays else ():
                yield pytest.param(name, argument, bad, arrays, id=f"{name}-{argument}-{how}")


def test_every_public_function_is_here():
    """Each public function has a right call here, or is listed as one that trusts its caller."""
    names = {name for name in CALL if name.partition(".")[0] not in TRUSTING_MODULES}
    assert names == {*GOOD, *TRUSTING}


@pytest.mark.parametrize("name", GOOD)
def test_good_calls_are_good(name):
    """The calls that the other tests spoil do run."""
    CALL[name](**GOOD[name])


@pytest.mark.parametrize("name, argument, bad, words", list(spoilt_calls()))
def test_the_message_names_the_argument(name, argument, bad, words):
    """A spoilt argument is a ValueError or TypeError that names it, or what it does not fit."""
    with pytest.raises((ValueError, TypeError), match=rf"\b({'|'.join(words)})\b"):
        CALL[name](**{**GOOD[name], argument: bad})


@pytest.mark.parametrize("name", ["", "torch", "CUPY"])
def test_unknown_backend(name, monkeypatch):
    """TD_BACKEND and the argument of select take three words."""
    monkeypatch.setenv("TD_BACKEND", name or "gpu")
    with pytest.raises(ValueError, match="backend must be 'numpy', 'cupy' or 'auto', got"):
        backend.select()
