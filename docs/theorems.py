"""What the notebooks state in plain markdown becomes numbered, linked and captioned in HTML.

The notebooks must read well on GitHub and in Colab, so they hold no directives. This extension
finds their statements ("**Theorem A** `[proved here]`. ..."), captions ("**Figure 1.** *...*")
and mentions ("Lemma F", "notebook 04", "Jacot et al. 2018") by their form.
"""

import re
from functools import cache
from pathlib import Path

from docutils import nodes
from pybtex.database import parse_file
from pylatexenc.latex2text import LatexNodes2Text
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from tools.ledger import anchor

HERE = Path(__file__).resolve().parent
STATEMENT = r"(?:Theorem|Lemma|Proposition|Corollary|Claim P\d|P\d)\b"
NUMBERED = r"(?:[A-I]|\d+)\b"
MENTION = (
    rf"(?P<kind>[Tt]heorem|Lemma|Proposition|Experiment|Figure)s?\s+{NUMBERED}"
    rf"(?:(?:,|\s+and|\s+to|,\s+and)\s+{NUMBERED})*|\bP[1-5]\b|[Nn]otebook\s+(?P<page>\d\d)\b"
)
MARKS = {"[paper]": "paper", "[proved here]": "proved", "[known]": "known"}
MARKS["[measured]"] = "measured"
LATEX = LatexNodes2Text(math_mode="text", strict_latex_spaces=False)
log = logging.getLogger(__name__)


def opening(node):
    """Return what a paragraph, or a quotation of one, begins with."""
    first = node[0] if isinstance(node, nodes.block_quote) and len(node) else node
    pieces = [n for n in first if n.astext()] if isinstance(first, nodes.paragraph) else []
    return pieces[0] if pieces else None


def head(node):
    """Return the bold text that a paragraph, or a quotation of one, begins with."""
    return opening(node).astext() if isinstance(opening(node), nodes.strong) else ""


def name(text):
    """Return what a statement is called by: "Theorem A", "P4", "Proposition 2"."""
    found = re.match(r"(?:Claim )?(P\d|Corollary|\w+ \w+)(, continued)?", text)
    return found[1] + (found[2] or "") if found else text


def statement(node):
    """Return the nodes of a statement: all that stands before its proof, or what comes next."""
    if isinstance(node, nodes.block_quote):
        return [node]
    siblings = node.parent.children[node.parent.index(node) + 1 :]
    ends = (nodes.section, nodes.container, nodes.block_quote)
    size = next(
        i
        for i, other in enumerate([*siblings, nodes.section()])
        if isinstance(other, ends) or isinstance(opening(other), nodes.strong | nodes.emphasis)
    )
    return [node, *siblings[:size]]


def plain(node):
    """Return a node as plain text, its formulas in Unicode."""
    if isinstance(node, nodes.math):
        return LATEX.latex_to_text(node.astext().replace(r"\|", "‖"))
    if isinstance(node, nodes.literal) and node.astext() in MARKS:
        return ""
    if isinstance(node, nodes.Text):
        return node.astext()
    return "".join(map(plain, node.children))


def alt(caption, length=320):
    """Return a caption's message and first details, as many whole sentences as fit."""
    text = " ".join(plain(caption).removeprefix(head(caption)).split()).lstrip(". ")
    sentences = re.split(r"(?<=[.:;]) (?=[A-Z(])", text)
    kept = sentences[:1]
    for more in sentences[1:]:
        if len(" ".join([*kept, more])) > length:
            break
        kept.append(more)
    return " ".join(kept)


class Label(SphinxTransform):
    """Give statements, experiments, figures and headings their ids; note them with the page."""

    default_priority = 700

    def apply(self):
        """Label one page."""
        self.labels = self.env.metadata[self.env.docname].setdefault("labels", {})
        for section in self.document.findall(nodes.section):
            self.heading(section)
        if self.env.docname.startswith("notebooks/"):
            for node in list(self.document.findall(lambda n: bool(head(n)))):
                self.statement(node)
            for node in list(self.document.findall(nodes.image)):
                self.image(node)
        for node in self.document.findall(nodes.literal):
            if node.astext() in MARKS:
                node["classes"] += ["mark", MARKS[node.astext()]]

    def note(self, label, node):
        """Make ``node`` what ``label`` refers to on this page, unless something else is."""
        if label not in self.labels:
            self.labels[label] = anchor(label)
            node["ids"].insert(0, anchor(label))

    def heading(self, section):
        """Let a heading be found by GitHub's anchor, which keeps the letters of its formulas."""
        title = section[0].astext()
        slugs = self.env.metadata[self.env.docname].setdefault("myst_slugs", {})
        slugs.setdefault(anchor(title), (section.line, section["ids"][0], title))
        if anchor(title) not in section["ids"]:
            section["ids"].append(anchor(title))
        if found := re.search(r"Experiment \d+", title):
            self.note(found[0], section)

    def statement(self, node):
        """Frame a statement; note a figure's caption and an experiment where they are."""
        text = head(node)
        if re.match(r"Figure \d|Reading it", text):
            self.caption(node, text.strip("."))
        elif re.match(r"Experiment \d", text):
            self.note(re.match(r"Experiment \d+", text)[0], node)
        elif re.match(STATEMENT, text) and not isinstance(node.parent, nodes.block_quote):
            parts, frame = statement(node), nodes.container(classes=["statement"])
            place = node.parent.index(node)
            node.parent[place : place + len(parts)] = [frame]
            frame += parts
            for bold in (n for n in frame.findall(nodes.strong) if re.match(STATEMENT, n.astext())):
                self.note(name(bold.astext()), bold if name(bold.astext()) != name(text) else frame)

    def caption(self, node, label):
        """Let a caption claim the figures of the cells just above it: its text is their alt."""
        self.note(label, node)
        node["classes"].append("below-figure")
        for cell in reversed(node.parent.children[: node.parent.index(node)]):
            if not isinstance(cell, nodes.container) or "cell" not in cell["classes"]:
                break
            for image in cell.findall(nodes.image):
                image["alt"], node["images"] = alt(node), [image, *node.get("images", [])]

    def image(self, node):
        """Load nothing from elsewhere: a badge becomes its text. Insist on alt text."""
        if "://" in node["uri"]:
            node.replace_self(nodes.Text(node.get("alt", "")))
        elif not node.get("alt"):
            log.warning("a figure without a caption below it", location=node)


class Link(SphinxPostTransform):
    """Link each unambiguous mention; fill the figure index."""

    default_priority = 5  # before references are resolved

    def run(self):
        """Finish one page."""
        for place in list(self.document.findall(nodes.container)):
            if "figure-index" in place["classes"]:
                place += [x for page in self.pages() for x in self.figures(page)]
        for text in list(self.document.findall(nodes.Text)):
            if not inside(text):
                text.parent.replace(text, list(self.linked(text)))

    def pages(self):
        """Return the notebooks, in order."""
        return sorted(p for p in self.env.found_docs if p.startswith("notebooks/"))

    def figures(self, page):
        """Yield a notebook's title and its figures, each with its caption and a link."""
        yield nodes.rubric("", self.env.titles[page].astext())
        captions = [n for n in self.env.get_doctree(page).findall(nodes.paragraph) if "images" in n]
        for caption in captions:
            target = self.uri(page, caption["ids"][0])
            images = nodes.container(classes=["thumbnail"])
            for image in caption["images"]:
                images += nodes.reference("", "", image.deepcopy(), refuri=target, internal=True)
            text = nodes.caption("", "", *(child.deepcopy() for child in caption.children))
            bold = next(text.findall(nodes.strong))
            bold.replace_self(
                nodes.reference("", "", bold.deepcopy(), refuri=target, internal=True)
            )
            label = f"{page[10:12]}-{caption['ids'][0]}"
            yield nodes.figure("", images, text, classes=["indexed"], ids=[label])

    def uri(self, page, label=""):
        """Return the address of a label, relative to this page."""
        base = self.app.builder.get_relative_uri(self.env.docname, page)
        return f"{base}#{label}" if label else base

    def find(self, label):
        """Return the address of a label: on this page, else, unless each page has its own, any."""
        if label.startswith("cite-"):
            return self.uri("references", label)
        if label.startswith("notebook"):
            page = next((page for page in self.pages() if page[10:12] == label[-2:]), None)
            if not page:
                log.warning("there is no %s", label, location=self.env.docname)
            return page and self.uri(page)
        everywhere = re.fullmatch(r"(Theorem|Lemma) [A-I]|P\d|Experiment \d+", label)
        for page in [self.env.docname, *(self.pages() if everywhere else [])]:
            if found := self.env.metadata[page].get("labels", {}).get(label):
                return self.uri(page, found)
        return None

    def linked(self, text):
        """Yield a text's pieces, its mentions as links."""
        bold = text.parent if isinstance(text.parent, nodes.strong) else None
        cell = bold and isinstance(bold.parent.parent, nodes.entry)
        if cell and re.fullmatch(NUMBERED, text):  # the first column of the ledger
            names = [f"{kind} {text}" for kind in ("Theorem", "Lemma", "Experiment")]
            yield self.reference(text, next(filter(self.find, names), ""))
            return
        end = 0
        for (begin, stop), label in sorted([*mentions(text), *citations(text)]):
            yield nodes.Text(text[end:begin])
            yield self.reference(text[begin:stop], label)
            end = stop
        yield nodes.Text(text[end:])

    def reference(self, text, label):
        """Return a link to what a label names, or only its text where that is nothing here."""
        if not (target := self.find(label)):
            return nodes.Text(text)
        look = {"internal": True, "classes": ["mention"], "reftitle": label}
        return nodes.reference("", text, refuri=target, **look)


def mentions(text):
    """Yield where statements, figures and notebooks are mentioned, and their labels."""
    for found in re.finditer(MENTION, text):
        if found["page"]:
            yield found.span(), f"notebook {found['page']}"
        elif not found["kind"]:
            yield found.span(), found[0]
        elif not re.match(r"\s+(there|of notebook)\b", text[found.end() :]):
            numbers = list(re.compile(NUMBERED).finditer(text, *found.span()))
            begins = [found.start(), *(n.start() for n in numbers[1:])]  # "Theorems A" and "B"
            for begin, number in zip(begins, numbers, strict=True):
                yield (begin, number.end()), f"{found['kind'].capitalize()} {number[0]}"


def citations(text):
    """Yield where the literature is cited, and the labels of its entries."""
    for key, pattern in literature().items():
        for found in re.finditer(pattern, text):
            yield found.span(), f"cite-{key}"


def inside(text):
    """Tell whether a text stands where no link belongs: in code, a link, a statement's name."""
    no = (nodes.literal, nodes.reference, nodes.title, nodes.math, nodes.math_block, nodes.raw)
    no += (nodes.literal_block, nodes.pending, nodes.citation)
    node = text.parent
    while node is not None:
        if isinstance(node, no) or node.tagname == "pending_xref":
            return True
        named = isinstance(node, nodes.strong) and (opening(node.parent) is node or node["ids"])
        if named and re.match(rf"(Figure|Experiment|{STATEMENT})", node.astext()):
            return not isinstance(node.parent.parent, nodes.entry)
        node = node.parent
    return False


@cache
def literature():
    """Return, for each entry of references.bib, how a text cites it: "Jacot et al. 2018"."""
    patterns = {}
    for key, entry in parse_file(HERE / "references.bib").entries.items():
        last = [re.escape(" ".join(person.last_names)) for person in entry.persons["author"]]
        names = rf"(?:{r'(?:-|, | and )'.join(last)}|{last[0]} et al\.)"
        cited = rf"{names}(?:'s)?,? \(?(?:NeurIPS )?{entry.fields['year']}"
        patterns[key] = cited.replace(" ", r"\s+")
    return patterns


def setup(app):
    """Register both passes."""
    app.add_transform(Label)
    app.add_post_transform(Link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
