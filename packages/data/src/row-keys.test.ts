import type { DatasetRow, Message } from "@anneal/contracts";
import { expect, it } from "vitest";
import { rowKeys } from "./row-keys.ts";

const chat = (question: string, answer: string, more: Partial<Message> = {}): DatasetRow => ({
  messages: [
    { role: "user", content: question },
    { role: "assistant", content: answer, ...more },
  ],
});

it("names rows, questions and answers by what they say", async () => {
  const rows: DatasetRow[] = [
    chat("a?", "x"),
    { ...chat("a?", "x", { weight: 0.5 }), source: "forum" },
    chat("a?", "y"),
    chat("b?", " x\n"),
    {
      prompt: [{ role: "user", content: "a?" }],
      chosen: [{ role: "assistant", content: "x" }],
      rejected: [{ role: "assistant", content: "z" }],
    },
    { text: "running" },
    { text: "running" },
    chat("a?", "x", { reasoning_content: "hm" }),
  ];
  const { rows: whole, questions, answers } = await rowKeys(rows, rows.length);
  const same = (keys: BigUint64Array, a: number, b: number) => keys[a] === keys[b];
  expect(same(whole, 0, 1)).toBe(true); // weight and source are no text
  expect(same(whole, 0, 2)).toBe(false);
  expect(same(whole, 0, 7)).toBe(false);
  expect([2, 4, 7].map((row) => same(questions, 0, row))).toEqual([true, true, true]);
  expect(same(questions, 0, 3)).toBe(false);
  expect(same(answers, 0, 3)).toBe(true);
  expect([same(whole, 5, 6), same(questions, 5, 6)]).toEqual([true, true]);
});
