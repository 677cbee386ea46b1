"""What archives and citations read is right, and says the same everywhere."""

import re
import subprocess
import sys

import pytest

from tools import metadata
from tools.ledger import ROOT
from tools.pages import ADDRESS, PROJECT, SETTLED


@pytest.mark.parametrize("path, text", [*metadata.files()], ids=lambda x: getattr(x, "name", ""))
def test_what_archives_read_is_current(path, text):
    assert path.read_text(encoding="utf-8") == text, "make address"


def test_citation_and_project_agree():
    citation, [author] = metadata.CITATION, PROJECT["authors"]
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["title"] == PROJECT["description"]
    assert citation["authors"] == [author]


def test_no_address_before_it_is_settled():
    texts = "".join(text for _, text in metadata.files())
    assert (ADDRESS in texts) == SETTLED


def test_the_paper_is_the_one_of_the_bibliography():
    bibliography = (ROOT / "docs" / "references.bib").read_text(encoding="utf-8")
    assert metadata.PAPER["title"].lower() in bibliography.lower()
    assert re.fullmatch(r"arXiv:\d{4}\.\d{5}", metadata.ARXIV)


@pytest.mark.weekly
def test_citation_is_valid():
    """By cffconvert, in an environment of its own: it pins what others need newer."""
    command = [sys.executable, "-m", "uv", "-q", "tool", "run", "cffconvert==2.0.0", "--validate"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "Failed to fetch" in done.stderr:
        pytest.skip("the package index can't be reached")
    assert done.returncode == 0, done.stdout + done.stderr
