// The live figures: drawing and controls. What they compute is in descent.js. No library is used.
//
// A page holds <div class="live" data-figure="lazy|dimension|trap">; each is built in its place.
// The controls are the browser's own, so keyboard and touch work as everywhere. Whoever asks for
// reduced motion is shown where a run ends, and may still press Play.
"use strict";
(() => {
  const { range, dot } = Descent;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const last = x => x[x.length - 1];
  const ten = n => `10${[...String(n)].map(c => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] || "⁻").join("")}`;

  function make(tag, { onclick, ...attributes } = {}, ...children) {
    const element = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    if (onclick) element.addEventListener("click", onclick);
    element.append(...children);
    return element;
  }

  // ---- Panels: canvases that follow their width and the theme's colours (edition.css). ----

  function brush(canvas) { // what draws, in pixels
    const width = canvas.clientWidth, height = canvas.clientHeight, scale = devicePixelRatio || 1;
    [canvas.width, canvas.height] = [width * scale, height * scale];
    const c = canvas.getContext("2d"), style = getComputedStyle(canvas);
    const ink = name => style.getPropertyValue(`--${name}`);
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.font = "13px sans-serif";
    function text(words, x, y, color = "ink", align = "left") {
      [c.fillStyle, c.textAlign] = [ink(color), align];
      c.fillText(words, x, y);
    }
    function path(points, color, { width: lw = 1.6, dash = [] } = {}) {
      [c.strokeStyle, c.lineWidth] = [ink(color), lw];
      c.setLineDash(dash);
      c.beginPath();
      points.forEach(([x, y]) => c.lineTo(x, y));
      c.stroke();
    }
    function disc(x, y, radius, color, filled = true) {
      c.setLineDash([]);
      c.beginPath();
      c.arc(x, y, radius, 0, 2 * Math.PI);
      [c.fillStyle, c.strokeStyle, c.lineWidth] = [ink(color), ink(color), 1.6];
      if (filled) c.fill(); else c.stroke();
    }
    return { c, width, height, text, path, disc };
  }

  function ticks(low, high, many) {
    const least = (high - low) / many, unit = 10 ** Math.floor(Math.log10(least));
    const size = unit * [1, 2, 5, 10].find(k => k * unit >= least - 1e-12);
    const first = Math.ceil(low / size - 1e-9), end = Math.floor(high / size + 1e-9);
    return range(end - first + 1).map(k => size * (first + k));
  }

  function plane(canvas, reach) { // a square around the origin
    const pen = brush(canvas), { width, height, path } = pen;
    const half = Math.max(8, Math.min(width, height) / 2 - 8); // before layout both are 0
    const X = v => width / 2 + half * v / reach, Y = v => height / 2 - half * v / reach;
    function arrow(x, y, color, lw) { // from the origin
      const tip = [X(x), Y(y)], turn = Math.atan2(-y, x);
      const barb = t => [tip[0] - 8 * Math.cos(turn + t), tip[1] - 8 * Math.sin(turn + t)];
      path([[X(0), Y(0)], tip], color, { width: lw });
      path([barb(0.4), tip, barb(-0.4)], color, { width: lw });
    }
    return { ...pen, X, Y, arrow };
  }

  function plot(canvas, end, [low, high], ylabel, log = false) { // values against steps 0 to end
    const pen = brush(canvas), { c, width, height, path, text } = pen;
    const left = 44, right = width - 18, top = 24, bottom = height - 34;
    const fit = log ? Math.log10 : v => v;
    const X = t => left + t / end * (right - left);
    const Y = v => bottom + (fit(v) - fit(low)) / (fit(high) - fit(low)) * (top - bottom);
    const across = v => path([[left, Y(v)], [right, Y(v)]], "grid", { width: 1 });
    const upright = (t, color, dash) =>
      path([[X(t), top], [X(t), bottom]], color, { width: 1, dash });
    ticks(0, end, width < 300 ? 3 : 5).forEach(t => {
      upright(t, "grid");
      text(String(t), X(t), bottom + 14, "ink", "center");
    });
    ticks(fit(low), fit(high), 4).filter(k => !log || k === Math.round(k)).forEach(k => {
      const v = log ? 10 ** k : k;
      across(v);
      text(log ? ten(k) : String(+v.toFixed(2)), left - 6, Y(v) + 4, "ink", "right");
    });
    text(ylabel, 4, 13);
    text("step", right, height - 4, "ink", "right");
    function curve(values, color, options, from = 0) { // each pixel once is enough
      const stride = Math.max(1, Math.floor(1.4 * end / width)), end_ = values.length - 1;
      const points = values.map((v, k) => [X(from + k), Y(v)]);
      c.save();
      c.beginPath();
      c.rect(left, top, right - left, bottom - top);
      c.clip();
      path(points.filter((_, k) => k % stride === 0 || k === end_), color, options);
      c.restore();
    }
    return { ...pen, X, Y, curve, upright, left, right, top, bottom };
  }

  // ---- A figure: panels, controls, a status line, and a loop that runs while it is in sight. ----

  function control(self, { key, label, type = "range", show = String, change, ...attributes }) {
    const out = make("output"), input = make("input", { type, ...attributes });
    function read() {
      self.values[key] = type === "checkbox" ? input.checked : Number(input.value);
      if (type === "range") out.textContent = show(self.values[key]);
      if (type === "range") input.setAttribute("aria-valuetext", out.textContent);
    }
    input.addEventListener("input", () => { read(); change(self); self.draw(); });
    self.inputs[key] = { input, read };
    read();
    return make("label", {}, make("span", {}, label), input, out);
  }

  function figure(root, { name, panels, sliders = [], buttons = [], draw, tick, rested, again }) {
    const canvases = panels.map(text => make("canvas", { role: "img", "aria-label": text }));
    const status = make("p", { class: "live-status", role: "status" });
    const self = { canvases, values: {}, inputs: {}, playing: false };
    const button = (label, press) => make("button", { type: "button", onclick: press }, label);
    const play = button("Play", () => {
      if (!self.playing && rested(self)) again(self); // from the start
      else self.play(!self.playing);
    });
    const others = [...buttons, ["From the start", again]].map(([label, press]) =>
      button(label, () => { press(self); self.draw(); }));
    self.draw = () => draw(self);
    self.say = words => { if (status.textContent !== words) status.textContent = words; };
    self.set = (key, value) => { self.inputs[key].input.value = value; self.inputs[key].read(); };
    self.play = on => {
      self.playing = on;
      play.textContent = on ? "Pause" : "Play";
      if (on) self.say("Running.");
      loop();
    };
    let seen = true, asked = false;
    function loop() {
      if (asked || !self.playing || !seen) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        if (self.playing && !tick(self)) self.play(false);
        self.draw();
        loop();
      });
    }
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", name);
    root.replaceChildren(make("div", { class: "live-panels" }, ...canvases),
      make("div", { class: "live-controls" }, ...sliders.map(one => control(self, one)),
        make("div", {}, play, ...others)), status);
    const look = entries => { seen = last(entries).isIntersecting; loop(); };
    new IntersectionObserver(look).observe(root);
    new ResizeObserver(self.draw).observe(root);
    new MutationObserver(self.draw).observe(document.documentElement,
      { attributeFilter: ["data-theme"] });
    return self;
  }

  // Go on: by frames, or for who wants no motion at once to the end.
  function go(self, tick) {
    if (!still.matches) return self.play(true);
    for (let k = 0; k < 1e4 && tick(self); k++);
    self.draw();
  }

  // ---- From lazy to rich (notebook 01, sections 4 and 5). ----

  function lazy(root) {
    const l = 3, d = 10, n = 4, STEPS = 3000, LIMIT = 1e4, random = Descent.chance(1);
    const T = Descent.target([1, 1], [[1, 0], [0, 1]], l);
    const V = range(n).map(i => Descent.unit(Descent.gaussian(random, d, 2 + i, 2 + n)));
    const start = [...V, ...V], w = start.map((_, i) => (i < n ? 1 : -1)); // pairs: T(U_0) = 0
    const size = 0.5 / Descent.stiffness(start, w, l, random);
    const film = alpha => { // signed cosines with T*'s two components and norms, at every step
      const errors = [], frames = [];
      let U = start;
      for (let t = 0; t <= STEPS; t++) {
        U = Descent.train(U, w, T, alpha, size, (error, now) => {
          errors.push(error);
          frames.push(now.map((u, i) => {
            const norm = Descent.norm(u);
            return [...T.factors.map(v => w[i] * dot(u, v) / norm), norm];
          }));
        });
      }
      return { errors, frames };
    };
    const limit = film(LIMIT);
    let shown = null;
    const retake = self => {
      shown = film(10 ** self.values.alpha);
      if (!still.matches) { self.set("t", 0); self.play(true); }
    };
    const times = [0]; // of the film's pictures: slow at first, when most happens
    while (last(times) < STEPS) times.push(Math.min(STEPS, Math.ceil(1.02 * last(times) + 1)));
    const tick = self => {
      self.set("t", times.find(t => t > self.values.t) || STEPS);
      return self.values.t < STEPS;
    };
    const draw = self => {
      const t = self.values.t, frame = shown.frames[t];
      const p = plane(self.canvases[0], 1.15);
      p.disc(p.X(0), p.Y(0), p.X(1) - p.X(0), "grey", false);
      p.path([[p.X(-1), p.Y(0)], [p.X(1), p.Y(0)]], "grid");
      p.path([[p.X(0), p.Y(-1)], [p.X(0), p.Y(1)]], "grid");
      [[1, 0], [0, 1]].forEach(([a, b]) => p.disc(p.X(a), p.Y(b), 13, "gold", false));
      frame.forEach(([a, b, norm], i) => {
        const color = i < n ? "blue" : "red";
        p.path([...times.filter(k => k < t), t].map(k => shown.frames[k][i])
          .map(([e, f]) => [p.X(e), p.Y(f)]), color, { width: 1 });
        p.disc(p.X(a), p.Y(b), 2 + 5 * norm, color);
      });
      const q = plot(self.canvases[1], STEPS, [1e-4, 1.5], "relative error", true);
      q.curve(limit.errors, "grey", { dash: [5, 4] });
      q.curve(shown.errors.slice(0, t + 1), "blue", { width: 2 });
      q.text("lazy: α = 10,000", q.X(STEPS) - 4, q.Y(last(limit.errors)) + 18, "grey", "right");
      if (shown.errors[t] > 1e-4) q.disc(q.X(t), q.Y(shown.errors[t]), 4, "blue");
      if (self.playing) return;
      const far = Math.max(...frame.map(([a, b], i) =>
        Math.hypot(a - shown.frames[0][i][0], b - shown.frames[0][i][1])));
      const [scale, error] = [Math.round(10 ** self.values.alpha), shown.errors[t].toPrecision(2)];
      self.say(`Scale ${scale}, step ${t}: error ${error}; `
        + `no point has moved by more than ${far.toPrecision(2)}.`);
    };
    const self = figure(root, { name: "Live figure: from lazy to rich", draw, tick,
      rested: me => me.values.t === STEPS, again: me => { me.set("t", 0); me.play(true); },
      panels: ["Disc of cosines: where the eight components point, their size as their norm",
        "Relative error against steps, with the lazy limit dashed"],
      sliders: [
        { key: "alpha", label: "scale of the start, α", min: 0, max: 4, step: 0.25, value: 0,
          show: v => String(Math.round(10 ** v)), change: retake },
        { key: "t", label: "time, in steps", min: 0, max: STEPS, step: 1,
          value: still.matches ? STEPS : 0, change: me => me.play(false) }] });
    const scrub = event => { // the curve is a scrubber too
      if (!(event.buttons & 1)) return;
      const { left, width } = self.canvases[1].getBoundingClientRect();
      const share = (event.clientX - left - 44) / (width - 62);
      self.play(false);
      self.set("t", Math.round(STEPS * Math.max(0, Math.min(1, share))));
      self.draw();
    };
    self.canvases[1].addEventListener("pointerdown", scrub);
    self.canvases[1].addEventListener("pointermove", scrub);
    retake(self);
    self.draw();
  }

  // ---- Any dimension, and the rule at m = r (notebooks 02 and 07). ----

  const DIMS = [3, 4, 6, 10, 30, 100, 1e3, 1e4, 1e6, 1e9, 1e12], HUES = 8;

  function dimension(root) {
    const RULES = { true: { redraw: "own", stall: 0.02 }, false: { redraw: "norm", stall: 0 } };
    let run, tape; // tape: errors, redraws, and of each component its lives
    const record = () => {
      const { now } = run, T = run.T;
      tape.errors.push(now.error);
      if (run.gone.length) tape.redraws.push(run.step - 1);
      tape.redrawn += run.gone.length;
      now.directions.forEach((x, i) => {
        const cosines = T.factors.map(v => Math.abs(dot(x, v))), best = Math.max(...cosines);
        const one = tape.components[i];
        const born = run.gone.includes(i) || !one.length;
        if (born) one.push({ from: run.step, norms: [], cosines: [] });
        const life = last(one);
        life.norms.push(now.norms[i]);
        life.cosines.push(best);
        life.color = now.norms[i] > 0.1 ? `hue${cosines.indexOf(best) % HUES}` : "grey";
      });
    };
    const restart = self => {
      const { d: place, m, l, seed, rule } = self.values, d = DIMS[place];
      const r = Math.min(self.values.r, d);
      self.set("r", r);
      const random = Descent.chance(seed), axes = range(r).map(j => range(r).map(k => +(j === k)));
      const T = Descent.target(range(r).map(() => random.sign()), axes, l);
      const recipe = { ...Descent.BASE, epochs: 8, ...RULES[rule] };
      run = Descent.begin(T, m, Descent.drawing(random, d, r, recipe), recipe);
      tape = { errors: [], redraws: [], redrawn: 0, components: range(m).map(() => []) };
      record();
      go(self, tick);
    };
    const tick = self => {
      for (let k = 0; k < 5 && !Descent.ended(run); k++) { Descent.advance(run); record(); }
      return !Descent.ended(run);
    };
    const draw = self => {
      const end = Math.max(300, 300 * Math.ceil(tape.errors.length / 300));
      const axes = (k, ...rest) => {
        const p = plot(self.canvases[k], end, ...rest);
        tape.redraws.forEach(t => p.upright(t, "ink", [3, 3]));
        return p;
      };
      const lives = (p, key) => tape.components.flat().forEach(life =>
        p.curve(life[key], life.color, { width: life.color === "grey" ? 1 : 1.8 }, life.from));
      const p = axes(0, [5e-3, 1.5], "relative error", true);
      p.curve(tape.errors, "ink", { width: 2 });
      tape.redraws.forEach(t => p.text("▼", p.X(t), p.top + 8, "ink", "center"));
      lives(axes(1, [1e-4, 2], "norms", true), "norms");
      lives(axes(2, [0, 1.05], "largest cosine with a true one"), "cosines");
      if (self.playing) return;
      const why = Descent.ended(run) || "stopped", d = DIMS[self.values.d].toLocaleString("en");
      self.say(`d = ${d}: ${why} at step ${run.step}, error ${run.now.error.toFixed(3)}; `
        + `components redrawn: ${tape.redrawn}.`);
    };
    const whole = { min: 1, step: 1, change: restart };
    const self = figure(root, { name: "Live figure: any dimension", draw, tick,
      rested: () => Descent.ended(run), again: restart,
      panels: ["Relative error against steps; triangles mark redraws",
        "Norms of the components against steps",
        "Largest cosine of each component with a true component, against steps"],
      sliders: [
        { key: "d", label: "dimension d", min: 0, max: DIMS.length - 1, step: 1,
          value: DIMS.indexOf(30), show: k => DIMS[k].toLocaleString("en"), change: restart },
        { ...whole, key: "r", label: "true components r", max: 8, value: 8 },
        { ...whole, key: "m", label: "components m", max: 16, value: 8 },
        { ...whole, key: "l", label: "order l", min: 3, max: 5, value: 3 },
        { ...whole, key: "seed", label: "seed", min: 0, max: 99, value: 0 },
        { key: "rule", label: "redraw by own parts", type: "checkbox", change: me => {
          Object.assign(run.recipe, RULES[me.values.rule]);
          if (Descent.ended(run).startsWith("spent")) run.recipe.epochs += 8;
          go(me, tick);
        } }] });
    restart(self);
    self.draw();
  }

  // ---- Theorem C's trap (notebook 03, sections 1 and 3), in its plane, l = 3. ----

  function trap(root) {
    const l = 3, COPIES = 4, LENGTH = 400, tripod = range(3).map(k => 2 * Math.PI * k / 3);
    const T = Descent.target([4 / 3, 4 / 3, 4 / 3], tripod.map(t => [Math.cos(t), Math.sin(t)]), l);
    const recipe = { ...Descent.BASE, tol: 1e-3, steps: 1e9 };
    let random, run, losses, drops;
    const loss = () => losses.push(2 * run.now.error ** 2); // f = ½‖E‖², and ‖T*‖² = 4
    const restart = self => {
      const u = [Math.sqrt(1 / (2 * COPIES)), 0];
      random = Descent.chance(0);
      run = Descent.begin(T, COPIES, null, recipe,
        [range(COPIES).map(() => u), range(COPIES).map(() => 1)]);
      [losses, drops] = [[], []];
      loss();
      go(self, tick);
    };
    const drop = self => {
      const u = Descent.unit(Descent.gaussian(random, 2, 2, 2)).map(x => recipe.delta0 * x);
      run.now = Descent.observe([...run.now.factors, u], [...run.now.signs, random.sign()], T);
      drops.push(run.step);
      go(self, tick);
    };
    const resting = () => Descent.ended(run) || run.step - (last(drops) || 0) >= LENGTH;
    const tick = () => {
      for (let k = 0; k < 2 && !resting(); k++) { Descent.advance(run); loss(); }
      return !resting();
    };
    const draw = self => {
      const p = plane(self.canvases[0], 1.3);
      tripod.forEach(t => p.path([[p.X(0), p.Y(0)],
        [p.X(1.15 * Math.cos(t)), p.Y(1.15 * Math.sin(t))]], "grid", { width: 10 }));
      run.now.factors.forEach((u, i) => { // a u: for odd l the sign goes with the direction
        const long = Math.max(0.1, 1.414 * run.now.norms[i]);
        const [a, b] = run.now.directions[i].map(x => run.now.signs[i] * long * x);
        p.arrow(a, b, i < COPIES ? "blue" : "red", i < COPIES ? 3 : 2);
      });
      const end = Math.max(LENGTH, 200 * Math.ceil(losses.length / 200));
      const q = plot(self.canvases[1], end, [0, 2.2], "loss f");
      q.path([[q.X(0), q.Y(1.5)], [q.X(end), q.Y(1.5)]], "grey", { dash: [5, 4] });
      q.text("l(l − 1)/4 = 1.5", q.X(end) - 4, q.Y(1.5) - 6, "grey", "right");
      drops.forEach(t => q.text("▼", q.X(t), q.Y(losses[t]) - 8, "red", "center"));
      q.curve(losses, "ink", { width: 2 });
      if (self.playing) return;
      const spares = `${drops.length} spare${drops.length === 1 ? "" : "s"}`;
      self.say(`${COPIES} copies, ${spares}, step ${run.step}: the loss is `
        + `${last(losses).toFixed(3)}${Descent.ended(run) ? ": freed" : ""}.`);
    };
    const self = figure(root, { name: "Live figure: a trap, and a spare", draw, tick,
      rested: resting, again: restart,
      panels: ["The plane of the trap: an exact fit in grey, the copies and spares as arrows",
        "The loss against steps; triangles mark where a spare was dropped in"],
      buttons: [["Drop a spare in", drop]] });
    restart(self);
    self.draw();
  }

  const FIGURES = { lazy, dimension, trap };
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".live[data-figure]")
      .forEach(root => FIGURES[root.dataset.figure](root));
  });
})();
