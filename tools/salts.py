"""Run notebooks with other seeds: every assertion holds on each of them, not on the stored seed.

TD_SALT = 1, ..., 5 shifts every seed (0 is what is stored). Nothing is compared with stored
outputs, and nothing is stored. Arguments select notebooks by the beginning of their names, and
salts: `python -m tools.salts 02 salt=7`.
"""

import shutil
import sys
import tempfile

from tools import paper

SALTS = range(1, 6)


def failure(source, salt):
    """Run one notebook with shifted seeds in a folder that goes; return what failed, or None."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(source.parent, folder, dirs_exist_ok=True)
        env = {"PYTHONPATH": str(paper.ROOT), "TD_SALT": str(salt)}
        return paper.perform(source, env=env, folder=folder)[1]


def main(words):
    """Run the notebooks with each salt, one at a time; return the exit status."""
    chosen = [int(word.removeprefix("salt=")) for word in words if word.startswith("salt=")]
    sources, failed = paper.sources([w for w in words if not w.startswith("salt=")]), 0
    for salt in chosen or SALTS:
        for source in sources:
            found = failure(source, salt)
            print(f"{source.stem}, salt {salt}: {found or 'passed'}", flush=True)
            failed += bool(found)
    return 1 if failed or not sources else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
