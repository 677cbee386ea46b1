"""The claims as they are shown, made from notebooks/ledger.toml; tools/pages.py writes it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
RECEIPTS = NOTEBOOKS / "receipts"


def claims():
    """Return the entries of the ledger, in its order."""
    return tomllib.loads((NOTEBOOKS / "ledger.toml").read_text(encoding="utf-8"))["claim"]


def anchor(heading):
    """Return the fragment by which GitHub links to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def where(entry, base):
    """Return the links to the headings where a claim is derived; ``base`` leads to notebooks."""
    return ", ".join(
        f"[{place['notebook'][:2]}: {place['heading']}]"
        f"({base}{place['notebook']}.ipynb#{anchor(place['heading'])})"
        for place in entry.get("derived", [])
    )


def card(entry, base):
    """Return one claim as an item of a list: its status first, then what it rests on."""
    status, _, what = entry["status"].partition(": ")
    earned = status == "checked" or entry["provenance"] == "paper"
    mark = f"`[{entry['provenance']}]` " if earned else ""
    tests = " ".join(f"`{test.partition('::')[2]}`" for test in entry.get("tests", []))
    lines = " ".join(f"`{' '.join(line.split())}`" for line in entry.get("printed", []))
    rest = {
        "*So far:*": what,
        "derived in": where(entry, base),
        "printed:": lines,
        "tests:": tests,
    }
    below = "".join(f"\n  - {name} {text}" for name, text in rest.items() if text)
    return f"- **{status}** {mark}**{entry['id']}** {entry['statement']}{below}"


def cards(base):
    """Return all claims, and the line on GPUs, between the markers."""
    listed = [claim["status"].partition(": ")[0] for claim in claims()]
    settled = ", ".join(f"{listed.count(x)} {x}" for x in dict.fromkeys(listed))
    each = "\n".join(card(claim, base) for claim in claims())
    text = f"Of {len(listed)} claims: {settled}.\n\n{each}\n\n{gpu()}"
    return f"<!-- ledger -->\n{text}\n<!-- /ledger -->"


def gpu(folder=RECEIPTS):
    """Return what the newest receipt of a GPU says, in one line."""
    texts = (path.read_text(encoding="utf-8") for path in folder.glob("*.toml"))
    found = max(map(tomllib.loads, texts), key=lambda receipt: receipt["date"], default=None)
    if not found:
        return "No GPU receipt yet: `make gpu` on a machine with a GPU writes one."
    failed = f"failed: {', '.join(found['failed'])}" if found["failed"] else "everything held"
    if found["not_begun"]:
        failed = f"all but {len(found['not_begun'])} parts looked at, {failed}"
    where = f"td {found['td']} on {found['device']}, cupy {found['cupy']}, {found['date']}"
    return f"GPU receipt (`make gpu`): {where}: {failed}."


def summary(base):
    """Return how many claims bear each mark, and where they are; ``base`` leads to that page."""
    marks = [claim["provenance"] for claim in claims()]
    each = ", ".join(f"{marks.count(x)} `[{x}]`" for x in dict.fromkeys(marks))
    unsettled = ", ".join(x["id"] for x in claims() if x["status"] != "checked") or "none"
    page = f"[The table of claims]({base}ledger.md)"
    text = f"{len(marks)} claims: {each}; not settled: {unsettled}.\n"
    text += f"{page} says where each is derived, and what checks it."
    return f"<!-- ledger -->\n{text}\n\n{gpu()}\n<!-- /ledger -->"


def renewed(text, base, make=cards):
    """Return ``text`` with what stands between its markers, if it has them, made anew."""
    return re.sub("<!-- ledger -->.*<!-- /ledger -->", lambda _: make(base), text, flags=re.DOTALL)
