"""The slides: ten figures that are there, one page each."""

import re

import pytest

from tools import slides


def test_ten_figures_one_sentence_each():
    chosen = [(slide["notebook"], slide["figure"]) for slide in slides.slides()]
    assert len(set(chosen)) == 10
    assert all(re.fullmatch(r"[A-Z][^.]*\.", slide["sentence"]) for slide in slides.slides())


@pytest.mark.parametrize("slide", slides.slides(), ids=lambda x: f"{x['notebook']}, {x['figure']}")
def test_figure_is_there(slide):
    caption, image = slides.found(slide["notebook"], slide["figure"])
    assert slide["about"] in caption, "renumbered?"
    assert len(image) > 1000


def test_a_figure_that_is_not_there_is_noticed():
    with pytest.raises(LookupError):
        slides.found("00_overview", "Figure 99")


@pytest.mark.slow
def test_the_file_has_a_page_for_each(tmp_path):
    slides.write(tmp_path / "slides.pdf")
    pages = re.findall(rb"/Type /Page\b", (tmp_path / "slides.pdf").read_bytes())
    assert len(pages) == len(slides.slides())
