import { describe, expect, it } from "vitest";
import { joinTrained } from "./spans.ts";

const span = (text: string, trained: boolean, fromUser = false) => ({ text, tokens: 1, trained, fromUser });

describe("joinTrained", () => {
  it("joins trained neighbours only, and loses no text and no token", () => {
    const spans = [
      span("<s>", false),
      span("hi", false, true),
      span("yes", true, true),
      span("<e>", true),
      span("\n", false),
    ];
    const joined = joinTrained(spans);
    expect(joined.map(({ text }) => text)).toEqual(["<s>", "hi", "yes<e>", "\n"]);
    expect(joined.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(5);
    expect(joinTrained([])).toEqual([]);
  });
});
