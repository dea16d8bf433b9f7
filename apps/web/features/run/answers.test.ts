import type { SampleAnswer } from "@anneal/contracts";
import { expect, it } from "vitest";
import { exactAt, groupAnswers, isExact } from "./answers.ts";

const sample = (step: number, prompt: string, answer: string, expected: string | null = "yes"): SampleAnswer => ({
  step,
  prompt,
  expected,
  answer,
  createdAt: "2026-01-01T00:00:00Z",
});

it("gathers the answers of each question over the steps", () => {
  const { steps, prompts } = groupAnswers([sample(10, "a", "no"), sample(0, "a", "?"), sample(10, "b", "yes")]);
  expect(steps).toEqual([0, 10]);
  expect(prompts.map(({ prompt }) => prompt)).toEqual(["a", "b"]);
  expect(prompts[0]?.at.get(0)).toBe("?");
  expect(prompts[1]?.at.get(0)).toBeUndefined();
  expect(exactAt(prompts, 10)).toBe(1);
  expect(exactAt(prompts, 0)).toBe(0);
});
it("compares without the space around, and never against nothing", () => {
  expect(isExact(" yes\n", "yes")).toBe(true);
  expect(isExact("yes", null)).toBe(false);
  expect(isExact(undefined, "yes")).toBe(false);
});
