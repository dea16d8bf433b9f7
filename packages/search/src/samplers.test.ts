import { type SearchPoint, SearchSpace } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { gpSampler } from "./gp/sampler.ts";
import { gridSampler, randomSampler } from "./samplers.ts";
import { keyOf } from "./space.ts";
import { NothingFits, type Planner, type Sampler, type Study, type Trial } from "./study.ts";
import { tpeSampler } from "./tpe/sampler.ts";

const space = SearchSpace.parse({
  rate: { kind: "float", low: 1e-6, high: 1e-1, log: true },
  rank: { kind: "int", low: 1, high: 64, log: true },
  optimizer: { kind: "categorical", choices: ["adamw", "sgd"] },
  momentum: { kind: "float", low: 0, high: 0.99, when: { parameter: "optimizer", values: ["sgd"] } },
});
const loss = (p: SearchPoint) =>
  (Math.log10(p.rate as number) + 3.5) ** 2 +
  0.1 * (Math.log2(p.rank as number) - 4) ** 2 +
  (p.optimizer === "sgd" ? 0.3 + (p.momentum as number) : 0);

async function search(
  sampler: Sampler,
  trials: number,
  options: Partial<Study> & { planner?: Planner; parallel?: number } = {},
) {
  const { planner, parallel = 1, ...rest } = options;
  const study: Study = { space, direction: "minimise", seed: 1, trials: [], ...rest };
  const running: Trial[] = [];
  const sign = study.direction === "minimise" ? 1 : -1;
  const end = () =>
    Object.assign(running[0] as Trial, { state: "complete", value: sign * loss((running.shift() as Trial).point) });
  for (let i = 0; i < trials; i++) {
    if (running.length === parallel) end();
    const point = await sampler.next(study, planner);
    if (!point) break;
    const trial: Trial = { point, state: "running", value: null, reports: [] };
    study.trials.push(trial);
    running.push(trial);
  }
  while (running.length > 0) end();
  return study;
}
const best = (study: Study) => Math.min(...study.trials.map((t) => Math.abs(t.value as number)));

describe.each([
  ["random", randomSampler],
  ["tpe", tpeSampler],
  ["gp", gpSampler],
] as const)("%s", (_, make) => {
  it("gives the same next point for the same study: a search goes on after a crash where it stood", async () => {
    const whole = await search(make(), 16);
    const half: Study = { ...whole, trials: structuredClone(whole.trials.slice(0, 15)) };
    expect(await make().next(half)).toEqual(whole.trials[15]?.point);
    expect(await make().next({ ...half, seed: 2 })).not.toEqual(whole.trials[15]?.point);
  });

  it("gives a parameter only where its condition holds, within its ends", async () => {
    for (const { point } of (await search(make(), 25)).trials) {
      expect("momentum" in point).toBe(point.optimizer === "sgd");
      expect(point.rate).toBeGreaterThanOrEqual(1e-6);
      expect(point.rate).toBeLessThanOrEqual(1e-1);
      expect(Number.isInteger(point.rank)).toBe(true);
    }
  });

  it("draws no point that the planner says does not fit", async () => {
    const planner: Planner = async (points) =>
      points.map((p) => ((p.rank as number) <= 12 ? { fits: true, seconds: null } : { fits: false }));
    const study = await search(make(), 25, { planner });
    expect(study.trials.every((t) => (t.point.rank as number) <= 12)).toBe(true);
    // Without the planner the same search goes beyond: the constraint is what holds it.
    expect((await search(make(), 25)).trials.some((t) => (t.point.rank as number) > 12)).toBe(true);
  });

  it("says so where nothing fits", async () => {
    const planner: Planner = async (points) => points.map(() => ({ fits: false }));
    await expect(search(make(), 1, { planner })).rejects.toThrow(NothingFits);
  });

  it("draws no point twice while sixteen run, as long as there are others", async () => {
    const small = SearchSpace.parse({
      a: { kind: "int", low: 0, high: 7 },
      b: { kind: "categorical", choices: [1, 2, 3, 4] },
    });
    const study: Study = { space: small, direction: "minimise", seed: 3, trials: [] };
    for (let i = 0; i < 32; i++) {
      const point = (await make().next(study)) as SearchPoint;
      const done = i < 16;
      study.trials.push({
        point,
        state: done ? "complete" : "running",
        value: done ? (point.a as number) : null,
        reports: [],
      });
    }
    expect(new Set(study.trials.map((t) => keyOf(t.point))).size).toBe(32);
    expect(await make().next(study)).not.toBeNull(); // all were drawn: again is allowed
  });

  it("bears trials that failed, values that are not finite, and all values equal", async () => {
    const study = await search(make(), 12);
    for (const t of study.trials) t.value = 1;
    Object.assign(study.trials[0] as Trial, { state: "failed", value: null });
    Object.assign(study.trials[1] as Trial, { value: Number.NaN });
    Object.assign(study.trials[2] as Trial, { value: Number.POSITIVE_INFINITY });
    Object.assign(study.trials[3] as Trial, { state: "pruned", value: null, reports: [{ resource: 10, value: 3 }] });
    expect(await make().next(study)).toBeTruthy();
  });
});

it("grid draws each point once and ends", async () => {
  const study = await search(gridSampler({ perContinuous: 3 }), 100, {
    space: SearchSpace.parse({
      rate: space.rate,
      rank: { kind: "int", low: 1, high: 2 },
      optimizer: { kind: "categorical", choices: ["adamw"] },
    }),
  });
  expect(new Set(study.trials.map((t) => keyOf(t.point))).size).toBe(6);
});

it.each([
  ["tpe", tpeSampler, 0.5],
  ["gp", gpSampler, 0.02],
] as const)("%s finds better points than random draws do from 40 trials", async (_, make, enough) => {
  const drawn = best(await search(randomSampler(), 40));
  const found = best(await search(make(), 40));
  expect(found).toBeLessThan(drawn);
  expect(found).toBeLessThan(enough);
  expect(best(await search(make(), 40, { direction: "maximise" }))).toBeCloseTo(found, 9);
  expect(best(await search(make(), 40, { parallel: 16 }))).toBeLessThan(1);
});

it("takes the cheaper of two points that promise the same", async () => {
  const twin = SearchSpace.parse({ ...space, twin: { kind: "categorical", choices: ["slow", "fast"] } });
  const planner: Planner = async (points) => points.map((p) => ({ fits: true, seconds: p.twin === "slow" ? 100 : 1 }));
  const share = async (p?: Planner) =>
    (await search(gpSampler(), 30, { space: twin, planner: p })).trials.slice(10).filter((t) => t.point.twin === "fast")
      .length;
  expect(await share(planner)).toBeGreaterThan(16);
});
