import { describe, expect, test } from "vitest";
import type { Question } from "../prepare/held-out.ts";
import { answerCap, askedRows, countAnswers, isJudged, roomFor, type Said } from "./asking.ts";

const question = (row: number, tokens: number): Question => ({
  row,
  prompt: [{ role: "user", content: "q" }],
  expected: "a",
  frame: { before: "", after: "", opensThought: false, tokens },
});
const said = (o: Partial<NonNullable<Said>> = {}): Said => ({
  text: "a",
  thought: null,
  open: false,
  cut: false,
  ...o,
});
const automatic = { maxNewTokens: null };

describe("how long answers may become", () => {
  test("follows the longest held-out answer within bounds, or the spec", () => {
    expect(answerCap(automatic, [question(0, 5), null, question(2, 88)])).toBe(88);
    expect(answerCap(automatic, [question(0, 5)])).toBe(32);
    expect(answerCap(automatic, [question(0, 900)])).toBe(256);
    expect(answerCap(automatic, [])).toBe(32);
    expect(answerCap({ maxNewTokens: 7 }, [question(0, 88)])).toBe(7);
  });

  test("a long question gets what the context leaves, and is not asked where its answer does not fit", () => {
    expect(roomFor(question(0, 10), 100, 32, 200)).toBe(32);
    expect(roomFor(question(0, 10), 180, 32, 200)).toBe(20);
    expect(roomFor(question(0, 10), 195, 32, 200)).toBeNull();
    expect(roomFor(question(0, 10), 300, 32, 200)).toBeNull();
    expect(roomFor(question(0, 900), 100, 32, 200)).toBe(32); // cut anyway
    expect(roomFor(question(0, 10), 150, 4096, 200)).toBe(50); // a cap beyond the context takes what there is
  });

  test("beyond an automatic cap only a few are asked, to be read", () => {
    const long = Array.from({ length: 100 }, (_, row) => question(row, row % 2 === 0 ? 900 : 10));
    expect(askedRows(automatic, long, 256, 100)).toHaveLength(50 + 24);
    expect(askedRows({ maxNewTokens: 32 }, long, 32, 100)).toHaveLength(100);
    expect(askedRows(automatic, [question(0, 5), null], 32, 2)).toEqual([0]);
  });
});

describe("which answers exact match judges", () => {
  test("given ones that could have been right", () => {
    expect(isJudged(question(0, 5), said(), 32)).toBe(true);
    expect(isJudged(question(0, 5), said({ cut: true }), 32)).toBe(true); // it ran on, so it is wrong
    expect(isJudged(question(0, 88), said({ cut: true }), 32)).toBe(false);
    expect(isJudged(question(0, 5), said({ open: true, cut: true }), 32)).toBe(false);
    expect(isJudged(question(0, 5), null, 32)).toBe(false);
    expect(isJudged(question(0, 5), undefined, 32)).toBe(false);
  });

  test("all others are counted by why they are not", () => {
    const questions = [question(7, 5), question(8, 88), question(9, 5), null, question(11, 5)];
    const answers = new Map<number, Said>([
      [0, said()],
      [1, said({ cut: true })],
      [2, null],
      [4, said({ thought: "hm" })],
    ]);
    expect(countAnswers(questions, answers, 32, 5)).toEqual({
      cap: 32,
      asked: 3,
      judged: 2,
      cut: 1,
      tooLong: 1,
      unasked: 1,
      unaskedRows: [9],
      thoughts: 1,
    });
    expect(countAnswers(questions, new Map(), 32, 5)).toBeNull();
  });
});
