"""Make the environment .venv, or bring it up to date, with the standard library alone.

Run by the Makefile, which names the file that stands for a finished environment. That file goes
first and comes back last: an environment that was left half-made, or that something else made, has
none, and is made anew.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def run(lock, python, *command):
    """Run a module of ``python``; it holds the lock too, lest it outlive us. End if it fails."""
    done = subprocess.run([str(python), "-m", *command], cwd=str(ROOT), pass_fds=[lock])
    if done.returncode:
        sys.exit("no environment: mend what stands above, then `make` begins anew")


def runs():
    """Whether the environment's Python does, and is of our version."""
    version = "import sys; print(sys.version_info[:2])"
    try:
        found = subprocess.check_output([str(PYTHON), "-c", version], text=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return found.strip() == str(sys.version_info[:2])


def make(lock, ready):
    """Begin anew unless there is a finished environment, and install what the lock names."""
    finished = list(VENV.glob("ready-*"))
    keep = bool(finished) and runs()
    for path in finished:
        path.unlink()
    if not keep:
        run(lock, sys.executable, "venv", "--clear", str(VENV))
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    uv = text[text.index("\nuv==") :].partition("    # via")[0]
    (VENV / "uv.txt").write_text(uv, encoding="utf-8")
    pip = ["pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r"]
    run(lock, PYTHON, *pip, str(VENV / "uv.txt"))
    uv = ["uv", "-q", "pip"]
    run(lock, PYTHON, *uv, "sync", "--python", str(PYTHON), "--require-hashes", "requirements.lock")
    options = ["--no-deps", "--no-build-isolation", "--editable", "."]
    run(lock, PYTHON, *uv, "install", "--python", str(PYTHON), *options)
    ready.touch()


def main(ready):
    """Make it, unless another `make` that we have waited for has."""
    if sys.version_info < (3, 11):  # noqa: UP036 - an older one can run this file
        sys.exit(
            f"{sys.executable} is older than Python 3.11: name another, make PYTHON=python3.12"
        )
    lock = os.open(str(ROOT), os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            make(lock, ready)
    finally:
        os.close(lock)


if __name__ == "__main__":
    main(ROOT / sys.argv[1])
