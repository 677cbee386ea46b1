"""Make each claim false in a copy of the project, and see the test fail that bears on it.

tests/claims.toml lists the changes: in ``file`` the text ``old``, which stands there once, becomes
``new``; then ``test`` must fail. Arguments, if any, select claims by their names in the ledger.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tools.ledger import ROOT

TABLE = ROOT / "tests" / "claims.toml"
PARTS = ("td", "tests", "tools", "notebooks", "pyproject.toml")
PASSED, FAILED = 0, 1  # pytest's exit codes; others say that nothing was tested
# A module changed within a second would be read stale; and no smaller example is looked for.
ENV = {"PYTHONDONTWRITEBYTECODE": "1", "TD_HYPOTHESIS": "first"}


def changes(names=()):
    """Return the lines of the table, or those of the claims named."""
    lines = tomllib.loads(TABLE.read_text(encoding="utf-8"))["change"]
    return [line for line in lines if not names or line["claim"] in names]


def copied(folder):
    """Copy what tests need to a folder, and return it."""
    leave = shutil.ignore_patterns("__pycache__", "*.ipynb", "cells")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part, **({"ignore": leave} if copy is shutil.copytree else {}))
    return folder


def outcome(folder, tests):
    """Return pytest's exit code for some tests in a copy, and what it said."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    env = {**os.environ, **ENV, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def killed(folder, line):
    """Whether a line's test fails after its change; the copy is left as it was."""
    path = folder / line["file"]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(line["old"], line["new"]), encoding="utf-8")
    code, said = outcome(folder, [line["test"]])
    path.write_text(text, encoding="utf-8")
    print(f"{line['claim']:>3s}: {line['new']!r} in {line['file']}:", end=" ")
    print("killed" if code == FAILED else f"NOT KILLED by {line['test']}\n{said}", flush=True)
    return code == FAILED


def main(names):
    """Check that the tests pass as things are and fail after each change; return the status."""
    lines = changes(names)
    with tempfile.TemporaryDirectory() as temporary:
        folder = copied(Path(temporary))
        code, said = outcome(folder, sorted({line["test"] for line in lines}))
        if code != PASSED:
            print(said)
            return 1
        results = [killed(folder, line) for line in lines]
    print(f"{sum(results)} of {len(results)} changes make a test fail")
    return 0 if all(results) and results else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
