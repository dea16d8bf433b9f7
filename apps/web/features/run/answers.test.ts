import type { SampleAnswer } from "@anneal/contracts";
import { expect, it } from "vitest";
import { exactAt, groupAnswers, isExact } from "./answers.ts";

const sample = (
  step: number,
  prompt: string,
  answer: string,
  adapter: string | null = null,
  expected: string | null = "yes",
): SampleAnswer => ({
  step,
  prompt,
  expected,
  answer,
  thought: null,
  cut: false,
  adapter,
  createdAt: "2026-01-01T00:00:00Z",
});

it("gathers the answers of each question over the steps", () => {
  const { steps, prompts } = groupAnswers([
    sample(10, "a", "no", "low"),
    sample(0, "a", "?", "high"),
    sample(10, "b", "yes", "low"),
  ]);
  expect(steps).toEqual([0, 10]);
  expect(prompts.map(({ prompt }) => prompt)).toEqual(["a", "b"]);
  expect(prompts[0]?.at.get(0)).toMatchObject({ text: "?", adapter: "high" });
  expect(prompts[0]?.at.get(10)?.adapter).toBe("low");
  expect(prompts[1]?.at.get(0)).toBeUndefined();
  expect(exactAt(prompts, 10)).toBe(1);
  expect(exactAt(prompts, 0)).toBe(0);
});
it("compares without the space around, and never against nothing", () => {
  const given = (text: string) => ({ text, adapter: null, thought: null, cut: false });
  expect(isExact(given(" yes\n"), "yes")).toBe(true);
  expect(isExact(given("yes"), null)).toBe(false);
  expect(isExact(undefined, "yes")).toBe(false);
});
