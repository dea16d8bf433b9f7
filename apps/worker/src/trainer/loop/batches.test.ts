import { describe, expect, it } from "vitest";
import { DataPlan } from "../prepare/batches.ts";
import { worstRows } from "./rehearse.ts";

const rows = Uint32Array.from({ length: 103 }, (_, i) => i);
const lengthOf = (row: number) => 5 + ((row * 37) % 91);
const spec = { batchRows: 8, epochs: 2, maxSteps: null, seed: 3, lengthGrouping: true };
const steps = (plan: DataPlan, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => plan.rowsOf(from + i));
const spread = (batch: number[]) => {
  const lengths = batch.map(lengthOf);
  return Math.max(...lengths) - Math.min(...lengths);
};

describe("length-grouped batches", () => {
  const plan = new DataPlan(rows, spec, lengthOf);
  it("take every row once an epoch, in another order each time", () => {
    const [first, second] = [steps(plan, 0, 13), steps(plan, 13, 26)];
    for (const epoch of [first, second]) expect(epoch.flat().sort((a, b) => a - b)).toEqual(Array.from(rows));
    expect(first).not.toEqual(second);
    expect(first.at(-1)).toHaveLength(103 % 8);
  });
  it("hold rows of like length, short and long steps mixed", () => {
    const grouped = steps(plan, 0, 12);
    const plain = steps(new DataPlan(rows, { ...spec, lengthGrouping: false }, lengthOf), 0, 12);
    const mean = (batches: number[][]) => batches.reduce((sum, batch) => sum + spread(batch), 0) / batches.length;
    expect(mean(grouped)).toBeLessThan(mean(plain) / 4);
    const firsts = grouped.map((batch) => lengthOf(batch[0] ?? 0));
    expect(firsts).not.toEqual([...firsts].sort((a, b) => b - a));
  });
  it("do not depend on where an attempt begins", () => {
    expect(new DataPlan(rows, spec, lengthOf).rowsOf(17)).toEqual(plan.rowsOf(17));
  });
});

describe("worstRows", () => {
  it("fills a micro-batch with the longest rows", () => {
    const lengths = [3, 9, 7, 9, 2];
    const at = (row: number) => lengths[row] ?? 0;
    expect(worstRows([0, 1, 2, 3, 4], at, { microBatchTokens: 19, packing: true })).toEqual([1, 3]);
    expect(worstRows([0, 1, 2, 3, 4], at, { microBatchTokens: 25, packing: true })).toEqual([1, 3, 2]);
    expect(worstRows([0, 1, 2, 3, 4], at, { microBatchTokens: 25, packing: false })).toEqual([1]);
  });
});
