"""Colab, simulated: its Python if there is one, its versions, and a notebook's own first cell."""

import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest
from nbclient import NotebookClient
from packaging.requirements import Requirement

from tools import pages
from tools.ledger import NOTEBOOKS, ROOT

VERSIONS = {"numpy": "2.1", "scipy": "1.16", "matplotlib": "3.10", "pandas": "2.2"}  # Colab's
CLONE, GPU = f"git clone {pages.ADDRESS} ", "CHECK_THE_GPU = False"


def test_colab_is_asked_to_install_the_package_and_no_other_versions(monkeypatch):
    """The cell that every notebook begins with, on a stand-in."""
    asked = []
    shell = SimpleNamespace(run_line_magic=lambda *magic: asked.append(magic))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    exec(pages.INSTALL, {"sys": SimpleNamespace(modules={"google.colab": None})})
    assert asked == [("pip", f"install -q git+{pages.ADDRESS}@v{pages.PROJECT['version']}")]
    allowed = {r.name: r.specifier for r in map(Requirement, pages.PROJECT["dependencies"])}
    assert all(version in allowed[name] for name, version in VERSIONS.items())


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
    """A repository with what stands here, at a path without spaces, for git and pip to take."""
    folder = tmp_path_factory.mktemp("edition") / "edition"
    others = shutil.ignore_patterns(".git", ".venv*", ".*cache", "_build", "cells", "notebooks-*")
    shutil.copytree(ROOT, folder, ignore=others)
    for command in ("init -q", "add -A", "-c user.name=a -c user.email=b commit -qm all"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)
    return folder


def overview(edition):
    """The stored 00_overview with that repository in the place of the public one's address."""
    notebook = nbformat.read(NOTEBOOKS / "00_overview.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    changes = {
        pages.INSTALL: pages.INSTALL.replace(pages.PACKAGE, str(edition)),
        CLONE: f"git clone {edition} ",
        GPU: GPU.replace("False", "True"),
    }
    for old, new in changes.items():
        (cell,) = [cell for cell in cells if old in cell.source]
        cell.source = cell.source.replace(old, new)
    return notebook


@pytest.mark.weekly
def test_the_overview_runs_on_colab(colab, edition, monkeypatch):
    """Its first cell installs the package and upgrades nothing; then every assert holds.

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
