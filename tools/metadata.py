"""Write what archives read: codemeta.json, .zenodo.json and metadata.yaml (as ReScience C asks).

CITATION.cff and pyproject.toml hold all of it: edit those. An address is given once it is settled.
"""

import json

import yaml

from tools.ledger import ROOT
from tools.pages import ADDRESS, PROJECT, SETTLED

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
PAPER = CITATION["references"][0]
ARXIV = PAPER["identifiers"][0]["value"]
ABOUT = " ".join(CITATION["abstract"].split())


def name(author):
    """Return an author's name as one text."""
    return author.get("name") or f"{author['given-names']} {author['family-names']}"


def person(author):
    """Return an author as schema.org describes one."""
    return {"@type": "Organization" if "name" in author else "Person", "name": name(author)}


def codemeta():
    """Return the software as codemeta 3.0 describes it."""
    paper = {
        "@type": "ScholarlyArticle",
        "name": PAPER["title"],
        "author": [person(author) for author in PAPER["authors"]],
        "datePublished": str(PAPER["year"]),
        "identifier": ARXIV,
    }
    found = {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": CITATION["title"],
        "description": ABOUT,
        "version": CITATION["version"],
        "license": f"https://spdx.org/licenses/{CITATION['license']}",
        "author": [person(author) for author in CITATION["authors"]],
        "keywords": CITATION["keywords"],
        "programmingLanguage": "Python",
        "runtimePlatform": f"Python {PROJECT['requires-python']}",
        "referencePublication": paper,
    }
    return found | ({"codeRepository": ADDRESS} if SETTLED else {})


def zenodo():
    """Return the deposit as Zenodo reads it from a repository."""
    return {
        "title": CITATION["title"],
        "description": ABOUT,
        "version": CITATION["version"],
        "upload_type": "software",
        "access_right": "open",
        "license": CITATION["license"],
        "creators": [{"name": name(author)} for author in CITATION["authors"]],
        "keywords": CITATION["keywords"],
        "related_identifiers": [
            {"identifier": ARXIV, "relation": "isSupplementTo", "scheme": "arxiv"}
        ],
    }


def rescience():
    """Return the fields of ReScience C that can be known here; editors fill in the rest."""
    names = ", ".join(name(author) for author in PAPER["authors"])
    cite = f"{names} ({PAPER['year']}). {PAPER['title']}. {PAPER['conference']['name']}."
    return {
        "title": CITATION["title"],
        "authors": [{"name": name(author)} for author in CITATION["authors"]],
        "keywords": ", ".join(CITATION["keywords"]),
        "language": "Python",
        "domain": "Machine learning",
        "abstract": ABOUT,
        "code": [{"url": ADDRESS if SETTLED else ""}, {"doi": ""}],
        "replication": [{"cite": cite}, {"url": ARXIV.replace("arXiv:", "https://arxiv.org/abs/")}],
    }


def files():
    """Yield each file, with the text it should have."""
    for path, content in {"codemeta.json": codemeta(), ".zenodo.json": zenodo()}.items():
        yield ROOT / path, json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    yield ROOT / "metadata.yaml", yaml.safe_dump(rescience(), sort_keys=False, allow_unicode=True)


if __name__ == "__main__":
    for path, text in files():
        path.write_text(text, encoding="utf-8")
