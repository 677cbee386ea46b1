"""The HTML edition: Sphinx over the executed notebooks. `make html` builds it, offline."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import edition  # noqa: E402

from tools import ledger  # noqa: E402

INDEX = edition.prepared()  # Sphinx reads the executed notebooks in this folder, and executes none

project = "Beyond lazy training, executable"
author = "the authors of this executable edition"
copyright = f"{author}, MIT licence"
release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_nb", "sphinxcontrib.bibtex", "sphinx-mathjax-offline"]
LIVE = tags.has("live")  # noqa: F821  # `make live`: with the page "Run it here"
exclude_patterns = ["_build", "**.ipynb_checkpoints", *([] if LIVE else ["run.md"])]
nitpicky = True

nb_execution_mode = "off"
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_cite_id = "cite-{key}"

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["edition.css"]
html_js_files = ["descent.js", "live.js", *(["run.js"] if LIVE else [])]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}
html_copy_source = False
html_theme_options = {
    "navbar_persistent": [],  # one field of search is enough: the one in the sidebar
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
}


def finished(app, page, source):
    """Add to a page of ours the table of claims, the index of figures, marks and links."""
    if not page.startswith("notebooks/"):
        text = edition.linked(ledger.renewed(source[0], "notebooks/"), page)
        text = text.replace("\nlive\n", "\nlive\nrun\n") if LIVE and page == "index" else text
        source[0] = text.replace("<!-- figures -->", INDEX)


def setup(app):
    """Connect what this file defines."""
    app.connect("source-read", finished)
