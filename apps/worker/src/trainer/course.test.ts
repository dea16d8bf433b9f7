import { ScheduleSpec } from "@anneal/contracts";
import { expect, it } from "vitest";
import { courseAfter } from "./course.ts";
import { startCursor } from "./cursor.ts";

const schedule = ScheduleSpec.parse({});
const through = (losses: (number | null)[], spec: Parameters<typeof courseAfter>[2]) => {
  let course: Parameters<typeof courseAfter>[0] = startCursor(100);
  return losses.map((loss, i) => {
    const { isBest, ...next } = courseAfter(course, { step: i + 1, loss, exactMatch: null }, spec);
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
