import { describe, expect, it } from "vitest";
import { ema, quantile } from "./ema.ts";
import { mergeNeighbours, SeriesStore } from "./series.ts";

describe("SeriesStore", () => {
  it("appends behind what was loaded and doubles no step", () => {
    const store = new SeriesStore();
    store.append(3, 30, 300, { "train/loss": 3 });
    store.load([
      {
        name: "train/loss",
        points: [
          { step: 1, time: 10, tokens: 100, min: 5, max: 5, mean: 5, count: 1 },
          { step: 2, time: 20, tokens: 200, min: 4, max: 4, mean: 4, count: 1 },
        ],
      },
    ]);
    store.append(3, 30, 300, { "train/loss": 3 });
    store.append(4, 40, 400, { "train/loss": 2, "optim/grad_norm": 1 });
    expect(store.points("train/loss").map((p) => p.step)).toEqual([1, 2, 3, 4]);
    expect(store.last("optim/grad_norm")?.mean).toBe(1);
  });
  it("keeps a spike however long it runs", () => {
    const store = new SeriesStore(100);
    for (let step = 0; step < 100_000; step++)
      store.append(step, step, step, { "train/loss": step === 54_321 ? 99 : 1 });
    const points = store.points("train/loss");
    expect(points.length).toBeLessThanOrEqual(100);
    expect(Math.max(...points.map((p) => p.max))).toBe(99);
    expect(points.reduce((sum, p) => sum + p.count, 0)).toBe(100_000);
  });
  it("merges with the weighted mean", () => {
    const [merged] = mergeNeighbours([
      { step: 1, time: 1, tokens: 1, min: 0, max: 2, mean: 1, count: 3 },
      { step: 2, time: 2, tokens: 2, min: 4, max: 6, mean: 5, count: 1 },
    ]);
    expect(merged).toEqual({ step: 2, time: 2, tokens: 2, min: 0, max: 6, mean: 2, count: 4 });
  });
});

describe("ema", () => {
  it("starts at the first value and skips gaps", () => {
    const smoothed = ema([10, null, 10, 20], 0.9);
    expect(smoothed[0]).toBeCloseTo(10);
    expect(smoothed[1]).toBeNull();
    expect(smoothed[2]).toBeCloseTo(10);
    expect(smoothed[3]).toBeGreaterThan(10);
    expect(smoothed[3]).toBeLessThan(20);
  });
  it("leaves the values as they are at weight 0", () => expect(ema([1, 2], 0)).toEqual([1, 2]));
  it("finds the 99th percentile", () => {
    expect(
      quantile(
        Array.from({ length: 100 }, (_, i) => i + 1),
        0.99,
      ),
    ).toBe(99);
    expect(quantile([null], 0.5)).toBeNull();
  });
});
