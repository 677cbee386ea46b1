"""`make paper`: what it stores, what it leaves as it was, and whose edits it does not touch."""

import math
import subprocess
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import reference
from nbformat.v4 import new_output
from PIL import Image

from tools import figures, paper

SOURCE = "# # A title\n\n# %%\n1 + 1\n"


def png(spots=(), size=(96, 96)):
    """A white picture with black pixels, as a notebook keeps it."""
    image = Image.new("RGB", size, "white")
    for spot in spots:
        image.putpixel(spot, (0, 0, 0))
    image.save(found := BytesIO(), "PNG")
    return b64encode(found.getvalue()).decode()


SQUARE = [(x, y) for x in range(40, 46) for y in range(40, 46)]
DRAWN = {"plain": png(), "noisy": png([(3, 3)]), "other": png(SQUARE), "large": png(size=(97, 96))}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of two notebooks, whose cells show what ``drawn`` says."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    for name in ("01_one", "02_two"):
        (notebooks / f"{name}.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.setattr(paper, "ROOT", tmp_path)
    monkeypatch.setattr(paper, "NOTEBOOKS", notebooks)
    monkeypatch.setattr(paper, "STAMP", tmp_path / ".venv" / "paper.json")
    monkeypatch.delenv("TD_BUDGET", raising=False)
    run(monkeypatch, "plain")
    return tmp_path


def run(monkeypatch, drawn, *names, fails=()):
    """Call `make paper` where each code cell shows one picture; return the notebooks executed.

    Each notebook leaves that picture as a file as well.
    """
    done = []

    def perform(source, folder, env):
        done.append(source.stem[:2])
        picture = Path(env["TD_FIGURES"], f"{source.stem}.png")
        picture.write_bytes(b64decode(DRAWN[drawn]))
        notebook = paper.jupytext.read(source)
        for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), 1):
            data = {"image/png": DRAWN[drawn], "text/plain": "2"}
            cell.update(execution_count=count, outputs=[new_output("display_data", data)])
        return notebook, "it failed" if source.stem[:2] in fails else None

    monkeypatch.setattr(paper, "perform", perform)
    assert paper.main(names) == bool(fails)
    return sorted(done)


def contents(folder):
    """The bytes of the stored notebooks and of the files that they left."""
    paths = [*folder.glob("*.ipynb"), *(folder / "figures").iterdir()]
    return {path.name: path.read_bytes() for path in sorted(paths)}


def edit(path, old="1 + 1", new="1 + 2"):
    """Change a text in a file."""
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_pictures_are_as_far_apart_as_they_look():
    """One pixel of noise is not seen; a mark of 36 pixels is, and so is another size."""
    apart = {name: figures.difference(DRAWN["plain"], image) for name, image in DRAWN.items()}
    assert apart["plain"] == 0 and apart["noisy"] < figures.SAME <= apart["other"] < apart["large"]


def test_only_what_changed_is_executed(project, monkeypatch):
    assert run(monkeypatch, "plain") == []
    edit(project / "notebooks" / "02_two.py")
    assert run(monkeypatch, "plain") == ["02"]
    assert run(monkeypatch, "plain") == []


@pytest.mark.parametrize(("drawn", "same"), [("noisy", True), ("other", False), ("large", False)])
def test_an_image_stays_if_the_new_one_looks_the_same(project, monkeypatch, drawn, same):
    """One pixel's noise in every figure: not a byte of what is stored changes."""
    before = contents(project / "notebooks")
    paper.STAMP.unlink()
    assert run(monkeypatch, drawn) == ["01", "02"]
    assert (contents(project / "notebooks") == before) == same


def test_a_text_stays_if_its_numbers_move_within_their_uncertainty():
    old = [new_output("stream", text="slope 1.02 ± 0.05, theory 1\n")]
    for text, kept in [("slope 0.99 ± 0.06, theory 1\n", True), ("slope 0.9 ± 0.05\n", False)]:
        paper.settle(new := [new_output("stream", text=text)], old)
        assert (new == old) == kept and (new[0].text == text) != kept


def test_a_failure_leaves_what_was_stored(project, monkeypatch):
    """And is executed again, without taking the stored notebook for an edited one."""
    before = contents(project / "notebooks")
    edit(project / "notebooks" / "01_one.py")
    assert run(monkeypatch, "other", fails=["01"]) == ["01"]
    assert contents(project / "notebooks") == before
    assert run(monkeypatch, "plain") == ["01"]


def test_an_edit_of_the_notebook_is_not_lost(project, monkeypatch):
    """Nothing is executed; each of the two ways out that are named works."""
    path, source = (project / "notebooks" / f"01_one.{end}" for end in ("ipynb", "py"))
    edit(path)
    edited = contents(project / "notebooks")
    with pytest.raises(SystemExit, match=r"notebooks/01_one.ipynb was edited") as refusal:
        run(monkeypatch, "plain")
    assert contents(project / "notebooks") == edited
    keep, drop = str(refusal.value).splitlines()[1::2]
    subprocess.run(keep.split(), cwd=project, check=True, capture_output=True)
    assert "1 + 2" in source.read_text(encoding="utf-8")
    assert run(monkeypatch, "plain") == ["01"]
    edit(path)
    subprocess.run(drop.split(), cwd=project, check=True)
    assert run(monkeypatch, "plain") == ["01"]


def test_what_git_has_is_not_lost(project, monkeypatch):
    """A notebook as it was committed is no edit, however old: of that, what runs is the source."""
    for command in ("init -q", "add -A", "-c user.name=a -c user.email=b commit -qm c"):
        subprocess.run(["git", *command.split()], cwd=project, check=True)
    paper.STAMP.unlink()
    edit(project / "notebooks" / "01_one.py")
    assert run(monkeypatch, "plain") == ["01", "02"]


def test_an_unknown_notebook_is_an_error(project, monkeypatch):
    with pytest.raises(SystemExit, match="no notebook begins with 99"):
        run(monkeypatch, "plain", "01", "99")


@pytest.mark.parametrize("left", ["", '{"notebooks/01_one.ipynb": ["'])
def test_stamps_cut_short_are_made_anew(project, monkeypatch, left):
    paper.STAMP.write_text(left, encoding="utf-8")
    assert run(monkeypatch, "plain") == ["01", "02"]
    assert run(monkeypatch, "plain") == []


def test_another_budget_leaves_the_stored_notebooks_alone(project, monkeypatch):
    """Its results stand elsewhere, and nothing is executed again at the usual one."""
    before = contents(project / "notebooks")
    monkeypatch.setenv("TD_BUDGET", "quick")
    assert run(monkeypatch, "other") == ["01", "02"] and run(monkeypatch, "other") == []
    assert contents(project / "notebooks-quick").keys() == before.keys()
    monkeypatch.delenv("TD_BUDGET")
    assert run(monkeypatch, "plain") == [] and contents(project / "notebooks") == before


def test_a_film_is_as_far_apart_as_its_frames():
    """Frames are compared one by one: a film that ends otherwise, or later, is another one."""
    black, white = (Image.new("RGB", (64, 64), color) for color in ("black", "white"))
    ends = {"same": [white, black], "other": [white, white], "later": [white, black, white]}
    films = {name: film([white, *rest]) for name, rest in ends.items()}
    apart = {name: figures.difference(films["same"], other) for name, other in films.items()}
    assert apart["same"] == 0 and apart["other"] >= figures.SAME and apart["later"] == math.inf


def film(images):
    """A film as a file's bytes; frames that are alike stay apart by what they last."""
    options = {"save_all": True, "append_images": images[1:]}
    images[0].save(
        found := BytesIO(), "GIF", duration=[100, 200, 300, 400][: len(images)], **options
    )
    return found.getvalue()


def test_the_readme_shows_what_the_overview_shows():
    """Its pictures are the notebook's first two figures."""
    cells = nbformat.read(paper.NOTEBOOKS / "00_overview.ipynb", as_version=4).cells
    drawn = [x for cell in cells for x in figures.images(cell.get("outputs", []))]
    for name, image in zip(("lazy_and_rich.png", "headline.png"), drawn[:2], strict=True):
        kept = (paper.NOTEBOOKS / "figures" / name).read_bytes()
        assert figures.difference(kept, image) < figures.SAME


def test_a_table_is_left_beside_the_notebook_if_it_is_whole(tmp_path, monkeypatch):
    """At the largest budget only, and never in the place of the package's."""
    monkeypatch.chdir(tmp_path)
    found = reference.notebook("08_rank_is_enough").beside
    table = pd.DataFrame({"sum": [3, 4]}, index=pd.Index([1, 2], name="r"))
    for paper_size, live in ((False, table), (True, table[:1]), (True, table)):
        assert not list(tmp_path.iterdir())
        found.__globals__["paper"] = paper_size
        found(live, table, "needed.csv")
    assert pd.read_csv("needed.csv", index_col="r").equals(table)
