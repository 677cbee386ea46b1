// The page "Run it here": an editor, its output, and a worker in which Python runs (worker.js).
"use strict";
document.addEventListener("DOMContentLoaded", async () => {
  const page = document.querySelector(".run");
  if (!page) return;
  const find = what => page.querySelector(what);
  const [pick, code, output] = ["select", "textarea", ".run-output"].map(find);
  const [run, stop] = page.querySelectorAll("button"), status = find("[role=status]");
  const say = text => { status.textContent = text; };
  if (location.protocol === "file:") {
    say("A page opened as a file may fetch nothing. Serve this folder: python -m http.server");
    return;
  }
  let worker = null, begun = 0;

  function line(text, kind) {
    const row = document.createElement("span");
    row.className = kind;
    row.textContent = `${text}\n`;
    output.lastElementChild?.tagName === "PRE" || output.append(document.createElement("pre"));
    output.lastElementChild.append(row);
  }
  function figure(blob) {
    const image = new Image();
    image.src = URL.createObjectURL(blob);
    image.alt = "What the code has drawn";
    output.append(image);
  }
  const seconds = () => `${((performance.now() - begun) / 1000).toFixed(1)} s`;
  function finish(text) {
    run.disabled = false;
    stop.disabled = true;
    say(text);
  }
  const heard = {
    state: say, figure, out: text => line(text, "out"), error: text => line(text, "error"),
    ready: () => say("Running ..."), done: () => finish(`Done in ${seconds()}.`),
    failed: text => { worker = null; finish(`Python has stopped: ${text}`); },
  };
  function start() {
    if (run.disabled) return;
    if (!worker) {
      worker = new Worker("_static/worker.js", { type: "module" });
      worker.onmessage = ({ data: { kind, content } }) => heard[kind](content);
      worker.onerror = () => heard.failed("this browser cannot run the worker");
    } else say("Running ...");
    begun = performance.now();
    [run.disabled, stop.disabled] = [true, false];
    output.replaceChildren();
    worker.postMessage(code.value);
  }
  run.addEventListener("click", start);
  code.addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      start();
    }
  });
  stop.addEventListener("click", () => {
    worker?.terminate();
    worker = null;
    finish("Stopped. The next run starts Python again.");
  });

  const answer = await fetch("_static/run/page.json");
  if (!answer.ok) return say("The files of this page are missing: make live");
  const { megabytes, examples } = await answer.json(), groups = new Map();
  examples.forEach(([group, title], k) => {
    if (!groups.has(group)) {
      const one = document.createElement("optgroup");
      one.label = group;
      groups.set(group, one);
      pick.append(one);
    }
    groups.get(group).append(new Option(title, k));
  });
  const load = () => {
    code.value = examples[pick.value][2];
    code.rows = Math.min(24, code.value.split("\n").length);
  };
  pick.addEventListener("change", load);
  pick.value = "0";
  load();
  [run.disabled, stop.disabled] = [false, true];
  say(`Ready. The first run fetches Python, ${megabytes} MB; nothing leaves this computer.`);
});
