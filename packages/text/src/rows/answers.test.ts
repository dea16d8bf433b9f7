import type { DatasetRow } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { byteModel } from "../testing/byte-model.ts";
import { answersOf, encodeMarked, encodePair } from "./answers.ts";
import { checkDataset } from "./check-dataset.ts";
import { encodeRow } from "./encode-row.ts";

const model = byteModel();
const wide = { maxSequenceTokens: 1000 };
const say = (role: "user" | "assistant", content: string) => ({ role, content });
const pair = {
  prompt: [say("user", "Hi"), say("assistant", "Hello"), say("user", "Bye")],
  chosen: [say("assistant", "Ciao")],
  rejected: [say("assistant", "What?")],
} satisfies DatasetRow;
const marked = {
  prompt: [say("user", "q")],
  completion: [say("assistant", "a")],
  desirable: false,
} satisfies DatasetRow;

describe("preferences", () => {
  it("a pair is two sequences over one question, of which only the answers are trained", () => {
    const [chosen, rejected] = encodePair(model, pair, wide);
    expect([chosen?.mark, rejected?.mark]).toEqual([1, 0]);
    // The answer and its end of turn; the earlier answer belongs to the question.
    expect(chosen?.supervisedTokens).toBe("Ciao".length + 1);
    expect(rejected?.supervisedTokens).toBe("What?".length + 1);
    const asked = encodeRow(model, { messages: [...pair.prompt, ...pair.chosen] }, wide);
    expect(chosen?.tokens).toEqual(asked.tokens);
    const start = (chosen?.tokens.length ?? 0) - (chosen?.supervisedTokens ?? 0);
    expect(rejected?.tokens.subarray(0, start)).toEqual(chosen?.tokens.subarray(0, start));
  });

  it("a marked answer comes with the question and another row's answer, which only measures", () => {
    const [own, measuring] = encodeMarked(model, marked, [say("assistant", "other")], wide);
    expect([own?.mark, measuring?.mark]).toEqual([0, 2]);
    expect(measuring?.supervisedTokens).toBe("other".length + 1);
    expect(answersOf(marked).map(({ side }) => side)).toEqual(["undesirable"]);
  });

  it("are counted once, shown on both sides, and cut or without loss when either side is", async () => {
    const long = { ...pair, rejected: [say("assistant", "x".repeat(200))] };
    const far = { ...pair, prompt: [say("user", "y".repeat(200))], source: "forum" };
    const check = await checkDataset(model, [pair, long, far, marked], { maxSequenceTokens: 120, examples: 10 });
    expect(check).toMatchObject({ rows: 4, truncatedRows: 2, zeroTargetRows: 1, sources: { forum: 1 } });
    expect(check.examples.map(({ row, side }) => `${row} ${side}`)).toEqual([
      "0 chosen",
      "0 rejected",
      "1 chosen",
      "1 rejected",
      "2 chosen",
      "2 rejected",
      "3 undesirable",
    ]);
    expect(check.histogram.reduce((sum, { rows }) => sum + rows, 0)).toBe(4);
    const kept = encodePair(model, pair, wide).reduce((sum, { supervisedTokens }) => sum + supervisedTokens, 0);
    expect(check.supervisedTokens).toBeGreaterThan(kept);
  });
});
