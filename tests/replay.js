// Runs of docs/_static/descent.js on draws handed over by td, for tests/test_live.py.
"use strict";
const kernel = typeof require === "undefined" ? Descent : require("../docs/_static/descent.js");

function replay({ target, m, recipe, draws }) { // what a run sees at every step
  const T = kernel.target(target.weights, target.factors, target.order);
  const run = kernel.begin(T, m, () => draws.shift(), { ...kernel.BASE, ...recipe });
  const seen = [], products = [];
  for (;;) {
    const { error, norms, factors } = run.now;
    seen.push([error, norms]);
    if (run.step % 10 === 0) {
      products.push(factors.map(x => [...factors, ...T.factors].map(y => kernel.dot(x, y))));
    }
    const reason = kernel.ended(run);
    if (reason) return { seen, products, reason, left: draws.length };
    kernel.advance(run);
  }
}

function trained({ target, start, weights, alpha, size, steps }) { // notebook 01's training
  const T = kernel.target(target.weights, target.factors, target.order), errors = [];
  let U = start;
  for (let t = 0; t <= steps; t++) {
    U = kernel.train(U, weights, T, alpha, size, error => errors.push(error));
  }
  const top = kernel.stiffness(start, weights, target.order, kernel.chance(0));
  return { errors, stiffness: top };
}

function fresh({ d, q, m, n, seed }) { // inner products of draws with an axis and with each other
  const draw = kernel.drawing(kernel.chance(seed), d, q, { ...kernel.BASE, delta0: 1 });
  return kernel.range(n).map(() => {
    const [U] = draw(kernel.range(m));
    return [U[0][0], U[1][0], kernel.dot(U[0], U[1])];
  });
}

const tasks = { replay, trained, fresh };
const answer = cases => JSON.stringify(cases.map(([name, x]) => tasks[name](x)));
if (typeof require !== "undefined") {
  console.log(answer(JSON.parse(require("fs").readFileSync(0, "utf8"))));
}
