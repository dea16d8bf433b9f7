import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunSpec } from "@anneal/contracts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { byteModel } from "../../../../../packages/text/src/testing/byte-model.ts";
import { DataPlan } from "../prepare/batches.ts";
import { isExactMatch, questionOf } from "../prepare/held-out.ts";
import { Cadence } from "./cadence.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "anneal-plan-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const spec = (changes: object = {}) =>
  RunSpec.parse({ base: "/models/x.gguf", dataset: "01a20d41-2042-7683-8e38-c5479e38136d", ...changes });

describe("which rows are asked", () => {
  test("the last answer is what is asked for", () => {
    const messages = [
      { role: "user" as const, content: "a" },
      { role: "assistant" as const, content: "b" },
      { role: "user" as const, content: "c" },
      { role: "assistant" as const, content: "d" },
    ];
    const text = byteModel();
    expect(questionOf(text, 5, { messages })).toMatchObject({ row: 5, prompt: messages.slice(0, 3), expected: "d" });
    expect(questionOf(text, 5, { text: "running text" })).toBeNull();
    expect(questionOf(text, 5, { messages: messages.slice(0, 1) })).toBeNull();
    expect(isExactMatch(" yes\n", "yes")).toBe(true);
    expect(isExactMatch("Yes", "yes")).toBe(false);
  });
});

describe("which rows a step takes", () => {
  const rows = Uint32Array.from([4, 7, 9, 11, 30]);

  test("every epoch takes each row once, in another order; the last step of an epoch may be smaller", () => {
    const plan = new DataPlan(rows, spec({ batchRows: 2, epochs: 2 }));
    expect(plan.totalSteps).toBe(6);
    const epochs = [0, 1].map((epoch) => [0, 1, 2].map((step) => plan.rowsOf(3 * epoch + step)));
    for (const epoch of epochs) {
      expect(epoch.flat().sort((a, b) => a - b)).toEqual([...rows]);
      expect(epoch.map((step) => step.length)).toEqual([2, 2, 1]);
    }
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  test("asked from the middle, as after a resume, it answers the same", () => {
    const whole = new DataPlan(rows, spec({ batchRows: 2, epochs: 4 }));
    const all = Array.from({ length: 12 }, (_, step) => whole.rowsOf(step));
    const resumed = new DataPlan(rows, spec({ batchRows: 2, epochs: 4 }));
    for (const step of [7, 8, 2, 11]) expect(resumed.rowsOf(step)).toEqual(all[step]);
  });

  test("part of an epoch, and a cap", () => {
    expect(new DataPlan(rows, spec({ batchRows: 1, epochs: 0.5 })).totalSteps).toBe(3);
    expect(new DataPlan(rows, spec({ batchRows: 1, epochs: 0.2 })).totalSteps).toBe(1);
    expect(new DataPlan(rows, spec({ batchRows: 1, epochs: 9, maxSteps: 2 })).totalSteps).toBe(2);
  });
});

describe("when to save and evaluate", () => {
  test("as the spec says, and always at the last step", () => {
    const cadence = new Cadence(
      spec({ evaluation: { everySteps: 4 }, checkpoints: { everySteps: 5 }, samples: { everySteps: 6 } }),
      13,
      dir,
    );
    const steps = Array.from({ length: 13 }, (_, i) => i + 1);
    expect(steps.filter(cadence.evaluatesAt)).toEqual([4, 8, 12, 13]);
    expect(steps.filter(cadence.savesAt)).toEqual([5, 10, 13]);
    expect(steps.filter(cadence.samplesAt)).toEqual([6, 12, 13]);
  });

  test("left open, saves come about every two minutes, and later attempts save at the same steps", () => {
    const first = new Cadence(spec(), 1000, dir);
    expect(first.savesAt(60)).toBe(false);
    first.measured(3, 2);
    expect(first.savesAt(60)).toBe(true);
    const second = new Cadence(spec(), 1000, dir);
    second.measured(3, 11); // the machine is busier now; the steps stay
    expect(second.savesAt(60)).toBe(true);
    expect(second.savesAt(11)).toBe(false);
  });
});
