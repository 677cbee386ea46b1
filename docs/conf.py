"""The HTML edition: Sphinx over the executed notebooks. `make html` builds it, offline."""

import re
import sys
import tomllib
from html import escape
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
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
release = PROJECT["version"]

extensions = ["myst_nb", "sphinxcontrib.bibtex", "sphinx-mathjax-offline", "sphinx_copybutton"]
LIVE = tags.has("live")  # noqa: F821  # `make live`: with the page "Run it here"
exclude_patterns = ["_build", "**.ipynb_checkpoints", *([] if LIVE else ["run.md"])]
nitpicky = True

nb_execution_mode = "off"
nb_code_prompt_show = nb_code_prompt_hide = "Code"  # on what folds: cells tagged hide-input
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_cite_id = "cite-{key}"

# Matched to the height of the text's letters, formulas look too large beside it.
mathjax4_config = {"chtml": {"scale": 0.9}}

HEADLINE = "Components needed against dimension: lazy training about d²/6, the algorithm the rank"

html_theme = "sphinx_book_theme"
html_title = project
html_baseurl = PROJECT["urls"].get("Documentation", "")  # none yet; it would end in a slash
html_static_path = ["_static"]
html_css_files = ["edition.css"]
html_js_files = ["reading.js", "descent.js", "live.js", *(["run.js"] if LIVE else [])]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}
html_copy_source = False
html_theme_options = {
    "navbar_persistent": [],  # one field of search is enough: the one in the sidebar
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
}


CARDS = r":::{container} claims\n\1\n:::"


def finished(app, page, source):
    """Add to a page of ours the claims as cards, the index of figures, marks and links."""
    if not page.startswith("notebooks/"):
        text = edition.linked(ledger.renewed(source[0], "notebooks/"), page)
        text = re.sub("<!-- ledger -->(.*)<!-- /ledger -->", CARDS, text, flags=re.DOTALL)
        text = text.replace("\nlive\n", "\nlive\nrun\n") if LIVE and page == "index" else text
        source[0] = text.replace("<!-- figures -->", INDEX)


def described(app, page, template, context, doctree):
    """Say to search engines, and to whoever shares a page, what it is; formulas get their words."""
    name = ' aria-label="Toggle hidden content"'  # of a fold, which says "Code"
    context["body"] = edition.spoken(context.get("body", "").replace(name, ""))
    image = context["pathto"]("_images/headline.png", resource=True)
    image = f"{html_baseurl}_images/headline.png" if html_baseurl else image
    said = edition.about(page.removeprefix("notebooks/")) or PROJECT["description"]
    title = re.sub("<[^>]*>", "", context.get("title", project))
    graph = {"type": "article", "site_name": project, "title": title, "description": said}
    graph |= {"image": image, "image:alt": HEADLINE}
    tags = {'name="description"': said} | {f'property="og:{key}"': x for key, x in graph.items()}
    lines = [f'<meta {key} content="{escape(value)}">' for key, value in tags.items()]
    context["metatags"] = "\n".join([context.get("metatags", ""), *lines])


def setup(app):
    """Connect what this file defines."""
    app.connect("source-read", finished)
    app.connect("html-page-context", described)
