import { expect, it } from "vitest";
import { wilson } from "./interval.ts";

it("gives the textbook's interval", () => {
  const { low, high } = wilson(81, 263) ?? { low: 0, high: 0 };
  expect(low).toBeCloseTo(0.2553, 3);
  expect(high).toBeCloseTo(0.3662, 3);
});
it("stays within 0 and 1 and is wide for few rows", () => {
  expect(wilson(0, 10)?.low).toBe(0);
  expect(wilson(10, 10)?.high).toBe(1);
  expect(wilson(0, 10)?.high).toBeCloseTo(0.2775, 3);
});
it("knows nothing of no rows", () => {
  expect(wilson(0, 0)).toBeNull();
  expect(wilson(3, 2)).toBeNull();
});
