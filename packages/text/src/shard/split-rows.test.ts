import { describe, expect, it } from "vitest";
import { distinct, type Keys, splitRows } from "./split-rows.ts";

const keys = (rows: readonly number[], questions = rows): Keys => ({
  rows: BigUint64Array.from(rows, BigInt),
  questions: BigUint64Array.from(questions, BigInt),
});
const range = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const settings = { evaluation: null, heldOutFraction: 0.25, finalMaxRows: 1000, seed: 3 };
const keyOf = (of: BigUint64Array, rows: Iterable<number>) => new Set(Array.from(rows, (row) => of[row]));

describe("rows split off", () => {
  it("are those of the seed, as many as were asked for, best asked first", () => {
    const training = keys(range(40));
    const split = splitRows({ ...settings, training });
    expect(split.heldOutRows).toBe(10);
    expect(splitRows({ ...settings, training }).asked).toEqual(split.asked);
    expect(splitRows({ ...settings, training, seed: 4 }).asked).not.toEqual(split.asked);
    const few = splitRows({ ...settings, training, finalMaxRows: 4 });
    expect([...few.asked]).toEqual([...split.asked.subarray(0, 4)]);
    expect([few.excluded.size, few.heldOutRows, few.seen.size]).toEqual([10, 10, 0]);
    expect(splitRows({ ...settings, training: keys([1]) }).excluded.size).toBe(0);
  });

  it.each([
    ["rows that stand twice", range(60).map((i) => Math.ceil(i / 2)), undefined],
    ["rows that stand up to five times", range(60).map((i) => i % 23), undefined],
    ["questions with two answers", range(60), range(60).map((i) => i % 30)],
    ["one row repeated half of the time", range(60).map((i) => (i % 2 ? 7 : i)), undefined],
  ])("keep on one side: %s", (_name, rows, questions) => {
    const training = keys(rows, questions);
    for (const seed of range(20)) {
      const split = splitRows({ ...settings, training, seed });
      const trained = range(60)
        .map((i) => i - 1)
        .filter((row) => !split.excluded.has(row));
      const held = keyOf(training.questions, split.excluded);
      const both = [...keyOf(training.questions, trained)].filter((key) => held.has(key));
      expect(both).toEqual([]);
      expect(split.seen.size).toBe(0);
      expect(split.heldOutRows).toBeGreaterThan(10);
      expect(split.heldOutRows).toBeLessThanOrEqual(15);
    }
  });

  it("go by whole rows where one question is asked of all", () => {
    const training = keys(
      range(60),
      Array.from({ length: 60 }, () => 1),
    );
    const split = splitRows({ ...settings, training });
    expect([split.heldOutRows, split.seen.size]).toEqual([15, 0]);
  });

  it("are none where all rows are one", () => {
    expect(splitRows({ ...settings, training: keys(Array(20).fill(5)) }).heldOutRows).toBe(0);
  });
});

describe("a test set of one's own", () => {
  const training = keys(range(50));
  it("takes all its rows, and tells which are trained as well", () => {
    const evaluation = keys([3, 4, 100, 101, 102], [3, 4, 9, 101, 102]);
    const split = splitRows({ ...settings, training, evaluation });
    expect(split.excluded.size).toBe(0);
    expect([...split.asked].sort()).toEqual([0, 1, 2, 3, 4]);
    expect([split.sameRows, split.sameQuestions]).toEqual([2, 1]);
    expect([...split.seen].map((place) => split.asked[place]).sort()).toEqual([0, 1, 2]);
  });
  it("that shares nothing has none of them", () => {
    expect(splitRows({ ...settings, training, evaluation: keys([90, 91]) }).seen.size).toBe(0);
  });
});

it("counts what is different", () => {
  expect(distinct(BigUint64Array.from([3n, 1n, 3n, 2n]))).toBe(3);
  expect(distinct(new BigUint64Array(0))).toBe(0);
});
