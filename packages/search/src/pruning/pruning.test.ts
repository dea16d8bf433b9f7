import { SearchSpace } from "@anneal/contracts";
import { expect, it } from "vitest";
import type { Study, Trial } from "../study.ts";
import { promotion, rungs } from "./asha.ts";
import { worseThanMedian } from "./median.ts";

const space = SearchSpace.parse({ x: { kind: "float", low: 0, high: 1 } });
const trial = (state: Trial["state"], ...reports: [number, number][]): Trial => ({
  point: { x: 0.5 },
  state,
  value: reports.at(-1)?.[1] ?? null,
  reports: reports.map(([resource, value]) => ({ resource, value })),
});
const study = (...trials: Trial[]): Study => ({ space, direction: "minimise", seed: 0, trials });
const options = { least: 100, most: 900, reduction: 3 };

it("rungs grow by the reduction and end with a whole trial", () => {
  expect(rungs(options)).toEqual([100, 300, 900]);
  expect(rungs({ least: 100, most: 1000 })).toEqual([100, 300, 900, 1000]);
  expect(rungs({ least: 50, most: 50 })).toEqual([50]);
  expect(() => rungs({ least: 0, most: 1 })).toThrow("0 < least <= most");
});

it("promotes the best third of a rung, each once, the highest rung first", () => {
  const [a, b, c] = [trial("paused", [100, 3]), trial("paused", [100, 1]), trial("paused", [100, 2])];
  expect(promotion(study(a, b), options)).toBeNull(); // a third of two is nobody
  expect(promotion(study(a, b, c), options)).toEqual({ trial: b, from: 100, to: 300 });
  const gone = { ...b, state: "running" as const };
  expect(promotion(study(a, gone, c), options)).toBeNull();
  const three = [1, 2, 3].map((v) => trial("paused", [100, v], [300, v]));
  expect(promotion(study(...three, a, c, trial("paused", [100, 0.5])), options)).toEqual({
    trial: three[0],
    from: 300,
    to: 900,
  });
});

it("a better late comer is promoted, and a value that is not a number never", () => {
  const old = [4, 5, 6].map((v) => trial("paused", [100, v]));
  const late = trial("paused", [100, 1]);
  const broken = trial("paused", [100, Number.NaN]);
  expect(promotion(study(...old, late, broken), options)?.trial).toBe(late);
});

it("stops a trial below the median of the others at the same resource, after the start", () => {
  const others = [1, 2, 3, 4, 5].map((v) => trial("complete", [100, v], [200, v / 2]));
  expect(worseThanMedian(study(...others), trial("running", [100, 3.1]))).toBe(true);
  expect(worseThanMedian(study(...others), trial("running", [100, 3]))).toBe(false);
  expect(worseThanMedian(study(...others), trial("running", [100, 3.1]), { warmup: 150 })).toBe(false);
  expect(worseThanMedian(study(...others.slice(1)), trial("running", [100, 9]))).toBe(false);
  expect(worseThanMedian({ ...study(...others), direction: "maximise" }, trial("running", [100, 2]))).toBe(true);
});
