"""Write the claims, the list of notebooks and the repository's address wherever they are shown.

notebooks/ledger.toml alone holds the claims, notebooks/contents.toml what each notebook shows in
one line, pyproject.toml the address: edit them there.
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


def contents():
    """Yield each notebook's name, its title up to a colon, and what it shows in one line."""
    lines = tomllib.loads((NOTEBOOKS / "contents.toml").read_text(encoding="utf-8"))
    for source in sorted(NOTEBOOKS.glob("[0-9]*.py")):
        title = re.search(r"^# # ([^:\n]+)", source.read_text(encoding="utf-8"), re.MULTILINE)[1]
        yield source.stem, title, lines[source.stem]


def listed(base):
    """Return the numbered list of notebooks between its markers; ``base`` leads to them."""
    entries = (
        f"- **{name[:2]}** [{title}]({base}{name}.ipynb):\n  {line}"
        for name, title, line in contents()
    )
    return "\n".join(["<!-- notebooks -->", *entries, "<!-- /notebooks -->"])


def renewed(text, base):
    """Return ``text`` with its addresses and its list of notebooks made anew."""
    install = r"^import sys\n(?:from [^\n]*\n)?\nif .*?(?:run_line_magic|sys\.exit)\(.*?\)$"
    badges = r"^(?:\[!\[Open in|\*For) Colab.*/(\w+)\.ipynb.*$"
    among = "<!-- notebooks -->.*<!-- /notebooks -->"
    text = re.sub(badges, lambda found: badge(found[1]), text, flags=re.MULTILINE)
    text = re.sub(r"git\+https://[^\s\"'`@]+@v[\d.]*\d", PACKAGE, text)
    text = re.sub(r"git clone https://[^\s\"'`]+", f"git clone {ADDRESS}", text)
    text = re.sub(install, lambda _: INSTALL, text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(among, lambda _: listed(base), text, flags=re.DOTALL)


def page(path):
    """Return what one of our own pages should hold."""
    text = renewed(path.read_text(encoding="utf-8"), "notebooks/")
    if path.stem == "README":
        return ledger.renewed(text, "docs/", ledger.summary)
    return ledger.renewed(text, "../notebooks/")


def stored(path):
    """Return what a notebook, or its source, should hold."""
    form = {".py": "py:percent", ".ipynb": "ipynb"}[path.suffix]
    notebook = jupytext.reads(path.read_text(encoding="utf-8"), form)
    for cell in notebook.cells:
        cell.source = ledger.renewed(renewed(cell.source, ""), "../docs/", ledger.summary)
    return jupytext.writes(notebook, form).rstrip("\n") + "\n"


def pages():
    """Yield every file that shows something generated, with the text it should have."""
    for name in ("README.md", "docs/index.md", "docs/ledger.md"):
        yield ROOT / name, page(ROOT / name)
    for path in sorted(NOTEBOOKS.glob("[0-9]*.[pi]*")):
        yield path, stored(path)


if __name__ == "__main__":
    for path, text in pages():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"rewrote {path.relative_to(ROOT)}")
