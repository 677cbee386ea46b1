// What a page needs to be read on a narrow screen and found by search. No library is used.
"use strict";
(() => {
  // MathJax 3 never breaks a line. Here a long formula may be broken: before a relation or a sum's
  // sign, after a wide space; within brackets only where the page is too narrow otherwise. Aligned
  // rows that are wider than the page become lines.
  const LONG = 11; // em: shorter formulas within a sentence stay whole
  const glyphs = (part, codes) => part.querySelectorAll(codes.map(x => `mjx-c.mjx-c${x}`)).length;
  const opened = part => // brackets, as MathJax names their glyphs
    glyphs(part, ["28", "5B", "7B", "27E8", "2308"]) - glyphs(part, ["29", "5D", "7D", "27E9", "2309"]);
  const bars = part => glyphs(part, ["2225"]) % 2; // of a norm: they open and close in turn
  const space = part => parseFloat(part.querySelector("mjx-mspace")?.style.width ?? 0);
  const before = part => part.matches("mjx-mo[space='4'], mjx-mo[space='3'], mjx-mtext");
  const after = part => part.matches("mjx-mstyle") && space(part) >= 1;

  function mayBreak(row, within) {
    let [depth, norm] = [0, 0];
    for (const part of [...row.children]) {
      const open = within || !(depth || norm);
      if (open && before(part)) part.before(document.createElement("wbr"));
      [depth, norm] = [depth + opened(part), norm ^ bars(part)];
      if (open && after(part)) part.after(document.createElement("wbr"));
      if (within && part.matches("mjx-mrow")) mayBreak(part, within);
    }
  }
  function loosen(formulas, within) {
    for (const formula of formulas) {
      const cells = formula.querySelectorAll("mjx-math > mjx-mtable:only-child mjx-mtd");
      (cells.length ? cells : formula.querySelectorAll("mjx-math")).forEach(x => mayBreak(x, within));
      formula.classList.add(within ? "crowded" : "breakable");
    }
  }
  function hold(formula) { // the comma behind a formula stays on its line
    const math = formula.parentElement, next = math.nextSibling;
    const mark = next?.nodeType === Node.TEXT_NODE && /^[^\s\w(]+/.exec(next.data);
    if (!mark) return;
    const held = document.createElement("span");
    held.className = "held";
    math.replaceWith(held);
    held.append(math, mark[0]);
    next.data = next.data.slice(mark[0].length);
  }
  const displayed = formula => formula.getAttribute("display") === "true";
  const em = formula => parseFloat(getComputedStyle(formula).fontSize);
  const tooWide = formula => displayed(formula) && formula.scrollWidth > formula.clientWidth + 1;

  function fit(part) { // all is measured before anything is changed: a page has hundreds of formulas
    const all = [...part.querySelectorAll("mjx-container:not(.fitted)")].filter(x => x.offsetWidth);
    const long = all.filter(x => displayed(x) || x.offsetWidth > LONG * em(x));
    loosen(long, false);
    const wide = long.filter(tooWide);
    wide.forEach(x => x.classList.add("unaligned"));
    loosen(wide.filter(tooWide), true);
    all.forEach(x => x.classList.add("fitted"));
    all.filter(x => !displayed(x)).forEach(hold);
    wide.filter(tooWide).forEach(x => x.classList.add("wide")); // these scroll, and show that they do
  }
  addEventListener("load", () => window.MathJax?.startup.promise.then(() => fit(document)));
  addEventListener("toggle", event => fit(event.target), true); // what a fold has hidden

  // The excerpts of a search: from the text alone, with formulas in letters (edition.py writes them).
  addEventListener("DOMContentLoaded", () => {
    if (typeof Search === "undefined") return;
    Search.htmlToText = (html, anchor) => {
      const page = new DOMParser().parseFromString(html, "text/html").querySelector("article");
      page.querySelectorAll(".headerlink, script, style, pre, .toctree-wrapper").forEach(x => x.remove());
      page.querySelectorAll(".math").forEach(x => { x.textContent = x.dataset.plain; });
      return ((anchor && page.querySelector(anchor)) || page).textContent;
    };
  });
})();
