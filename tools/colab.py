"""Write each notebook as one file that brings td along: dist/colab/NN_name.ipynb."""

import os
import re
from base64 import b64encode
from contextlib import chdir
from mimetypes import guess_type
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap

import nbformat
from flit_core import buildapi

from tools import pages
from tools.ledger import NOTEBOOKS, ROOT

FOLDER = ROOT / "dist" / "colab"
FIRST = '''\
# @title Install td. It stands in this cell as text: nothing comes from a repository.
import importlib
import sys
from base64 import b64decode
from importlib.metadata import version
from pathlib import Path
from subprocess import run
from tempfile import mkdtemp

WHEEL = """
{wheel}
"""
wheel = Path(mkdtemp()) / "{name}"
wheel.write_bytes(b64decode(WHEEL))
run([sys.executable, "-m", "pip", "install", "-q", str(wheel)], check=True)
importlib.invalidate_caches()
loaded = getattr(sys.modules.get("numpy"), "__version__", version("numpy"))
if loaded != version("numpy"):
    why = f"numpy {{loaded}} is in use, and td needs the newer one that is installed now"
    sys.exit(f"{{why}}: restart the session (Runtime, Restart), then run all cells.")
'''


def first():
    """Return a first cell that installs td from the wheel that it holds."""
    os.environ["SOURCE_DATE_EPOCH"] = "315532800"  # 1980, where zip begins: the same bytes always
    with TemporaryDirectory() as folder, chdir(ROOT):  # where the build looks for pyproject.toml
        name = buildapi.build_wheel(folder)
        wheel = (Path(folder) / name).read_bytes()
    return FIRST.format(name=name, wheel="\n".join(wrap(b64encode(wheel).decode(), 100)))


def attach(cell):
    """Put the files of figures/ that a text shows into its cell."""
    names = re.findall(r"\]\(figures/([^)]+)\)", cell.source)
    files = {name: b64encode((NOTEBOOKS / "figures" / name).read_bytes()) for name in names}
    cell.source = cell.source.replace("](figures/", "](attachment:")
    if files:
        cell.attachments = {x: {guess_type(x)[0]: files[x].decode()} for x in files}


def alone(path, install):
    """Return the stored notebook at ``path`` with another first cell, folded, and no badge."""
    notebook = nbformat.read(path, as_version=4)
    title, cell = notebook.cells[0], next(c for c in notebook.cells if c.cell_type == "code")
    title.source = title.source.replace(pages.badge(path.stem) + "\n", "")
    cell.source = cell.source.replace(pages.INSTALL, install)
    for text in notebook.cells:
        attach(text)
    cell.metadata.update({"cellView": "form", "jupyter": {"source_hidden": True}})
    return notebook


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    install = first()
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        nbformat.write(alone(path, install), FOLDER / path.name)
    print(f"{FOLDER.relative_to(ROOT)}: one file each, {len(install) // 1000} kB of them td")
