import type { MetricName } from "@anneal/contracts";
import { expect, it } from "vitest";
import { SeriesStore } from "../../../lib/series.ts";
import { isConstant } from "./constants.ts";

const told = (name: MetricName, values: number[]) => {
  const store = new SeriesStore();
  for (const [i, value] of values.entries()) store.append(i, i, i, { [name]: value });
  return store;
};
const spec = (...names: MetricName[]) => ({ id: "x", title: null, group: "memory" as const, unit: "bytes", names });

it("a series that never moves is no curve", () => {
  expect(isConstant(spec("memory/planned_bytes"), told("memory/planned_bytes", [5, 5, 5]))).toBe(true);
  expect(isConstant(spec("optim/clipped"), told("optim/clipped", [0, 0, 0, 0]))).toBe(true);
});
it("one that moved, one that has just begun, and series read together are", () => {
  expect(isConstant(spec("optim/clipped"), told("optim/clipped", [0, 0, 1]))).toBe(false);
  expect(isConstant(spec("memory/planned_bytes"), told("memory/planned_bytes", [5, 5]))).toBe(false);
  expect(isConstant(spec("train/loss", "eval/loss"), told("train/loss", [1, 1, 1]))).toBe(false);
  expect(isConstant(spec(), new SeriesStore())).toBe(false);
});
