"""`.venv`: begun anew unless it was finished, made once, and plain words for an old Python."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tools import environment
from tools.ledger import ROOT


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose environment is made by noting the commands; the third may be cut short."""
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return tmp_path


def make(project, monkeypatch, *, name="ready-1", cut=None):
    """Make the environment; return which steps were taken, up to the one that is cut short."""
    steps = []

    def run(lock, python, *command):
        steps.append(command[2] if command[0] == "uv" else command[0])
        if steps[-1] == cut:
            raise KeyboardInterrupt
        if command[0] == "venv":
            shutil.rmtree(project / ".venv", ignore_errors=True)
            (project / ".venv" / "bin").mkdir(parents=True)
            (project / ".venv" / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(environment, "run", run)
    try:
        environment.main(project / ".venv" / name)
    except KeyboardInterrupt:
        pass
    return steps


STEPS = ["venv", "pip", "pip", "pip"]  # pip installs uv, which installs the lock, then td


def test_what_is_finished_is_kept(project, monkeypatch):
    """Nothing is done twice; another lock is installed into the same environment."""
    assert make(project, monkeypatch) == STEPS
    assert make(project, monkeypatch) == []
    assert make(project, monkeypatch, name="ready-2") == STEPS[1:]


@pytest.mark.parametrize("cut", ["venv", "pip"])
@pytest.mark.parametrize("name", ["ready-1", "ready-2"])
def test_what_was_cut_short_begins_anew(project, monkeypatch, cut, name):
    """The first time, and as well when a finished environment was being brought up to date."""
    if name == "ready-2" and cut == "pip":
        make(project, monkeypatch)
    make(project, monkeypatch, name=name, cut=cut)
    assert not list((project / ".venv").glob("ready-*"))
    assert make(project, monkeypatch, name=name) == STEPS


def test_an_environment_of_others_begins_anew(project, monkeypatch):
    """As `uv sync` leaves one, or one whose Python has gone."""
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    assert make(project, monkeypatch) == STEPS
    (project / ".venv" / "bin" / "python").unlink()
    assert make(project, monkeypatch, name="ready-2") == STEPS


def test_two_at_once_wait(project, monkeypatch):
    """The second finds what the first has made."""
    taken, begun = [], threading.Event()

    def slow(lock, ready):
        taken.append(ready.name)
        begun.set()
        ready.parent.mkdir(exist_ok=True)
        threading.Event().wait(0.3)
        ready.touch()

    monkeypatch.setattr(environment, "make", slow)
    first = threading.Thread(target=environment.main, args=(project / ".venv" / "ready-1",))
    first.start()
    begun.wait()
    environment.main(project / ".venv" / "ready-1")
    first.join()
    assert taken == ["ready-1"]


def test_an_old_python_is_told(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(SystemExit, match=r"is older than Python 3\.11: .*make PYTHON="):
        environment.main(Path("ready"))


def ready(*arguments, **variables):
    """The file that stands for a finished environment, as the Makefile names it."""
    command = ["make", "-s", "--eval", "show: ; @echo $(READY)", "show", *arguments]
    return subprocess.check_output(command, cwd=ROOT, text=True, env=os.environ | variables)


def test_another_version_of_python_is_another_environment(tmp_path):
    """Named on the command line or in the environment; by default the one there is stays."""
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho 3.99\n", encoding="utf-8")
    other.chmod(0o755)
    assert ".venv/ready-3.99-" in ready(f"PYTHON={other}") == ready(PYTHON=str(other))
    assert ".venv/ready-3.99-" not in ready()
