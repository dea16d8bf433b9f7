import { describe, expect, it } from "vitest";
import {
  mcNemarExact,
  normalQuantile,
  pairedBootstrap,
  quantileSorted,
  seededRandom,
  summarise,
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

describe("pairedBootstrap", () => {
  const differences = Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? 1 : i % 16 === 1 ? -1 : 0));
  it("agrees with the normal approximation on many rows", () => {
    const mean = differences.reduce<number>((s, v) => s + v, 0) / 400;
    const variance = differences.reduce<number>((s, v) => s + (v - mean) ** 2, 0) / 400;
    const half = 1.96 * Math.sqrt(variance / 400);
    const interval = pairedBootstrap(differences, { seed: 1, resamples: 8000 });
    expect(interval.mean).toBeCloseTo(mean, 12);
    expect(Math.abs(interval.low - (mean - half))).toBeLessThan(0.006);
    expect(Math.abs(interval.high - (mean + half))).toBeLessThan(0.006);
  });
  it("is the same for the same seed and another for another", () => {
    const once = pairedBootstrap(differences, { seed: 7, resamples: 300 });
    expect(pairedBootstrap(differences, { seed: 7, resamples: 300 })).toEqual(once);
    expect(pairedBootstrap(differences, { seed: 8, resamples: 300 })).not.toEqual(once);
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
});
