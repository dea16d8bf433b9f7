import { expect, it } from "vitest";
import { cdf, logCdf, logImprovement, logInterval, quantile, truncated } from "./normal.ts";

const near = (value: number, right: number, relative = 1e-12) =>
  expect(Math.abs(value - right)).toBeLessThanOrEqual(relative * Math.max(Math.abs(right), 1e-300));

// Reference values: scipy.stats.norm, scipy.special.log_ndtr.
it.each([
  [-12, 1.776482112077653e-33, -75.41067300156881],
  [-5, 2.866515718791933e-7, -15.064998393988727],
  [-1.5, 0.06680720126885807, -2.7059444008238898],
  [-0.3, 0.3820885778110474, -0.9621028181688505],
  [0, 0.5, -Math.LN2],
  [0.7, 0.758036347776927, -0.2770239422771313],
  [2, 0.9772498680518208, -0.023012909328963476],
  [6, 0.9999999990134123, -9.86587645524372e-10],
])("the distribution function at %d", (z, value, log) => {
  near(cdf(z), value);
  near(logCdf(z), log, 1e-9);
});

it("the logarithm is exact far in the tail", () => near(logCdf(-40), -804.6084420137539));

it.each([
  [1e-300, -37.0470962993612],
  [1e-20, -9.262340089798409],
  [1e-5, -4.264890793922825],
  [0.01, -2.3263478740408408],
  [0.3, -0.5244005127080409],
  [0.9, 1.2815515655446004],
  [0.999999, 4.753424308817087],
])("the quantile of %d", (p, z) => near(quantile(p), z, 1e-10));

it("intervals in either tail keep their digits", () => {
  near(logInterval(-31, -30), logInterval(30, 31));
  near(logInterval(-1, 2), Math.log(cdf(2) - cdf(-1)));
});

it("a truncated normal stays in its interval, also far from its mean", () => {
  for (const u of [0, 1e-9, 0.25, 0.5, 0.999999]) {
    const x = truncated(u, 0, 1, 20, 21);
    expect(x).toBeGreaterThanOrEqual(20);
    expect(x).toBeLessThanOrEqual(21);
    expect(truncated(u, 0, 1, -21, -20)).toBeLessThanOrEqual(-20);
  }
  expect(truncated(0.5, 20.5, 1, 20, 21)).toBeCloseTo(20.5, 12);
});

// Reference values: mpmath with 60 digits.
it.each([
  [-1e6, -500000000028.55, 1000000.000002],
  [-300, -45012.32653681455, 300.0066664444617],
  [-30, -457.724653760598, 30.06644615416242],
  [-2, -4.768783523917114, 2.679416883955586],
  [-1, -2.4851210257126413, 1.9042712333296918],
  [0, -0.9189385332046728, 1.2533141373155003],
  [1, 0.08002621884930694, 0.7766387252017393],
  [5, 1.6094379231264313, 0.19999994053122006],
])("the log of the expected improvement at %d", (z, log, slope) => {
  const h = logImprovement(z);
  near(h.log, log, 1e-9);
  near(h.slope, slope, 1e-4);
});
