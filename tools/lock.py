"""Compile requirements.lock from pyproject.toml (pass --upgrade for the newest releases)."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GROUPS = "--group test --group docs"
FLAGS = f"{GROUPS} --universal --python-version 3.11 --generate-hashes --no-header --quiet"


def compile_lock(lock, *more):
    """Write ``lock``; the versions it already names are kept where they still fit."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *FLAGS.split()]
    command += ["-o", str(lock), *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    done = compile_lock(ROOT / "requirements.lock", *sys.argv[1:])
    sys.stderr.write(done.stderr)
    sys.exit(done.returncode)
