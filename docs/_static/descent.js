// The algorithm of notebook 02 in the coordinates of notebook 07, for the live figures.
//
// The names are those of td.descent, and the same draws give the same path (tests/test_live.py).
// A component u_i is a column of q + m coordinates, the first q of them T*'s: nothing has d rows.
// Lengths are in units of ‖T*‖.
"use strict";
const Descent = (() => {
  const BASE = { tol: 1e-2, delta0: 1e-3, epochs: 20, steps: 300, reinit: 0.1, stall: 0.02,
    redraw: "own", small: 0.03, turn: 0.2, damp: 1, signs: "random" };
  const TOO_LARGE = 1e3, RIDGE = 1e-10;

  const range = n => Array.from({ length: n }, (_, i) => i);
  const sum = x => x.reduce((a, b) => a + b, 0);
  const power = (x, n) => { let y = 1; while (n-- > 0) y *= x; return y; };
  const norm = x => Math.sqrt(dot(x, x));
  const unit = x => { const n = norm(x) || 1; return x.map(y => y / n); };
  function dot(x, y) { // the shorter one's missing coordinates are 0
    let s = 0;
    for (let k = Math.min(x.length, y.length) - 1; k >= 0; k--) s += x[k] * y[k];
    return s;
  }
  function add(x, scale, y) { // x += scale y
    for (let k = y.length - 1; k >= 0; k--) x[k] += scale * y[k];
  }

  // T* = Σ_j c_j v_j^{⊗l}, scaled to norm 1: ‖T*‖² = Σ_jk c_j c_k (v_j·v_k)^l.
  function target(weights, factors, order) {
    const square = sum(factors.map((v, j) =>
      sum(factors.map((x, k) => weights[j] * weights[k] * power(dot(v, x), order)))));
    const scale = 1 / Math.sqrt(square);
    return { weights: weights.map(c => scale * c), factors, order, dim: factors[0].length };
  }

  // E(x^{l-1}, ·) = Σ_k w_k (ū_k·x)^{l-1} ū_k - Σ_j c_j (v_j·x)^{l-1} v_j (notebook 07, section 1).
  function contract(weights, vectors, order, x, into) {
    vectors.forEach((v, k) => add(into, weights[k] * power(dot(v, x), order - 1), v));
    return into;
  }

  // What a step needs to know: norms, directions, weights w_i = a_i‖u_i‖², Gram matrix, E_i, ‖E‖.
  function observe(U, a, T) {
    const norms = U.map(norm), X = U.map(unit), w = a.map((s, i) => s * norms[i] * norms[i]);
    const gram = X.map(x => X.map(y => dot(x, y)));
    const zero = () => U[0].map(() => 0);
    const theirs = X.map(x => contract(T.weights, T.factors, T.order, x, zero()));
    const field = X.map(x => contract(w, X, T.order, x, zero()));
    field.forEach((e, i) => add(e, -1, theirs[i]));
    // ‖E‖² = ⟨E, T⟩ - ⟨T*, T⟩ + ‖T*‖²; an inner product with T is a sum over components.
    const square = sum(X.map((x, i) => w[i] * (dot(x, field[i]) - dot(x, theirs[i])))) + 1;
    return { factors: U, signs: a, norms, directions: X, weights: w, gram, field,
      error: Math.sqrt(Math.abs(square)) };
  }

  // s_i (notebook 02, section 5): rule 1 bounds turning, rule 2 curvature; one step for the small
  // components and one, never longer, for the large ones.
  function stepSizes(now, l, recipe) {
    const small = now.norms.map(n => n <= recipe.small);
    const stiff = [true, false].map(side => Math.max(0, ...now.field.map((e, i) => {
      if (small[i] !== side) return 0;
      const load = now.norms.map((n, k) =>
        small[k] === side ? n * n * power(Math.abs(now.gram[i][k]), l - 2) : 0);
      return Math.max(norm(e) / recipe.turn, l * sum(load) / recipe.damp);
    })));
    return small.map(is => 1 / ((is ? stiff[0] : Math.max(...stiff)) || 1));
  }

  // u_i ← u_i - s_i ‖u_i‖ a_i E_i (Proposition 1 of notebook 02, with p = 2).
  function step(now, l, recipe) {
    const s = stepSizes(now, l, recipe);
    return now.factors.map((u, i) => {
      const moved = [...u];
      add(moved, -s[i] * now.norms[i] * now.signs[i], now.field[i]);
      return moved;
    });
  }

  // (H + ridge)⁻¹ with H_ik = (ū_i·ū_k)^l, the identity for those gone (Gauss and Jordan).
  function inverse(gram, l, gone) {
    const m = gram.length;
    const A = gram.map((row, i) => [
      ...row.map((g, k) => (gone[i] || gone[k] ? +(i === k)
        : power(g, l) + (i === k ? RIDGE : 0))),
      ...range(m).map(k => +(i === k))]);
    for (let c = 0; c < m; c++) {
      let pivot = c;
      for (let i = c; i < m; i++) if (Math.abs(A[i][c]) > Math.abs(A[pivot][c])) pivot = i;
      [A[c], A[pivot]] = [A[pivot], A[c]];
      const by = A[c][c];
      A[c].forEach((x, k) => { A[c][k] = x / by; });
      A.forEach((row, i) => { if (i !== c) add(row, -row[c], A[c]); });
    }
    return A.map(row => row.slice(m));
  }

  // o_i = |w_i| / √(H⁻¹)_ii (Proposition 9 of notebook 02); those gone have ∞.
  function ownParts(now, l, gone = now.norms.map(() => false)) {
    const P = inverse(now.gram, l, gone);
    return now.weights.map((w, i) => (gone[i] ? Infinity : Math.abs(w) / Math.sqrt(P[i][i])));
  }

  // The rule of notebook 02, section 8: (1) own parts below reinit², the cheapest first, the rest
  // taken anew; (2) if there are none and the error has hardly fallen since `before`, the smallest.
  function replaceable(now, before, l, recipe) {
    const gone = now.norms.map(n => n < recipe.reinit);
    const least = recipe.redraw === "own" ? recipe.reinit ** 2 : 0;
    let own = ownParts(now, l, gone);
    const cheapest = () => own.indexOf(Math.min(...own));
    while (own[cheapest()] < least) {
      gone[cheapest()] = true;
      own = ownParts(now, l, gone);
    }
    const stuck = !gone.includes(true) && now.error > (1 - recipe.stall) * before;
    if (recipe.stall && stuck) gone[cheapest()] = true;
    return gone;
  }

  // Theorem I, step 3 (notebook 07): rotate the coordinates beyond the first q so that those that
  // stay have them first (R of a QR, by Gram and Schmidt); where each component stands then.
  function freed(U, q, gone) {
    const every = range(U.length), stays = every.filter(i => !gone[i]), Q = [];
    const order = [...stays, ...every.filter(i => gone[i])];
    const places = every.map(i => order.indexOf(i)), rotated = U.map(u => [...u]);
    for (const i of stays) {
      const rest = U[i].slice(q), column = rotated[i].fill(0, q);
      Q.forEach((e, k) => { column[q + k] = dot(e, rest); add(rest, -column[q + k], e); });
      if (q + Q.length < column.length) column[q + Q.length] = norm(rest);
      Q.push(unit(rest));
    }
    return [rotated, places];
  }

  // Random numbers from a seed: uniform (sfc32), normal (Box and Muller), χ² (Marsaglia and Tsang).
  function chance(seed) {
    let [a, b, c, n] = [0x9e3779b9, 0x243f6a88, 0xb7e15162 ^ seed, 1];
    const uniform = () => {
      const t = (a + b + n++) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + t) | 0;
      return ((t >>> 0) + 0.5) / 2 ** 32;
    };
    range(20).forEach(uniform);
    const normal = () =>
      Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const chi = degrees => {
      if (degrees < 2) return Math.abs(normal());
      const e = degrees / 2 - 1 / 3, f = 1 / Math.sqrt(9 * e);
      for (;;) {
        const x = normal(), v = (1 + f * x) ** 3;
        if (v > 0 && Math.log(uniform()) < x * x / 2 + e * (1 - v + Math.log(v))) {
          return Math.sqrt(2 * e * v);
        }
      }
    };
    return { uniform, normal, chi, sign: () => (uniform() < 0.5 ? -1 : 1) };
  }

  // Proposition 2 (notebook 07): a Gaussian vector of R^d has normals in the coordinates in use,
  // and in one of its own the length of the rest, χ with d - used degrees of freedom.
  function gaussian(random, d, used, rows) {
    const g = Array(rows).fill(0);
    for (let k = 0; k < Math.min(used, d, rows); k++) g[k] = random.normal();
    if (used < Math.min(d, rows)) g[used] = random.chi(d - used);
    return g;
  }

  // Draws of fresh components: δ_0 times a uniform direction of R^d, and a sign, for each place.
  function drawing(random, d, q, recipe) {
    return places => [
      places.map(p => unit(gaussian(random, d, q + p, q + places.length))
        .map(x => recipe.delta0 * x)),
      places.map(() => (recipe.signs === "random" ? random.sign() : 1)),
    ];
  }

  // A run: what it sees now, its step, who was redrawn last. `recipe` may be changed as it goes.
  function begin(T, m, draw, recipe = BASE, start = null) {
    const [U, a] = start || draw(range(m));
    return { T, draw, recipe, now: observe(U, a, T), before: Infinity, step: 0, gone: [] };
  }

  function ended(run) {
    if (run.now.error <= run.recipe.tol) return "reached the target error";
    if (!(run.now.error < TOO_LARGE)) return "diverged";
    return run.step >= run.recipe.epochs * run.recipe.steps ? "spent its epochs" : "";
  }

  // One step of the run; at an epoch's start the rule comes first.
  function advance(run) {
    const { T, recipe } = run;
    run.gone = [];
    if (run.step && run.step % recipe.steps === 0) {
      const gone = replaceable(run.now, run.before, T.order, recipe);
      run.before = run.now.error;
      const [U, places] = freed(run.now.factors, T.dim, gone);
      const [V, b] = run.draw(places);
      run.gone = range(U.length).filter(i => gone[i]);
      run.now = observe(U.map((u, i) => (gone[i] ? V[i] : u)),
        run.now.signs.map((s, i) => (gone[i] ? b[i] : s)), T);
    }
    run.now = observe(step(run.now, T.order, recipe), run.now.signs, T);
    run.step += 1;
    return run;
  }

  // Notebook 01, section 4: gradient descent on ½‖α T(U) - T*‖²/α² in U, T(U) = Σ_i w_i u_i^{⊗l}.
  // What it sees of the residual E = α T(U) - T*: E(u_i^{l-1}, ·) and ‖E‖.
  function residual(U, w, T, alpha) {
    const scaled = w.map(x => alpha * x), zero = () => U[0].map(() => 0);
    const theirs = U.map(u => contract(T.weights, T.factors, T.order, u, zero()));
    const field = U.map(u => contract(scaled, U, T.order, u, zero()));
    field.forEach((e, i) => add(e, -1, theirs[i]));
    const square = sum(U.map((u, i) => scaled[i] * (dot(u, field[i]) - dot(u, theirs[i])))) + 1;
    return { field, error: Math.sqrt(Math.abs(square)) };
  }

  function train(U, w, T, alpha, size, seen) {
    const { field, error } = residual(U, w, T, alpha);
    seen(error, U);
    return U.map((u, i) => {
      const moved = [...u];
      add(moved, -size * T.order * w[i] / alpha, field[i]);
      return moved;
    });
  }

  // The largest eigenvalue of the tangent kernel at U (notebook 01, section 4), by power iteration.
  // Its block outside the span of U is the same in every direction: one more coordinate stands for
  // them all.
  function stiffness(U, w, l, random) {
    const V = U.map(u => [...u, 0]);
    let X = V.map(v => v.map(() => random.normal())), top = 0;
    for (let k = 0; k < 200; k++) {
      const Y = V.map((v, i) => {
        const y = v.map(() => 0);
        V.forEach((u, j) => {
          const g = power(dot(u, v), l - 2), by = l * w[i] * w[j];
          add(y, by * g * dot(u, v), X[j]);
          add(y, by * (l - 1) * g * dot(v, X[j]), u);
        });
        return y;
      });
      top = Math.sqrt(sum(Y.map(y => dot(y, y))));
      X = Y.map(y => y.map(x => x / top));
    }
    return top;
  }

  return { BASE, dot, norm, unit, power, range, target, observe, stepSizes, step, ownParts,
    replaceable, freed, chance, gaussian, drawing, begin, ended, advance, residual, train,
    stiffness };
})();
if (typeof module !== "undefined") module.exports = Descent;
