"""The HTML edition as a reader meets it: every page opened in headless Chromium."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urldefrag

import nbformat
import pytest
from browsing import CHROMIUM, served

from tools import ledger

pytest.importorskip("sphinx", reason="the group `docs` is not installed")
pytest.importorskip("playwright.sync_api", reason="the group `docs` is not installed")
if not CHROMIUM:
    pytest.skip("there is no Chromium (apt-get install chromium)", allow_module_level=True)

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
PAGE = """() => {
  const prose = document.body.cloneNode(true);
  prose.querySelectorAll("mjx-container, pre, code, script, style").forEach(x => x.remove());
  const all = what => [...document.querySelectorAll(what)];
  const links = all("a[href]");
  return {
    prose: prose.textContent,
    formulas: document.querySelectorAll("mjx-container").length,
    wrong: all("mjx-merror, [data-mjx-error]").map(x => x.outerHTML),
    images: [...document.images].map(x => [x.src, x.alt, x.complete && x.naturalWidth > 0]),
    links: links.map(x => x.href),
    said: all("meta[name=description], meta[property^=og]").map(x => x.content),
    shown: all("mjx-container[display=true]").length,
    scrolled: all("mjx-container.wide").length,
    cut: all("article mjx-container:not(.wide)").filter(
      x => x.scrollWidth > x.clientWidth + 4 && getComputedStyle(x).display !== "inline"
      ).map(x => x.textContent),
    framed: all(".statement").map(x => x.innerText.slice(0, 8)),
    contents: all(".bd-links a.internal").map(x => x.textContent),
    weights: ["h2", "h3"].map(x => document.querySelector(`article ${x}`)).map(
      x => x && +getComputedStyle(x).fontWeight),
    folds: all("details.hide > summary").map(x => x.innerText.trim()),
    cards: all(".claims > ul > li").map(x => x.innerText),
    beside: ["a.left-prev", "a.right-next"].map(x => document.querySelector(x)?.href),
    mentions: links.filter(x => x.matches(".mention")).map(x => [x.href, x.title, x.innerText]),
    ids: all("[id]").map(
      x => [x.id, (x.textContent.trim() || x.parentElement.textContent.trim()).slice(0, 90)]),
  };
}"""
TOO_WIDE = """() => {
  const scrolls = x => x && !x.matches("article") && (
    ["auto", "scroll"].includes(getComputedStyle(x).overflowX) || scrolls(x.parentElement));
  const wide = [...document.querySelectorAll("article *:not(mjx-container *)")].filter(x =>
    x.getBoundingClientRect().right > innerWidth + 1
    && x.checkVisibility({visibilityProperty: true}) && !scrolls(x.parentElement));
  const whole = document.documentElement.scrollWidth > innerWidth ? ["the page"] : [];
  return [...whole, ...wide.map(x => x.outerHTML.slice(0, 120))];
}"""
NARROW = {"viewport": {"width": 380, "height": 800}, "reduced_motion": "reduce"}
LOOK = """() => {
  const paint = x => getComputedStyle(document.body)[x].match(/[\\d.]+/g).slice(0, 3).map(Number);
  const mean = x => paint(x).reduce((a, b) => a + b) / 3;
  return [document.documentElement.dataset.theme, mean("backgroundColor"), mean("color")];
}"""


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    """Build the edition, warnings as errors; return its folder."""
    folder = tmp_path_factory.mktemp("html")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def site(edition):
    """Serve the edition; return its address."""
    with served(edition) as address:
        yield address


@pytest.fixture(scope="module")
def pages(browser, edition, site):
    """Open every page, narrow and dark, one after the other; return all there is to judge."""
    page, faults, found = browser.new_page(**NARROW, color_scheme="dark"), [], {}
    page.on("console", lambda x: faults.append(x.text) if x.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    page.on("response", lambda x: faults.append(f"{x.status}: {x.url}") if x.status > 399 else None)
    local = (site, "data:", "blob:")
    page.on("request", lambda x: None if x.url.startswith(local) else faults.append(x.url))
    paths = sorted(path.relative_to(edition).as_posix() for path in edition.rglob("*.html"))
    for path in (path for path in paths if not path.startswith("_static/")):
        faults.clear()
        page.goto(site + path, wait_until="load")
        page.evaluate("() => window.MathJax ? MathJax.startup.promise.then(() => 0) : 0")
        page.evaluate("() => document.querySelectorAll('details').forEach(x => { x.open = true; })")
        page.wait_for_timeout(50)  # what was folded is laid out
        judged = page.evaluate(PAGE) | {
            "wide": page.evaluate(TOO_WIDE),
            "look": page.evaluate(LOOK),
        }
        found[site + path] = judged | {"faults": [*faults]}
    page.close()
    return found


def test_there_is_a_page_for_each_notebook(pages, site):
    names = {path.stem for path in ROOT.glob("notebooks/[0-9]*.ipynb")}
    assert names and names <= {Path(address).stem for address in pages}
    assert all(pages[f"{site}notebooks/{name}.html"]["formulas"] > 10 for name in names)


def test_nothing_fails_and_nothing_is_fetched_from_elsewhere(pages):
    assert {address: page["faults"] for address, page in pages.items() if page["faults"]} == {}


def test_every_formula_is_typeset(pages):
    raw = re.compile(r"\$\$|\\[a-zA-Z]{2,}|\\[()\[\]]|\$[^$\n]{1,80}\$")
    left = {a: raw.findall(page["prose"]) + page["wrong"] for a, page in pages.items()}
    assert {address: faults for address, faults in left.items() if faults} == {}


def test_formulas_fit_a_narrow_page(pages):
    """They are broken into lines; the few that cannot be scroll by themselves, and show it."""
    assert {address: page["cut"] for address, page in pages.items() if page["cut"]} == {}
    shown, scrolled = (sum(page[x] for page in pages.values()) for x in ("shown", "scrolled"))
    assert shown > 50 and scrolled <= 0.05 * shown


def test_a_section_is_heavier_than_what_it_holds(pages):
    weights = {tuple(page["weights"]) for page in pages.values() if all(page["weights"])}
    assert weights and all(section > below for section, below in weights)


def test_what_the_paper_claims_is_framed_where_it_is_stated(pages, site):
    framed = {
        re.search(r"P\d", text)[0]
        for name in ("00_overview", "02_algorithm", "03_landscape")
        for text in pages[f"{site}notebooks/{name}.html"]["framed"]
        if re.match(r"(Claim )?P\d\b", text)
    }
    assert framed == {f"P{k}" for k in range(1, 6)}


def test_each_claim_has_a_card_that_begins_with_its_status(pages, site):
    cards = pages[f"{site}ledger.html"]["cards"]
    assert len(cards) == len(ledger.claims())
    for card, claim in zip(cards, ledger.claims(), strict=True):
        status = claim["status"].partition(":")[0]
        assert card.split()[: len(status.split())] == status.split() and claim["id"] in card


def test_pages_say_what_they_are(pages, site):
    """In the tags that search engines and whoever shares a page show; without TeX."""
    for address, page in pages.items():
        assert len(page["said"]) == 7 and min(map(len, page["said"])) > 6, address
        assert not re.search(r"[$\\]", " ".join(page["said"])), address
    said = {page["said"][0] for page in pages.values()}
    assert len(said) > len([*ROOT.glob("notebooks/[0-9]*.ipynb")])  # each notebook its own


def test_navigation_has_numbers(pages, site):
    numbers = [text[:3] for text in pages[f"{site}ledger.html"]["contents"]]
    notebooks = sorted(ROOT.glob("notebooks/[0-9]*.ipynb"))
    assert numbers[: len(notebooks)] == [f"{path.name[:2]} " for path in notebooks]


def test_code_beside_the_point_is_folded(pages, site):
    """Each cell tagged so, under one plain word."""
    for path in ROOT.glob("notebooks/[0-9]*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        tagged = [cell for cell in cells if "hide-input" in cell.metadata.get("tags", [])]
        assert tagged and pages[f"{site}notebooks/{path.stem}.html"]["folds"] == ["Code"] * len(
            tagged
        )


def test_a_fold_is_opened_by_keyboard_and_not_printed_closed(browser, site):
    page = browser.new_page()
    page.goto(f"{site}notebooks/01_lazy_training.html")
    fold = page.locator("details.hide").first
    page.emulate_media(media="print")
    assert not fold.is_visible()
    page.emulate_media(media="screen")
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    assert fold.locator("pre").is_visible()
    page.emulate_media(media="print")
    assert fold.locator("pre").is_visible()
    page.close()


def test_every_image_loads_and_has_a_text(pages):
    images = [image for page in pages.values() for image in page["images"]]
    assert len(images) > 60  # each figure at its place and in the index
    assert [image for image in images if not image[2]] == []
    assert [image for image in images if len(image[1]) < 20 or ".png" in image[1]] == []


def test_every_link_leads_somewhere(pages, site):
    ids = {address: {name for name, _ in page["ids"]} for address, page in pages.items()}
    broken = set()
    for address, page in pages.items():
        for link in page["links"]:
            target, anchor = urldefrag(link)
            target = target + "index.html" if target.endswith("/") else target
            if target.startswith(site) and (
                target not in ids or (anchor and anchor not in ids[target])
            ):
                broken.add((address, link))
    assert broken == set()


def test_every_mention_leads_to_what_it_names(pages, site):
    blocks = {address: dict(page["ids"]) for address, page in pages.items()}
    wrong, seen = [], set()
    for address, page in pages.items():
        for link, title, text in page["mentions"]:
            target, anchor = urldefrag(link)
            begins = blocks[target].get(anchor, "").removeprefix("Claim ")
            if title.startswith("notebook"):
                number = re.match(r"notebook (\d\d) \w", title)[1]
                right = f"/{number}_" in target and text.split()[-1] == number
            elif title.startswith("cite-"):
                right = anchor == title and text.rstrip(")")[-4:] in title
            elif title.startswith("Experiment"):
                right = title in begins and text.split()[-1] == title.split()[-1]
            else:
                right = re.match(rf"{title}\b", begins) and text.split()[-1] == title.split()[-1]
            seen.add(title)
            wrong += [] if right else [(address, link, title, text, begins)]
    assert wrong == []
    assert {*(f"Theorem {x}" for x in "ABCDEHIJKL"), "Lemma F", "Lemma G", "Lemma S", "P4"} <= seen


def test_a_narrow_page_does_not_scroll_sideways(pages):
    assert {address: page["wide"] for address, page in pages.items() if page["wide"]} == {}


def test_dark_pages_are_dark(pages):
    for address, page in pages.items():
        mode, paper, ink = page["look"]
        assert mode == "dark" and paper < 60 and ink > 180, address


def test_the_switch_changes_the_theme(browser, site):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{site}index.html")
    for mode in ("dark", "light"):
        page.locator(".theme-switch-button:visible").first.click()
        page.locator(f".theme-change-button[data-mode={mode}]:visible").first.click()
        page.wait_for_timeout(300)  # colours fade
        now, paper, ink = page.evaluate(LOOK)
        assert now == mode
        assert (paper < 60 and ink > 180) if mode == "dark" else (paper > 230 and ink < 90)
    page.close()


def test_search_finds_a_theorem(browser, site):
    page = browser.new_page()
    page.goto(f"{site}search.html?q=dissipation")
    page.wait_for_selector("ul.search li a", timeout=20000)
    assert "02_algorithm" in page.locator("ul.search li a").first.get_attribute("href")
    page.close()


def test_excerpts_of_a_search_are_text(browser, site):
    page = browser.new_page()
    page.goto(f"{site}search.html?q=residual")
    page.wait_for_function("document.querySelectorAll('ul.search p.context').length > 5")
    excerpts = " ".join(page.locator("ul.search p.context").all_inner_texts())
    page.close()
    assert "residual" in excerpts and not re.search(r"[$\\]|System Settings", excerpts)


def test_pages_follow_one_another(pages, site):
    before, after = pages[f"{site}notebooks/02_algorithm.html"]["beside"]
    assert "01_lazy_training" in before and "03_landscape" in after


LIVE = ("lazy", "dimension", "trap")
AT_REST = """name => {
  const figure = document.querySelector(`.live[data-figure=${name}]`);
  const words = figure.querySelector(".live-status").textContent;
  return !["", "Running."].includes(words) && words;
}"""


def reached(page, name):
    """What a live figure says once it stands still."""
    return page.wait_for_function(AT_REST, arg=name, timeout=60000).json_value()


def test_all_of_it_opens_with_the_network_cut(browser, edition):
    """From files, offline: formulas, images and the live figures, and nothing else is asked for."""
    context, faults = browser.new_context(offline=True, reduced_motion="reduce"), []
    page = context.new_page()
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request", lambda x: None if x.url.startswith(("file:", "data:")) else faults.append(x.url)
    )
    homes = {"notebooks/00_overview": LIVE[:1], "notebooks/02_algorithm": LIVE[1:2], "live": LIVE}
    for path, names in ({"index": ()} | homes | {"notebooks/03_landscape": LIVE[2:]}).items():
        page.goto((edition / f"{path}.html").as_uri())
        page.evaluate("() => MathJax.startup.promise.then(() => 0)")
        seen = page.evaluate(PAGE)
        assert seen["formulas"] > 5 and not [image for image in seen["images"] if not image[2]]
        for name in names:
            page.locator(f".live[data-figure={name}]").scroll_into_view_if_needed()
            assert "step" in reached(page, name)
    assert faults == []
    context.close()


def test_live_figures_are_used_by_keyboard(browser, edition):
    """Each figure's one lesson, by Tab's targets and keys alone."""
    page = browser.new_page(**NARROW)
    page.goto((edition / "live.html").as_uri())
    rich = reached(page, "lazy")
    page.get_by_label("scale of the start, α").press("End")
    lazily = reached(page, "lazy")
    errors = [float(re.search(r"error ([\d.e-]+);", words)[1]) for words in (rich, lazily)]
    assert errors[0] < 1e-3 and errors[1] > 0.8
    assert "spent its epochs" in reached(page, "dimension")
    page.get_by_label("redraw by own parts").press("Space")
    assert "reached the target error" in reached(page, "dimension")
    page.get_by_label("dimension d").press("End")
    assert "d = 1,000,000,000,000: reached" in reached(page, "dimension")
    assert "loss is 1.500" in reached(page, "trap")
    page.get_by_role("button", name="Drop a spare in").press("Enter")
    assert 0.1 < float(re.search(r"loss is (\d\.\d+)", reached(page, "trap"))[1]) < 1.4
    page.get_by_role("button", name="Drop a spare in").press("Enter")
    assert "freed" in reached(page, "trap")
    page.close()


def test_live_figures_move_and_can_be_touched(browser, edition):
    """They run at once, unless less motion is asked for; a tap drops a spare, a click sets time."""
    page = browser.new_page(viewport={"width": 390, "height": 800}, has_touch=True)
    page.goto((edition / "live.html").as_uri())
    figures = {name: page.locator(f".live[data-figure={name}]") for name in LIVE}
    assert figures["lazy"].get_by_role("button", name="Pause").is_visible()
    curve = figures["lazy"].locator("canvas").nth(1)
    curve.click(position={"x": 150, "y": 60})
    words = reached(page, "lazy")
    assert 500 < int(re.search(r"step (\d+)", words)[1]) < 2500
    figures["trap"].get_by_role("button", name="Drop a spare in").tap()
    assert "1 spare," in reached(page, "trap")
    page.close()
