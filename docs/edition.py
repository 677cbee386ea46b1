"""What the notebooks state in plain markdown becomes framed, linked and captioned in HTML.

The notebooks must read well on GitHub and in Colab, so they hold no directives. Before Sphinx
reads their text, this module finds by their form the statements ("**Theorem A** `[proved here]`.
..."), the captions ("**Figure 1.** *...*") and the mentions ("Lemma F", "notebook 04", "Jacot et
al. 2018"). Where they say "**Live figure.** *...*" it puts the figure, from live.md.
"""

import copy
import json
import re
import shutil
from base64 import b64decode
from functools import cache
from html import escape, unescape
from itertools import accumulate
from pathlib import Path

import nbformat
from pybtex.database import parse_file
from pylatexenc.latex2text import LatexNodes2Text

from tools.ledger import NOTEBOOKS, anchor

HERE = Path(__file__).resolve().parent
COPIES = HERE / "notebooks"
NUMBER = r"(?:[A-NRS]|\d+)\b"
NAME = rf"(?:(?:Theorem|Lemma|Proposition|Experiment) {NUMBER}|Corollary|P\d\b)(?:, continued)?"
STATED = rf"^(?:> )?\*\*(?:Claim )?({NAME})[^*]*\*\*(?=[^`\n]{{0,12}}`\[)"
CAPTION = r"^\*\*(Figure \d+|Reading it)\b"
LIVE = r"^\*\*Live figure\.\*\* \*(.+?)\.\*"
# No link belongs in code, formulas, links, headings, or in the name of what is being stated.
PLAIN = r"`[^`]+`|\$\$.*?\$\$|\$[^$]+\$|\[[^\]]*\]\([^)]*\)|</?\w[^>]*>|^#+ [^\n]*"
MENTION = (
    rf"(?P<kind>[Tt]heorem|Lemma|Proposition|Experiment|Figure)s?\s+{NUMBER}"
    rf"(?:(?:,|\s+and|\s+to|,\s+and)\s+{NUMBER})*(?!\s+(?:there|of notebook)\b)"
    rf"|(?P<claim>\bP[1-5]\b)|(?P<page>[Nn]otebook\s+\d\d)\b|(?<=` \*\*)(?P<entry>{NUMBER})(?=\*\*)"
)
MARK = r"`\[(?:paper|proved here|known|measured)\]`"


@cache
def notebooks():
    """Return the stored notebooks, by name, in order."""
    paths = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    return {path.stem: nbformat.read(path, as_version=4) for path in paths}


def numbered(digits):
    """Return the name of the notebook with this number."""
    return next(name for name in notebooks() if name.startswith(digits))


def title(name):
    """Return a notebook's number and title, as pages and links show it."""
    return f"{name[:2]} {re.match('# (.*)', notebooks()[name].cells[0].source)[1]}"


def blocks(text):
    """Return the blocks of a markdown text; a heading, and a line that states, begin a new one."""
    text = re.sub(r"^(#+ .*)$", r"\1\n", text, flags=re.MULTILINE)
    text = re.sub(f"(?={STATED})", "\n", text, flags=re.MULTILINE)
    return re.split(r"\n{2,}", text.strip("\n"))


def label(block):
    """Return what a block is referred to by: "Theorem A", "Figure 1", "Experiment 8"; or None."""
    found = (re.match(form, block) for form in (STATED, CAPTION, r"#.*?(Experiment \d+)"))
    return next((one[1] for one in found if one), None)


@cache
def labels():
    """Return all pairs of a notebook and what it labels."""
    cells = ((name, cell) for name, stored in notebooks().items() for cell in stored.cells)
    texts = ((name, cell.source) for name, cell in cells if cell.cell_type == "markdown")
    return {(name, label(block)) for name, text in texts for block in blocks(text)}


@cache
def literature():
    """Return, for each entry of references.bib, how a text cites it: "Jacot et al. 2018"."""
    patterns = {}
    for key, entry in parse_file(HERE / "references.bib").entries.items():
        last = [re.escape(" ".join(person.last_names)) for person in entry.persons["author"]]
        names = rf"(?:{r'(?:-|, | and )'.join(last)}|{last[0]} et al\.)"
        cited = rf"{names}(?:'s)?,? \(?(?:NeurIPS )?{entry.fields['year']}"
        patterns[key] = cited.replace("\\ ", " ").replace(" ", r"\s+")
    return patterns


def target(wanted, page):
    """Return the address of what a page mentions; None where that is nothing, or not one thing."""
    inside = page in notebooks()
    if wanted.startswith("cite-"):
        return f"{'../' * inside}references.html#{wanted}"
    folder = "" if inside else "notebooks/"
    if wanted.startswith("notebook"):
        return f"{folder}{numbered(wanted[-2:])}.html"
    everywhere = re.fullmatch(r"(Theorem|Lemma|Proposition) [A-NRS]|P\d|Experiment \d+", wanted)
    for name in [page, *(notebooks() if everywhere else [])]:
        if (name, wanted) in labels():
            return f"{folder}{name}.html#{anchor(wanted)}-{name[:2]}"
    return None


def linked(text, page):
    """Return a markdown text with its marks, and links from all that it mentions and cites."""

    def link(text, wanted):
        goal = target(wanted, page)
        tip = f"notebook {title(numbered(wanted[-2:]))}" if "notebook" in wanted else wanted
        return f'<a class="mention" title="{tip}" href="{goal}">{text}</a>' if goal else text

    def links(found):
        kind, text = found.lastgroup, found[0]
        if kind is None:  # a markdown link to a notebook tells its title
            to = re.fullmatch(r"\[[^\]]*\]\((?:notebooks/)?(\d\d_\w+)\.ipynb(?:#\S*)?\)", text)
            return f'{text[:-1]} "{title(to[1])}")' if to else text
        if kind == "mark":
            return f"{text}{{.mark .{re.search('[a-z]+', text)[0]}}}"
        if kind == "kind":  # "Theorems A" and "B"
            one = lambda n: link(n[0], f"{found['kind'].capitalize()} {n[0].split()[-1]}")  # noqa: E731
            return re.sub(rf"(?:^\w+\s+)?{NUMBER}", one, text)
        if kind == "entry":  # of the ledger
            names = (f"{word} {text}" for word in ("Theorem", "Lemma", "Proposition", "Experiment"))
            return link(text, next(filter(lambda name: target(name, page), names), ""))
        names = {"page": f"notebook {text[-2:]}", "claim": text}
        return link(text, names.get(kind, f"cite-{kind}"))

    cited = "|".join(rf"(?P<{key}>{form})" for key, form in literature().items())
    forms = f"(?P<mark>{MARK})|{PLAIN}|{STATED}|{CAPTION}|{cited}|{MENTION}"
    return re.sub(forms, links, text, flags=re.MULTILINE | re.DOTALL)


def live(title):
    """Return the section of live.md with this title, as a notebook's page shows it."""
    text = (HERE / "live.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]
    return section.replace("](notebooks/", "](")


def dressed(text, page, seen):
    """Return a cell's markdown framed, marked and linked, with the labels not yet ``seen``."""
    text = re.sub(r"!\[(Open in Colab)\]\([^)]*\)", r"\1", text)  # nothing comes from elsewhere
    text = text.replace("](../docs/", "](../")  # the copies stand in docs/ themselves
    lines, frame = [], None
    for block in blocks(text):
        if frame and re.match(r"[>#]|[*_]\S", block):  # a proof, or what comes next
            lines.append(":::\n")
            frame = None
        if (name := label(block)) and name not in seen:
            seen.add(name)
            lines.append(f"({anchor(name)}-{page[:2]})=")
        if name and not frame and not re.match(r"#|\*\*Experiment", block):
            frame = "below-figure" if re.match(CAPTION, block) else "statement"
            lines.append(f":::{{container}} {frame}")
        if block.startswith("#"):  # GitHub's anchors keep the letters of formulas
            block = re.sub(r"\$(\w)\$", r"*\1*", block)
        block = re.sub(f"({LIVE}).*", lambda x: f"{x[1]}\n\n{live(x[2])}", block, flags=re.DOTALL)
        lines.append(linked(block, page) + "\n")
        if frame == "below-figure" or (frame and block.startswith(">")):
            lines.append(":::\n")
            frame = None
    return "\n".join(lines) + ":::" * bool(frame)


def plain(formula):
    """Return a formula in letters and signs, for where none can be typeset."""
    latex = LatexNodes2Text(math_mode="text", strict_latex_spaces=False).latex_to_text
    formula = re.sub(r"\\[td]frac", r"\\frac", formula.replace(r"\|", "‖"))
    return " ".join(latex(re.sub(r"\\(?=log|ln)", " ", formula)).split())


def spoken(body):
    """Return a page's HTML, each formula with its plain text, for the excerpts of a search."""
    form = r'(<(?:span|div) class="math[^"]*")(>\s*\\[(\[](.*?)\\[)\]]\s*</)'
    said = lambda x: f'{x[1]} data-plain="{escape(plain(unescape(x[3])))}"{x[2]}'  # noqa: E731
    return re.sub(form, said, body, flags=re.DOTALL)


def about(name):
    """Return what a notebook says the reader will see, in a few plain sentences; or None."""
    cells = notebooks()[name].cells[:3] if name in notebooks() else []
    found = (block for cell in cells for block in blocks(cell.source))
    opening = next((block for block in found if block.startswith("**What you will see.**")), None)
    return opening and alt(opening.removeprefix("**What you will see.**"))


def alt(caption, length=320):
    """Return a caption's message and first details, as many whole sentences as fit."""
    formula = lambda x: plain(x[1]) if x[1] else ""  # noqa: E731
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", caption)  # a link's text
    text = re.sub(rf"{CAPTION}.*?\*\*|{MARK}", "", text)
    text = " ".join(re.sub(r"\$(.+?)\$|[*`]", formula, text, flags=re.DOTALL).split()).lstrip(". ")
    begun = list(accumulate(re.split(r"(?<=[.:;]) (?=[A-Z(])", text), "{} {}".format))
    return [begun[0], *(text for text in begun if len(text) <= length)][-1]


def figures(page, drawn, caption):
    """Give a caption's text to the figures of the cells above; return their entry in the index."""
    text, name = alt(caption), label(caption)
    goal, entry = f"notebooks/{target(name, page)}", []
    for cell in drawn:
        cell.metadata["mystnb"] = {"image": {"alt": text}}
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                file = COPIES / "figures" / f"{anchor(name)}-{page[:2]}-{len(entry)}.png"
                file.write_bytes(b64decode(output.data["image/png"]))
                options = f":alt: {json.dumps(text, ensure_ascii=False)}\n:target: {goal}"
                entry.append(f":::{{image}} {file.relative_to(HERE)}\n{options}\n:::")
    below = linked(caption, page).replace('href="', 'href="notebooks/')
    below = re.sub(r"^\*\*.*?\*\*", rf'<a href="{goal}">\g<0></a>', below)
    return "\n".join(["::::{container} indexed", *entry, "", below, "::::\n"])


def prepared():
    """Write the notebooks to where Sphinx reads them; return the index of their figures."""
    shutil.rmtree(COPIES, ignore_errors=True)
    shutil.copytree(NOTEBOOKS / "figures", COPIES / "figures")
    index = []
    for name, notebook in copy.deepcopy(notebooks()).items():
        seen, drawn = set(), []
        index.append(f"## {title(name)}")
        notebook.cells[0].source = re.sub("^# .*", f"# {title(name)}", notebook.cells[0].source)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                drawn.append(cell)
                continue
            if re.match(CAPTION, cell.source):
                index.append(figures(name, drawn, blocks(cell.source)[0]))
            cell.source, drawn = dressed(cell.source, name, seen), []
        nbformat.write(notebook, COPIES / f"{name}.ipynb")
    return "\n\n".join(index)
