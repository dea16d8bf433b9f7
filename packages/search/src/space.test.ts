import { SearchSpace } from "@anneal/contracts";
import { expect, it } from "vitest";
import { quasiRandom } from "./random.ts";
import { enumerate, fromUnit, ordered, sizeOf } from "./space.ts";

const conditional = SearchSpace.parse({
  alpha: { kind: "int", low: 8, high: 32, step: 8, when: { parameter: "method", values: ["lora"] } },
  method: { kind: "categorical", choices: ["lora", "full"] },
});

it("lists each point of a discrete space once, with conditions followed", () => {
  expect([...enumerate(conditional)]).toEqual([
    { method: "lora", alpha: 8 },
    { method: "lora", alpha: 16 },
    { method: "lora", alpha: 24 },
    { method: "lora", alpha: 32 },
    { method: "full" },
  ]);
  expect(sizeOf(conditional)).toBe(5);
});

it("takes a parent before its child, whatever their names", () =>
  expect(ordered(conditional)).toEqual(["method", "alpha"]));

it("counts a continuous space as endless, at once", () => {
  expect(sizeOf(SearchSpace.parse({ x: { kind: "float", low: 0, high: 1 } }))).toBe(Number.POSITIVE_INFINITY);
  expect(sizeOf(SearchSpace.parse({ x: { kind: "float", low: 2, high: 2 } }))).toBe(1);
});

it("gives each step of a parameter the same share of the range", () => {
  const space = SearchSpace.parse({ x: { kind: "float", low: 0, high: 1, step: 0.25 } });
  const counts = new Map<unknown, number>();
  for (let i = 0; i < 1000; i++) {
    const { x } = fromUnit(space, ["x"], [i / 1000]);
    counts.set(x, (counts.get(x) ?? 0) + 1);
  }
  expect([...counts]).toEqual([0, 0.25, 0.5, 0.75, 1].map((x) => [x, 200]));
});

it("keeps an end that no step reaches out of the space", () => {
  const space = SearchSpace.parse({ x: { kind: "int", low: 1, high: 10, step: 4 } });
  expect([...enumerate(space)].map((p) => p.x)).toEqual([1, 5, 9]);
  expect(fromUnit(space, ["x"], [0.9999]).x).toBe(9);
});

it("grids of a logarithm are even on it, with both ends", () => {
  const space = SearchSpace.parse({ rate: { kind: "float", low: 1e-6, high: 1e-2, log: true } });
  expect([...enumerate(space, 5)].map((p) => Math.log10(p.rate as number))).toEqual(
    [-6, -5, -4, -3, -2].map((x) => expect.closeTo(x, 9)),
  );
});

it.each([
  [{ x: { kind: "float", low: 2, high: 1 } }, "has its low end 2 above its high end 1"],
  [{ x: { kind: "float", low: 0, high: 1, log: true } }, "searches a logarithm from 0"],
  [{ x: { kind: "float", low: 1, high: 2, log: true, step: 0.1 } }, "has a logarithm and a step"],
  [{ x: { kind: "int", low: 0.5, high: 2 } }, "ends must be whole numbers"],
  [{ x: { kind: "categorical", choices: ["a", "a"] } }, "names one choice twice"],
  [
    { x: { kind: "int", low: 0, high: 2, when: { parameter: "y", values: [1] } } },
    'depends on "y", which the space does not have',
  ],
  [
    { x: { kind: "categorical", choices: [1], when: { parameter: "x", values: [1] } } },
    'depends on itself through "x"',
  ],
  [
    {
      y: { kind: "categorical", choices: [1, 2] },
      x: { kind: "int", low: 0, high: 2, when: { parameter: "y", values: [3] } },
    },
    'depends on "y" = 3, which is no choice of it',
  ],
  [{}, "at least one parameter"],
])("refuses a space that makes no sense: %j", (space, words) => {
  const result = SearchSpace.safeParse(space);
  expect(result.success).toBe(false);
  expect(result.error?.issues.map((i) => i.message).join("; ")).toContain(words);
});

it("quasi-random points fill every box of the plane evenly", () => {
  const at = quasiRandom(2, 5);
  const boxes = new Array(64).fill(0);
  for (let i = 0; i < 640; i++) {
    const [x = 0, y = 0] = at(i);
    boxes[Math.floor(x * 8) * 8 + Math.floor(y * 8)]++;
  }
  expect(Math.min(...boxes)).toBeGreaterThanOrEqual(5);
  expect(Math.max(...boxes)).toBeLessThanOrEqual(15);
});
