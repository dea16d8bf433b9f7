import { RunSpec } from "@anneal/contracts";
import { expect, test } from "vitest";
import type { MeasuredSpeed } from "./speed.ts";
import { planTime, type Work } from "./time.ts";

const speed: MeasuredSpeed = {
  secondsPerStep: 2,
  fastestSecondsPerStep: 1.5,
  slowestSecondsPerStep: 3,
  secondsPerNewToken: 0.01,
  loadSeconds: 4,
  source: "probe",
  runName: null,
  measuredAt: "2026-11-30T12:00:00.000Z",
  busy: false,
};
const work: Work = {
  steps: 100,
  tokensPerStep: 1000,
  meanRowTokens: 50,
  meanAnswerTokens: 5,
  maxNewTokens: 32,
  heldOutRows: 60,
  roundRows: 20,
  rounds: 10,
  models: 1,
  writtenBytes: 400e6,
};
const spec = (change: object = {}) =>
  RunSpec.parse({ base: "ollama:x", dataset: "01a22d63-0000-7000-8000-000000000000", ...change });

test("an asked row costs its loss, its prompt and its answer token by token", () => {
  const { parts } = planTime(spec(), work, speed);
  expect(parts.train).toBe(200);
  // LoRA: a forward pass is half a step; 50 of 1000 tokens twice over, then 32 tokens of an untaught model or 5 of a taught one.
  const forward = (0.5 * 2 * 50) / 1000;
  expect(parts.before).toBeCloseTo(60 * (2 * forward + 0.32), 9);
  expect(parts.after).toBeCloseTo(60 * (2 * forward + 0.05), 9);
  expect(parts.during).toBeCloseTo(10 * 20 * (2 * forward + 0.05), 9);
  expect(parts.load).toBe(4);
});

test("longer answers cost more time, and more than the same tokens trained", () => {
  const before = (maxNewTokens: number) => planTime(spec(), { ...work, maxNewTokens }, speed).parts.before;
  expect(before(128) - before(32)).toBeCloseTo(60 * 96 * 0.01, 9);
});

test("the range holds the forecast, and is wider where steps varied or answers may be long", () => {
  const range = (change: Partial<MeasuredSpeed>, w = work) => {
    const time = planTime(spec(), w, { ...speed, ...change });
    const total = Object.values(time.parts).reduce((a, b) => a + b, 0);
    expect(time.lowSeconds).toBeLessThan(total);
    expect(time.highSeconds).toBeGreaterThan(total);
    return time.highSeconds / time.lowSeconds;
  };
  const steady = range({ fastestSecondsPerStep: 2, slowestSecondsPerStep: 2 });
  expect(range({})).toBeGreaterThan(steady);
  expect(range({ fastestSecondsPerStep: 2, slowestSecondsPerStep: 2 }, { ...work, maxNewTokens: 512 })).toBeGreaterThan(
    steady,
  );
});

test("full training pays for more than twice a forward pass, pairs for two sequences and no answers", () => {
  const forward = (change: object) => planTime(spec(change), { ...work, maxNewTokens: 0 }, speed).parts.before;
  expect(forward({ method: { kind: "full" } }) / forward({})).toBeCloseTo(2 / 3, 9);
  const pairs = spec({ objective: { kind: "dpo" } });
  const { parts } = planTime(pairs, work, speed);
  expect(parts.before).toBe(parts.after);
  expect(parts.before).toBeCloseTo((60 * 2 * 0.5 * 2 * 50) / 1000, 9);
});

test("several adapters are evaluated each, after one base", () => {
  const { parts } = planTime(spec(), { ...work, models: 3 }, speed);
  const alone = planTime(spec(), work, speed).parts;
  expect(parts.after).toBeCloseTo(3 * alone.after, 9);
  expect(parts.before).toBe(alone.before);
});

test("where answers were not timed, a new token is taken to cost a forward pass over a row", () => {
  const { parts } = planTime(spec(), work, { ...speed, secondsPerNewToken: null });
  expect(parts.before).toBeCloseTo(60 * (2 + 32) * 0.05, 9);
});
