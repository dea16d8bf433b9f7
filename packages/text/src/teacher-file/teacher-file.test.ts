import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inWords, type TeacherFacts } from "@anneal/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { shardDigest } from "../shard/open.ts";
import { TextError } from "../text-error.ts";
import { teacherMismatch } from "./fits.ts";
import { openTeacherFile, type TeacherRow } from "./open.ts";
import { writeTeacherFile } from "./write.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "anneal-teacher-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const facts: TeacherFacts = {
  model: "big",
  modelDigest: digest("a"),
  dataset: digest("b"),
  tokenizer: digest("c"),
  template: digest("d"),
  maxSequenceTokens: 64,
  topK: 3,
  vocabularySize: 300,
};

function row(tokens: number[], mask: number[]): TeacherRow {
  const masked = mask.reduce((sum, flag) => sum + flag, 0);
  return {
    tokens: Int32Array.from(tokens),
    mask: Uint8Array.from(mask),
    ids: Int32Array.from({ length: masked * 3 }, (_, i) => 299 - ((i * 7) % 300)),
    logprobs: Float32Array.from({ length: masked * 3 }, (_, i) => -0.25 - (i % 3)),
  };
}
const rows = [row([1, 2, 3], [0, 1, 1]), row([], []), row([9], [0]), row([5, 6, 7, 8, 9], [0, 0, 1, 0, 1])];

function readAll(path: string): TeacherRow[] {
  const file = openTeacherFile(path);
  try {
    return Array.from({ length: file.rows }, (_, i) => file.row(i));
  } finally {
    file.close();
  }
}

describe("a teacher's file", () => {
  it("holds facts and rows as they were given, under the digest of its bytes", async () => {
    const path = join(dir, "a");
    const written = await writeTeacherFile(path, facts, rows);
    expect(written).toMatchObject({ rows: 4, supervisedTokens: 4, bytes: readFileSync(path).length });
    expect(written.digest).toBe(await shardDigest(path));
    expect(readAll(path)).toEqual(rows);
    const file = openTeacherFile(path);
    expect(file.facts).toEqual(facts);
    expect(() => file.row(4)).toThrow(RangeError);
    file.close();
    file.close();
    expect((await writeTeacherFile(join(dir, "b"), facts, rows)).digest).toBe(written.digest);
  });

  it("may be empty", async () => {
    expect(await writeTeacherFile(join(dir, "a"), facts, [])).toMatchObject({ rows: 0, supervisedTokens: 0 });
    expect(readAll(join(dir, "a"))).toEqual([]);
  });

  it("leaves nothing behind when its rows fail", async () => {
    async function* failing(): AsyncGenerator<TeacherRow> {
      yield row([1, 2], [0, 1]);
      throw new Error("the teacher broke");
    }
    await expect(writeTeacherFile(join(dir, "a"), facts, failing())).rejects.toThrow("the teacher broke");
    const first = writeTeacherFile(join(dir, "a"), facts, [row([1, 2], [1, 1])]);
    await expect(first).rejects.toThrow(/row 1: .*mask/);
    const few = { ...row([1, 2], [0, 1]), ids: new Int32Array(2) };
    await expect(writeTeacherFile(join(dir, "a"), facts, [few])).rejects.toThrow(RangeError);
    expect(readdirSync(dir)).toEqual([]);
  });

  it("cut anywhere is refused", async () => {
    const path = join(dir, "a");
    await writeTeacherFile(path, facts, rows);
    const bytes = readFileSync(path);
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(() => readAll(path), `cut to ${length}`).toThrow(TextError);
    }
  });
});

describe("whether it fits a run", () => {
  const run = {
    dataset: facts.dataset,
    tokenizer: facts.tokenizer,
    template: facts.template,
    vocabularySize: 300,
    maxSequenceTokens: 64,
  };
  it("does where all is alike", () => {
    expect(teacherMismatch(facts, run)).toBeNull();
  });
  it.each([
    ["another dataset", { dataset: digest("e") }, "dataset"],
    ["another vocabulary", { vocabularySize: 301 }, "300 tokens, the base 301"],
    ["another tokenizer", { tokenizer: digest("e") }, "another tokenizer"],
    ["another template", { template: digest("e") }, "chat template"],
    ["rows cut elsewhere", { maxSequenceTokens: 32 }, "cut at 64 tokens, this run cuts at 32"],
  ])("does not with %s", (_, changes, words) => {
    const found = teacherMismatch(facts, { ...run, ...changes });
    expect(inWords(found?.message ?? "")).toContain(words);
    expect(inWords(found?.remedy ?? "")).not.toBe("");
  });
});
