import { SearchSpace } from "@anneal/contracts";
import { expect, it } from "vitest";
import { minimise } from "./lbfgs.ts";
import { fit, posteriorOf } from "./process.ts";
import { encoding } from "./sampler.ts";
import { warp } from "./warp.ts";

const points = [
  [0.1, 0.2],
  [0.5, 0.9],
  [0.8, 0.4],
  [0.3, 0.6],
].map((p) => Float64Array.from(p));
const values = Float64Array.from([0.3, -1, 1.2, 0.1]);
// Length scales 0.5 and 2, variance 1.7, noise 0.01.
const logs = Float64Array.from([1 / 0.25, 1 / 4, 1.7, 0.01], Math.log);

it("predicts as scikit-learn's GaussianProcessRegressor with the same kernel", () => {
  const process = posteriorOf(["numeric", "numeric"], points, values, { logs });
  const a = process.predict(Float64Array.from([0.4, 0.5]));
  expect(a.mean).toBeCloseTo(-0.1559413, 6);
  expect(a.variance).toBeCloseTo(0.04745575, 6);
  const b = process.predict(Float64Array.from([0.95, 0.05]));
  expect(b.mean).toBeCloseTo(1.88096557, 6);
  expect(b.variance).toBeCloseTo(0.22117642, 6);
});

it("its gradients are those of differences", () => {
  const process = posteriorOf(["numeric", "numeric"], points, values, { logs });
  const [dMean, dVariance] = [new Float64Array(2), new Float64Array(2)];
  const x = Float64Array.from([0.37, 0.71]);
  process.predict(x, dMean, dVariance);
  const h = 1e-6;
  for (let d = 0; d < 2; d++) {
    const at = (delta: number) => process.predict(x.map((v, i) => (i === d ? v + delta : v)));
    expect(dMean[d]).toBeCloseTo((at(h).mean - at(-h).mean) / (2 * h), 6);
    expect(dVariance[d]).toBeCloseTo((at(h).variance - at(-h).variance) / (2 * h), 6);
  }
});

it("believes points that still run: there the deviation falls and the mean stays", () => {
  const process = posteriorOf(["numeric", "numeric"], points, values, { logs });
  const x = Float64Array.from([0.95, 0.05]);
  const believing = process.believing([x]);
  expect(believing.predict(x).variance).toBeLessThan(0.1 * process.predict(x).variance);
  expect(believing.predict(x).mean).toBeCloseTo(process.predict(x).mean, 2);
});

it("the fit finds the axis that matters", () => {
  const many = Array.from({ length: 30 }, (_, i) => Float64Array.from([(i * 0.618) % 1, (i * 0.755) % 1]));
  const process = fit(
    ["numeric", "numeric"],
    many,
    Float64Array.from(many, ([x = 0]) => Math.sin(6 * x)),
  );
  const [first = 0, second = 0] = process.hyperparameters.logs;
  expect(first).toBeGreaterThan(second + 2);
});

it("minimises Rosenbrock's valley, and stops at an end of the box", () => {
  const rosenbrock = (x: Float64Array, g: Float64Array) => {
    const [a = 0, b = 0] = x;
    g[0] = -400 * a * (b - a * a) - 2 * (1 - a);
    g[1] = 200 * (b - a * a);
    return 100 * (b - a * a) ** 2 + (1 - a) ** 2;
  };
  const free = minimise(rosenbrock, Float64Array.from([-1.2, 1]), { low: -5, high: 5 }, { iterations: 200 });
  expect(free.x[0]).toBeCloseTo(1, 4);
  const held = minimise(rosenbrock, Float64Array.from([-0.5, 0.2]), { low: -5, high: 0.5 }, { iterations: 200 });
  expect([...held.x]).toEqual([expect.closeTo(0.5, 6), expect.closeTo(0.25, 4)]);
});

it("warps skewed values as scipy.stats.yeojohnson, to its grid", () => {
  const right = [-0.86959933, -0.8073229, -0.68651257, -0.35298711, 0.96664146, 1.74978045];
  [...warp([0.1, 0.2, 0.4, 1, 5, 20])].forEach((v, i) => {
    expect(v).toBeCloseTo(right[i] as number, 1);
  });
});

it("encodes a parameter that is not active as the middle, and a point back to itself", () => {
  const space = SearchSpace.parse({
    kind: { kind: "categorical", choices: ["a", "b"] },
    n: { kind: "int", low: 1, high: 64, log: true, when: { parameter: "kind", values: ["b"] } },
  });
  const { encode, decode } = encoding(space);
  expect([...encode({ kind: "a" })]).toEqual([0, 0.5]);
  for (const n of [1, 2, 7, 63, 64]) expect(decode(encode({ kind: "b", n }))).toEqual({ kind: "b", n });
});
