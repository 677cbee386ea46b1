"""The HTML edition: Sphinx over the executed notebooks. `make html` builds it, offline."""

import shutil
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

from tools import ledger  # noqa: E402

# Sphinx reads one folder: the executed notebooks are copied into it, never executed there.
shutil.rmtree(HERE / "notebooks", ignore_errors=True)
shutil.copytree(
    ROOT / "notebooks",
    HERE / "notebooks",
    ignore=lambda folder, names: [
        n for n in names if "." in n and not n.endswith((".ipynb", ".png"))
    ],
)

project = "Beyond lazy training, executable"
author = "the authors of this executable edition"
copyright = f"{author}, MIT licence"
release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_nb", "sphinxcontrib.bibtex", "sphinx-mathjax-offline", "theorems"]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
nitpicky = True

nb_execution_mode = "off"
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_cite_id = "cite-{key}"

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["edition.css"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}
html_copy_source = False
html_theme_options = {
    "navbar_persistent": [],  # one field of search is enough: the one in the sidebar
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
}


def with_claims(app, docname, source):
    """Write the table of claims where a page of ours has room for it."""
    if not docname.startswith("notebooks/"):
        source[0] = ledger.renewed(source[0], ledger.table("notebooks/"))


def setup(app):
    """Connect what this file defines."""
    app.connect("source-read", with_claims)
