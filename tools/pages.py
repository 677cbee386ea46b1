"""Write the claims and the repository's address wherever they are shown.

notebooks/ledger.toml alone holds the claims, pyproject.toml alone the address: edit them there.
"""

import re
import tomllib

import jupytext

from tools import ledger
from tools.ledger import NOTEBOOKS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT["urls"]["Repository"].rstrip("/")
SETTLED = ".invalid/" not in ADDRESS  # a host that can never exist: nothing may be fetched there
SLUG = ADDRESS.partition("github.com/")[2]
PACKAGE = f"git+{ADDRESS}@v{PROJECT['version']}"
COLAB = "https://colab.research.google.com"
FROM_ADDRESS = f"""\
import sys

if "google.colab" in sys.modules:  # Colab brings its own cupy: never install that
    from IPython import get_ipython

    package = "{PACKAGE}"
    get_ipython().run_line_magic("pip", f"install -q {{package}}")"""
FROM_NOWHERE = """\
import sys
from importlib.util import find_spec

if not find_spec("td"):
    sys.exit("td is not installed. The notebooks that `make colab` writes bring it along.")"""
INSTALL = FROM_ADDRESS if SETTLED else FROM_NOWHERE


def badge(name):
    """Return the Colab badge of notebook ``name``; without an address, which file to take there."""
    if not SETTLED:
        return f"*For Colab, Kaggle or any Jupyter:* `dist/colab/{name}.ipynb`, from `make colab`."
    page = f"{COLAB}/github/{SLUG}/blob/main/notebooks/{name}.ipynb"
    return f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({page})"


def entry(source):
    """Return the README's line for one notebook: its title as a link, its badge or one file."""
    title = re.search(r"^# # (.+)$", source.read_text(encoding="utf-8"), re.MULTILINE)[1]
    alone = badge(source.stem) if SETTLED else f"([one file](dist/colab/{source.stem}.ipynb))"
    return f"- [{title}](notebooks/{source.stem}.ipynb) {alone}"


def listed():
    """Return the README's list of notebooks between its markers."""
    entries = map(entry, sorted(NOTEBOOKS.glob("[0-9]*.py")))
    return "\n".join(["<!-- badges -->", *entries, "<!-- /badges -->"])


def renewed(text):
    """Return ``text`` with all that is generated in it renewed, but for the ledger."""
    install = r"^import sys\n(?:from [^\n]*\n)?\nif .*?(?:run_line_magic|sys\.exit)\(.*?\)$"
    badges = r"^(?:\[!\[Open in|\*For) Colab.*/(\w+)\.ipynb.*$"
    text = re.sub(badges, lambda found: badge(found[1]), text, flags=re.MULTILINE)
    text = re.sub(r"git\+https://[^\s\"'`@]+@v[\d.]*\d", PACKAGE, text)
    text = re.sub(r"git clone https://[^\s\"'`]+", f"git clone {ADDRESS}", text)
    text = re.sub(install, lambda _: INSTALL, text, flags=re.DOTALL | re.MULTILINE)
    return re.sub("<!-- badges -->.*<!-- /badges -->", lambda _: listed(), text, flags=re.DOTALL)


def pages():
    """Yield every file that shows something generated, with the text it should have."""
    readme = ROOT / "README.md"
    text = renewed(readme.read_text(encoding="utf-8"))
    yield readme, ledger.renewed(text, "notebooks/", ledger.summary)
    claims = ROOT / "docs" / "ledger.md"
    yield claims, ledger.renewed(claims.read_text(encoding="utf-8"), "../notebooks/")
    for path in sorted(NOTEBOOKS.glob("[0-9]*.[pi]*")):  # sources and stored notebooks
        form = {".py": "py:percent", ".ipynb": "ipynb"}[path.suffix]
        notebook = jupytext.reads(path.read_text(encoding="utf-8"), form)
        for cell in notebook.cells:
            cell.source = ledger.renewed(renewed(cell.source), "", ledger.table)
        yield path, jupytext.writes(notebook, form).rstrip("\n") + "\n"


if __name__ == "__main__":
    for path, text in pages():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"rewrote {path.relative_to(ROOT)}")
