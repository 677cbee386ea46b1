"""Colab, simulated: its Python if there is one, its versions, and a notebook that brings td."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace
from zipfile import ZipFile

import nbformat
import pytest
from nbclient import NotebookClient
from packaging.requirements import Requirement

from tools import colab as files
from tools import pages
from tools.ledger import NOTEBOOKS, ROOT

VERSIONS = {"numpy": "2.1", "scipy": "1.16", "matplotlib": "3.10", "pandas": "2.2"}  # Colab's
CLONE, GPU = f"git clone {pages.ADDRESS} ", "CHECK_THE_GPU = False"


def test_colab_is_asked_to_install_the_package_and_no_other_versions(monkeypatch):
    """The cell that every notebook begins with once the address is settled, on a stand-in."""
    asked = []
    shell = SimpleNamespace(run_line_magic=lambda *magic: asked.append(magic))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setitem(sys.modules, "google.colab", None)
    exec(pages.FROM_ADDRESS, {})
    assert asked == [("pip", f"install -q git+{pages.ADDRESS}@v{pages.PROJECT['version']}")]
    allowed = {r.name: r.specifier for r in map(Requirement, pages.PROJECT["dependencies"])}
    assert all(version in allowed[name] for name, version in VERSIONS.items())


def test_before_the_address_is_settled_nothing_is_installed(monkeypatch):
    """A first cell then passes where td is there, and else says in one line what to do."""
    exec(pages.FROM_NOWHERE, {})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="make colab"):
        exec(pages.FROM_NOWHERE, {})
    assert "pip" not in pages.FROM_NOWHERE


@pytest.mark.slow
def test_an_address_is_written_wherever_it_is_shown_and_taken_back(tmp_path):
    """`make address` with an address, then without one."""
    for folder in ("tools", "notebooks"):
        ignore = shutil.ignore_patterns("figures", "receipts", "__pycache__", "0[1-9]*", "1*")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "pyproject.toml", "docs/index.md", "docs/ledger.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    shown = [tmp_path / "README.md", *sorted((tmp_path / "notebooks").glob("00*"))]
    before, states = (tmp_path / "pyproject.toml").read_text(encoding="utf-8"), []
    for address in ("https://github.com/some/where", "https://nowhere.invalid/at-all"):
        text = re.sub(r'(?<=Repository = ").*(?=")', address, before)
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        subprocess.run([sys.executable, "-m", "tools.pages"], cwd=tmp_path, check=True)
        states.append("".join(path.read_text(encoding="utf-8") for path in shown))
    settled, unsettled = states
    assert settled.count("git+https://github.com/some/where@v") == 2  # the pair of one notebook
    assert settled.count("colab.research.google.com/github/some/where/") == 2
    assert "git+" not in unsettled and "colab.research" not in unsettled


@pytest.fixture(scope="module")
def install():
    """The first cell of a one-file notebook."""
    return files.first()


def test_a_one_file_notebook_differs_in_its_first_cell_alone(install):
    """In each the cell with the wheel takes the place of the first, and no other code changes.

    A text's pictures come as attachments.
    """
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        stored, alone = nbformat.read(path, as_version=4), files.alone(path, install)
        nbformat.validate(alone)
        changed = [k for k, c in enumerate(stored.cells) if c.source != alone.cells[k].source]
        shown = [k for k, c in enumerate(stored.cells) if "](figures/" in c.source]
        assert shown == [k for k, c in enumerate(alone.cells) if "attachments" in c]
        assert changed == [0, 1, *shown] and alone.cells[1].source.strip() == install.strip()
        assert "git+" not in "".join(cell.source for cell in alone.cells)


def begin(install, monkeypatch):
    """Run the first cell; what it asks pip for."""
    asked = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: asked.append(command))
    exec(install, {})
    return asked


def test_the_wheel_in_the_cell_is_td(install, monkeypatch):
    """File by file, and small; pip is asked for nothing else."""
    (command,) = begin(install, monkeypatch)
    assert command[1:-1] == ["-m", "pip", "install", "-q"] and len(install) < 200_000
    with ZipFile(command[-1]) as wheel:
        held = {n: wheel.read(n) for n in wheel.namelist() if n.startswith("td/")}
    sources = [p for p in (ROOT / "td").rglob("*") if p.suffix in (".py", ".csv", ".mplstyle")]
    assert held == {p.relative_to(ROOT).as_posix(): p.read_bytes() for p in sources}


def test_an_older_numpy_in_use_is_told_to_go(install, monkeypatch):
    """One line says to restart, before anything is imported from td."""
    monkeypatch.setitem(sys.modules, "numpy", SimpleNamespace(__version__="1.26.4"))
    with pytest.raises(SystemExit, match=r"numpy 1\.26\.4 is in use.*restart") as error:
        begin(install, monkeypatch)
    assert "\n" not in str(error.value) and version("numpy") != "1.26.4"


def newest():
    """Colab's Python if this machine has it, else our own."""
    find = [sys.executable, "-m", "uv", "python", "find", "--no-python-downloads", "3.13"]
    found = subprocess.run(find, capture_output=True, text=True, check=False)
    return found.stdout.strip() or sys.executable


def uv(*arguments):
    """Run uv; skip the test if it can't reach the package index, but not in CI."""
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], capture_output=True, text=True, check=False
    )
    if "Failed to fetch" in done.stderr and not os.environ.get("CI"):
        pytest.skip("the package index can't be reached")
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed(python):
    """The versions of what is installed, by name."""
    listed = json.loads(uv("pip", "list", "--format", "json", "--python", python))
    return {package["name"]: package["version"] for package in listed}


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """The Python of an environment like Colab's, where every process has loaded google.colab."""
    folder = tmp_path_factory.mktemp("colab")
    python = str(folder / "bin" / "python")
    uv("venv", "--seed", "--python", newest(), folder)
    versions = [f"{name}=={version}.*" for name, version in VERSIONS.items()]
    uv("pip", "install", "--python", python, "ipykernel", *versions)
    site = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.check_output([python, "-c", site], text=True).strip()
    os.makedirs(f"{site}/google/colab")
    for path, text in {
        "google/colab/__init__.py": "",
        "colab.pth": "import google.colab\n",
    }.items():
        with open(f"{site}/{path}", "w", encoding="utf-8") as file:
            file.write(text)
    kernel = ["-m", "ipykernel", "install", "--prefix", folder, "--name", "colab"]
    subprocess.run([python, *kernel], check=True, capture_output=True)
    return folder, python


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    """A repository with what stands here, at a path without spaces, for git to take."""
    folder = tmp_path_factory.mktemp("edition") / "edition"
    kept_out = (".git", ".venv*", ".*cache", "_build", "cells", "notebooks-*", "dist")
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*kept_out))
    for command in ("init -q", "add -A", "-c user.name=a -c user.email=b commit -qm all"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)
    return folder


def overview(edition):
    """00_overview as one file, with that repository in the place of the public one's address."""
    notebook = files.alone(NOTEBOOKS / "00_overview.ipynb", files.first())
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    changes = {
        CLONE: f"git clone {edition} ",
        GPU: GPU.replace("False", "True"),
    }
    for old, new in changes.items():
        (cell,) = [cell for cell in cells if old in cell.source]
        cell.source = cell.source.replace(old, new)
    return notebook


@pytest.mark.weekly
def test_the_overview_runs_on_colab(colab, edition, monkeypatch):
    """Its first cell installs td from itself and upgrades nothing; then every assert holds.

    At TD_BUDGET=quick. The cell for GPUs runs as well, and ends by saying that there is none.
    """
    folder, python = colab
    monkeypatch.setenv("JUPYTER_PATH", str(folder / "share" / "jupyter"))
    monkeypatch.setenv("TD_BUDGET", "quick")
    for variable in ("PYTHONPATH", "TD_BACKEND"):
        monkeypatch.delenv(variable, raising=False)
    before, notebook = installed(python), overview(edition)
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=300, kernel_name="colab", resources=place).execute()
    after = installed(python)
    assert before.items() <= after.items()
    assert after["beyond-lazy-training"] and not [name for name in after if "cupy" in name]
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    printed = "".join(out.get("text", "") for out in outputs)
    assert "receipt: budget quick" in printed
    assert "no receipt: cupy was asked for but no usable GPU was found" in printed
