"""Write the repository's address, which pyproject.toml alone holds, wherever it is shown."""

import re
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT["urls"]["Repository"].rstrip("/")
SLUG = ADDRESS.partition("github.com/")[2]
PACKAGE = f"git+{ADDRESS}@v{PROJECT['version']}"
COLAB = "https://colab.research.google.com"
INSTALL = f"""\
if "google.colab" in sys.modules:  # Colab brings its own cupy: never install that
    from IPython import get_ipython

    package = "{PACKAGE}"
    get_ipython().run_line_magic("pip", f"install -q {{package}}")"""


def badge(name):
    """Return the Colab badge of notebook ``name``, as markdown."""
    page = f"{COLAB}/github/{SLUG}/blob/main/notebooks/{name}.ipynb"
    return f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({page})"


def current(text):
    """Return ``text`` with its badges, its installation on Colab and its clone line renewed."""
    badges = r"\[!\[Open in Colab\]\([^)]*\)\]\([^)]*/(\w+)\.ipynb\)"
    text = re.sub(badges, lambda found: badge(found[1]), text)
    text = re.sub(r"git\+https://[^\s\"'`@]+@v[\d.]*\d", PACKAGE, text)
    text = re.sub(r"git clone https://[^\s\"'`]+", f"git clone {ADDRESS}", text)
    install = r'^if \(?\s*"google\.colab" in sys\.modules.*?run_line_magic\(.*?\)$'
    return re.sub(install, lambda _: INSTALL, text, flags=re.DOTALL | re.MULTILINE)


def entry(source):
    """Return the README's line for one notebook: its title as a link, then its badge."""
    title = re.search(r"^# # (.+)$", source.read_text(encoding="utf-8"), re.MULTILINE)[1]
    return f"- [{title}](notebooks/{source.stem}.ipynb) {badge(source.stem)}\n"


def listed(text):
    """Return the README with its list of notebooks, between the markers, rewritten."""
    lines = "".join(entry(path) for path in sorted(ROOT.glob("notebooks/[0-9]*.py")))
    block = f"<!-- badges -->\n{lines}<!-- /badges -->"
    return re.sub(r"<!-- badges -->.*?<!-- /badges -->", lambda _: block, text, flags=re.DOTALL)


def stored(path):
    """Return the text of a stored notebook, its cells brought up to date."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = current(cell.source)
    return nbformat.writes(notebook) + "\n"


def pages():
    """Yield every file that shows the address, with the text it should have."""
    readme = ROOT / "README.md"
    yield readme, listed(current(readme.read_text(encoding="utf-8")))
    for path in sorted(ROOT.glob("notebooks/[0-9]*.py")):
        yield path, current(path.read_text(encoding="utf-8"))
    for path in sorted(ROOT.glob("notebooks/[0-9]*.ipynb")):
        yield path, stored(path)


if __name__ == "__main__":
    for path, text in pages():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"rewrote {path.relative_to(ROOT)}")
