import { ScheduleSpec } from "@anneal/contracts";
import { expect, it } from "vitest";
import { startCursor } from "../context/cursor.ts";
import { courseAfter } from "./course.ts";

const schedule = ScheduleSpec.parse({});
const through = (losses: (number | null)[], spec: Parameters<typeof courseAfter>[2]) => {
  let course: Parameters<typeof courseAfter>[0] = startCursor(100);
  return losses.map((loss, i) => {
    const { isBest, ...next } = courseAfter(course, { step: i + 1, loss, exactMatch: null, adapter: null }, spec);
    course = next;
    return { isBest, stopped: next.stopping.stopped, factor: next.plateau.factor, best: next.best?.step ?? null };
  });
};

it("stops after so many evaluations without enough improvement, and not before", () => {
  const after = through([3, 2.5, 2.45, 2.44, 2.2, 2.15, 2.14, 2.13], {
    schedule,
    earlyStopping: { patience: 3, minDelta: 0.1 },
  });
  expect(after.map(({ stopped }) => stopped)).toEqual([false, false, false, false, false, false, false, true]);
  expect(after.at(-1)?.best).toBe(8); // the best is the lowest loss, whatever counts as improvement
});

it("lets the learning rate fall on a plateau only where the schedule is one", () => {
  const losses = [3, 3, 3, 3];
  const plateau = ScheduleSpec.parse({ kind: "plateau", patience: 1, factor: 0.1 });
  const factors = through(losses, { schedule: plateau, earlyStopping: null }).map(({ factor }) => factor);
  expect(factors).toEqual([1, 1, 0.1, 0.1]);
  expect(through(losses, { schedule, earlyStopping: null }).map(({ factor }) => factor)).toEqual([1, 1, 1, 1]);
});

it("counts nothing of an evaluation without a loss", () => {
  const after = through([3, null, null], { schedule, earlyStopping: { patience: 1, minDelta: 0 } });
  expect(after.at(-1)).toMatchObject({ isBest: false, stopped: false, best: 1 });
});

it("of adapters side by side each has a plateau of its own, and the best counts for the rest", () => {
  const spec = {
    schedule: ScheduleSpec.parse({ kind: "plateau", patience: 0, factor: 0.5 }),
    earlyStopping: { patience: 2, minDelta: 0 },
  };
  let course: Parameters<typeof courseAfter>[0] = startCursor(100);
  const rounds = [
    [3, 2],
    [3, 1],
    [2, 1],
    [2, 1],
  ];
  const factors = rounds.map(([still = 0, falling = 0], i) => {
    const adapters = [
      { name: "still", loss: still },
      { name: "falling", loss: falling },
    ];
    const evaluated = { step: i + 1, loss: falling, exactMatch: null, adapter: "falling" };
    const { isBest: _, ...next } = courseAfter(course, evaluated, spec, adapters);
    course = next;
    return adapters.map(({ name }) => next.plateaus[name]?.factor);
  });
  expect(factors).toEqual([
    [1, 1],
    [0.5, 1],
    [0.5, 0.5],
    [0.25, 0.25],
  ]);
  expect(course.stopping).toMatchObject({ best: 1, bad: 2, stopped: true });
  expect(course.best).toEqual({ step: 2, loss: 1 });
});
