import { describe, expect, it } from "vitest";
import {
  mcNemarExact,
  normalQuantile,
  pairedLoss,
  pairedMeans,
  pairedShares,
  quantileSorted,
  seededRandom,
  smallestShown,
  summarise,
  tQuantile,
  wilson,
} from "./stats.ts";

describe("normalQuantile", () => {
  it.each([
    [0.975, 1.959963984540054],
    [0.995, 2.5758293035489004],
    [0.5, 0],
    [0.001, -3.090232306167813],
  ])("of %f", (p, expected) => expect(normalQuantile(p)).toBeCloseTo(expected, 7));
  it("refuses 0 and 1", () => {
    expect(() => normalQuantile(0)).toThrow(RangeError);
    expect(() => normalQuantile(1)).toThrow(RangeError);
  });
});

describe("wilson", () => {
  // Newcombe (1998), Statistics in Medicine 17, table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("%i of %i", (successes, count, low, high) => {
    const interval = wilson(successes, count);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });
  it("knows nothing without rows", () => expect(wilson(0, 0)).toEqual({ low: 0, high: 1 }));
});

describe("mcNemarExact", () => {
  it.each([
    [0, 5, 0.0625], // 2 / 2^5
    [1, 9, 0.021484375], // 2 * (1 + 10) / 2^10
    [10, 10, 1],
    [0, 0, 1],
    [2, 12, 0.012939453125], // 2 * (1 + 14 + 91) / 2^14
  ])("%i against %i", (a, b, p) => expect(mcNemarExact(a, b)).toBeCloseTo(p, 12));
  it("does not overflow on thousands of rows", () => {
    const p = mcNemarExact(1450, 1550);
    expect(p).toBeGreaterThan(0.06);
    expect(p).toBeLessThan(0.08);
  });
});

describe("quantiles", () => {
  it("interpolates as NumPy does", () => {
    expect(quantileSorted([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantileSorted([1, 2, 3, 4], 0.9)).toBeCloseTo(3.7, 12);
    expect(quantileSorted([7], 0.99)).toBe(7);
  });
  it("summarises", () => {
    const summary = summarise([4, 1, 3, 2, 5]);
    expect(summary).toMatchObject({ count: 5, mean: 3, min: 1, p50: 3, max: 5 });
    expect(summary?.standardDeviation).toBeCloseTo(Math.sqrt(2.5), 12);
    expect(summary?.p90).toBeCloseTo(4.6, 12);
    expect(summarise([])).toBeNull();
  });
});

describe("tQuantile", () => {
  it("is that of R's qt", () => {
    for (const [freedom, value] of [
      [1, 12.7062],
      [2, 4.30265],
      [3, 3.18245],
      [4, 2.77645],
      [9, 2.26216],
      [59, 2.001],
      [1000, 1.96234],
    ] as const)
      expect(tQuantile(0.05, freedom)).toBeCloseTo(value, 3);
    expect(tQuantile(0.01, 10)).toBeCloseTo(3.16927, 3);
  });
});

describe("paired intervals", () => {
  it("of shares stay open where no row changed", () => {
    const { mean, low, high } = pairedShares(0, 0, 60);
    expect(mean).toBe(0);
    expect(high).toBeCloseTo(0.0447, 4);
    expect(low).toBe(-high);
    expect(pairedShares(2, 20, 100)).toMatchObject({ mean: 0.18 });
    expect(pairedShares(2, 20, 100).low).toBeGreaterThan(0.08);
    expect(pairedShares(0, 60, 60).high).toBe(1);
  });
  it("of means are Student's, and know nothing of one row", () => {
    // R: t.test(c(1, 2, 3, 4)): 0.4457 to 4.5543
    const { mean, low, high } = pairedMeans([1, 2, 3, 4]);
    expect([mean, low, high].map((v) => Number(v.toFixed(4)))).toEqual([2.5, 0.4457, 4.5543]);
    expect(pairedMeans([3]).high).toBe(Number.POSITIVE_INFINITY);
  });
  it("of losses weigh rows by their tokens", () => {
    const rows = [
      { base: 40, tuned: 10, tokens: 10 },
      { base: 2, tuned: 1, tokens: 1 },
      { base: 6, tuned: 3, tokens: 3 },
    ];
    const { base, tuned, difference, low, high, tokens } = pairedLoss(rows);
    expect([base, tuned, tokens]).toEqual([48 / 14, 1, 14]);
    expect(difference).toBeCloseTo(base - tuned, 12);
    expect((low + high) / 2).toBeCloseTo(difference, 12);
  });
  it("tell what so many rows could have shown", () => {
    expect(smallestShown(0, 60, 0.05)).toBe(6 / 60);
    expect(smallestShown(0, 5, 0.05)).toBeNull();
    expect(smallestShown(3, 100, 0.05)).toBe((12 - 3) / 100);
  });
});

it("draws evenly", () => {
  const random = seededRandom(3);
  const bins = new Array<number>(10).fill(0);
  for (let i = 0; i < 20_000; i += 1) {
    const bin = Math.floor(random() * 10);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  for (const count of bins) expect(Math.abs(count - 2000)).toBeLessThan(200);
});
