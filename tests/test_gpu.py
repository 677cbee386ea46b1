"""`make gpu` as far as a machine without a GPU can take it: the receipt of a stand-in."""

import time
import tomllib
from types import SimpleNamespace

import array_api_strict
import cases
import numpy as np
import pytest
from test_memory import most_held

from td import backend
from tools import gpu, ledger

pytestmark = pytest.mark.slow

DEVICE = array_api_strict.Device("device1")
HEADER = {"device": "array-api-strict's device1", "gpu": False, "cupy": "none"}
ENV = {"TD_BACKEND": "numpy", "TD_BUDGET": "quick"}
GOOD = 'import os\nassert os.environ["TD_BUDGET"] == "quick"\nassert os.environ["TD_BACKEND"]\n'
SIZES = {"runs": (5,), "gradients": ((4, 6),)}


def device(x):
    """Put an array on the stand-in."""
    return array_api_strict.asarray(np.asarray(x), device=DEVICE)


FREE = {"qr": [0, 1], "svd": [0, 2], "eigh": [1]}  # the parts with columns, and rows, free in sign


def flipped(name, factorise):
    """A factorisation that chooses other signs, as another library may."""

    def found(x, **options):
        parts = list(result := factorise(x, **options))
        columns, *rows = FREE[name]
        signs = device([(-1.0) ** (k + 1) for k in range(parts[columns].shape[-1])])
        parts[columns] = parts[columns] * signs
        for k in rows:
            parts[k] = signs[:, None] * parts[k]
        return type(result)(*parts)

    return found


@pytest.fixture(scope="module", autouse=True)
def other_signs():
    """QR, SVD and eigenvectors are unique up to signs: the stand-in chooses others than numpy."""
    with pytest.MonkeyPatch.context() as patch:
        for name in FREE:
            right = getattr(array_api_strict.linalg, name)
            patch.setattr(array_api_strict.linalg, name, flipped(name, right))
        yield


def parts(sources=(), **sizes):
    """What is looked at on the stand-in, at small sizes."""
    return gpu.parts(device, most_held, sources, ENV, **{**SIZES, **sizes})


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Two small notebooks, one of which is wrong; the second is known to be short."""
    folder = tmp_path_factory.mktemp("notebooks")
    for name, code in {"99_good": GOOD, "00_bad": "assert 1 + 1 == 3"}.items():
        (folder / f"{name}.py").write_text(f"# %%\n{code}\n", encoding="utf-8")
    return sorted(folder.glob("*.py"), reverse=True)


@pytest.fixture(scope="module")
def saved():
    """What was saved after each part."""
    return []


@pytest.fixture(scope="module")
def receipt(sources, saved):
    """The stand-in's receipt."""
    save = lambda found: saved.append(gpu.text(found))  # noqa: E731
    return gpu.receipt(HEADER, parts(sources), "quick", save=save)


def test_every_function_is_in_the_receipt(receipt):
    """One deviation each, of rounding only: what is compared does not depend on signs."""
    assert receipt["deviation"].keys() == {*cases.CASES, *cases.TO_HOST}
    assert all(worst <= 1e-14 for worst in receipt["deviation"].values())


def test_speeds(receipt):
    """Runs per second by device, numpy and compiled; gradients, and the memory they take."""
    ways = [f"{way}, l = {l}, 5 runs" for l in (3, 4) for way in ("device", "numpy", "compiled")]
    for table in ("throughput", "start", "step"):
        assert list(receipt[table]) == ways and min(receipt[table].values()) > 0
    assert list(receipt["gradient"]) == ["device, d = 4, m = 6", "numpy, d = 4, m = 6"]
    assert list(receipt["memory"]) == ["device, d = 4, m = 6"]
    assert min(receipt["gradient"].values()) > 0 <= min(receipt["memory"].values())


def test_notebooks_are_executed_with_budget_and_backend(receipt):
    """A notebook that holds has its minutes; one that fails, its cell and error. Shortest first."""
    assert list(receipt["failed"]) == ["00_bad"] and not receipt["not_begun"]
    assert "00_bad.py, cell 0" in receipt["failed"]["00_bad"]
    assert list(receipt["minutes"]) == ["00_bad", "99_good"]
    assert receipt["minutes"]["99_good"] >= 0 and np.isnan(receipt["minutes"]["00_bad"])


def test_a_receipt_grows_part_by_part(receipt, saved):
    """Deviations, speeds, notebooks: each is saved before the next begins."""
    found = [tomllib.loads(text) for text in saved]
    sizes = [
        sum(len(x[table]) for table in ("deviation", "step", "gradient", "minutes")) for x in found
    ]
    assert sizes == [*range(1, sizes[-1] + 1), sizes[-1]] and repr(found[-1]) == repr(receipt)
    kinds = [[table for table in gpu.NOTES if x[table] and table != "failed"] for x in found]
    assert kinds == sorted(kinds, key=len) and kinds[0] == ["deviation"]


def test_no_part_is_begun_late(monkeypatch, sources):
    """What is not begun is named; what has begun ends."""
    monkeypatch.setattr(cases, "CASES", {"slow": lambda p: time.sleep(0.01) or p.U, "zero": None})
    monkeypatch.setattr(cases, "TO_HOST", {})
    found = gpu.receipt(HEADER, parts(sources, runs=()), "quick", limit=0.005)
    gradients = ["device, d = 4, m = 6", "numpy, d = 4, m = 6"]
    assert found["not_begun"] == ["zero", *gradients, "00_bad", "99_good"]
    assert found["deviation"] == {"slow": 0.0} and not found["failed"]


def test_the_text_is_the_receipt(receipt, tmp_path):
    """What is written is read back the same, NaN included."""
    found = tomllib.loads(gpu.write(receipt, tmp_path / "new").read_text(encoding="utf-8"))
    assert repr(found) == repr(receipt)


def test_only_a_gpu_earns_a_place_among_the_receipts(receipt):
    """The stand-in's receipt is refused, and nothing is written."""
    before = sorted(ledger.RECEIPTS.glob("*"))
    with pytest.raises(ValueError, match="only a GPU's receipt"):
        gpu.write(receipt)
    assert sorted(ledger.RECEIPTS.glob("*")) == before


def test_the_ledger_shows_the_newest(receipt, tmp_path):
    """No receipt, an old one where all held, a newer one where something failed."""
    assert ledger.gpu(tmp_path).startswith("No GPU receipt yet")
    old = {**receipt, "date": receipt["date"].replace(year=2001), "failed": {}}
    gpu.write(old, tmp_path)
    assert ledger.gpu(tmp_path).endswith(f"device1, cupy none, {old['date']}: everything held.")
    gpu.write({**old, "not_begun": ["x", "y"]}, tmp_path)
    assert ledger.gpu(tmp_path).endswith(
        f"{old['date']}: all but 2 parts looked at, everything held."
    )
    gpu.write(receipt, tmp_path)
    assert ledger.gpu(tmp_path).endswith(f"{receipt['date']}: failed: 00_bad.")


def test_committed_receipts_are_a_gpus():
    """Whatever stands under notebooks/receipts was written on a GPU, not at the smallest budget."""
    for path in ledger.RECEIPTS.glob("*"):
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        assert found["gpu"] is True and found["budget"] != "quick" and found["cupy"]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (lambda x: x * (1 + 1e-9), "from numpy, more than"),
        (lambda x: x * float("nan"), "nan from numpy"),
        (lambda x: x[..., :1], "instead of float64"),
        (backend.to_numpy, "left the device"),
        (lambda x: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_wrong_device_is_found(monkeypatch, wrong, complaint):
    """A result that is off, NaN, misshapen, on the host or not there at all."""
    on_device = lambda x: type(x) is type(device(0.0))  # noqa: E731
    case = lambda p: wrong(p.U) if on_device(p.U) else p.U  # noqa: E731
    monkeypatch.setattr(cases, "CASES", {"case": case})
    monkeypatch.setattr(cases, "TO_HOST", {})
    found = gpu.receipt(HEADER, parts(runs=(), gradients=()), "quick")
    assert complaint in found["failed"]["case"]


def test_only_what_is_free_is_exempt(monkeypatch):
    """Compared entry by entry, each case that has invariants would differ by the signs alone."""
    free = list(cases.INVARIANT)
    monkeypatch.setattr(cases, "INVARIANT", {})
    assert min(gpu.deviation(name, device) for name in free) > 0.1


def test_about_a_device():
    """Names and versions as cupy gives them."""
    runtime = SimpleNamespace(
        getDevice=lambda: 3,
        getDeviceProperties=lambda k: {"name": f"GPU {k}".encode()},
        runtimeGetVersion=lambda: 12090,
        driverGetVersion=lambda: 13000,
    )
    cupy = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime), __version__="14.0.1")
    found = {"device": "GPU 3", "gpu": True, "cupy": "14.0.1", "cuda": 12090, "driver": 13000}
    assert gpu.about(cupy) == found


def test_without_a_gpu_one_line_says_so(monkeypatch):
    """The tool ends with an error of one line and writes nothing."""

    def fail():
        raise ImportError("no\nGPU")

    monkeypatch.setattr(backend, "_usable_cupy", fail)
    monkeypatch.setattr(gpu, "write", None)
    with pytest.raises(SystemExit, match=r"^no receipt: .*no usable GPU.*ImportError: no GPU$"):
        gpu.main([])
