import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DatasetRow, type Message, RunSpec, type RunSpecInput } from "@anneal/contracts";
import { checkDataset, type EncodedRow, loadTextModel, type TextModel } from "@anneal/text";
import { afterAll, describe, expect, it } from "vitest";
import { hostileTexts, type TextFiles, writeTextModel } from "../../../../../tests/support/hostile-texts.ts";
import { encodeRows } from "./encode-rows.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function model(files: TextFiles = {}): TextModel {
  const dir = mkdtempSync(join(tmpdir(), "anneal-encode-"));
  folders.push(dir);
  writeTextModel(dir, files);
  return loadTextModel({ kind: "hf", dir });
}
const user = (content: string): Message => ({ role: "user", content });
const assistant = (content: string): Message => ({ role: "assistant", content });
const specOf = (objective: RunSpecInput["objective"], sourceWeights = {}): RunSpec =>
  RunSpec.parse({
    name: "n",
    base: "/b",
    dataset: "0190a0a0-0000-7000-8000-000000000000",
    maxSequenceTokens: 48,
    objective,
    sourceWeights,
  });

async function encoded(rows: DatasetRow[], spec: RunSpec, text = model()): Promise<EncodedRow[]> {
  const all: EncodedRow[] = [];
  for await (const sequences of encodeRows(text, rows, spec)) all.push(...sequences);
  return all;
}

const answers: DatasetRow[] = [
  { messages: [user("q"), assistant("short")], source: "a" },
  { messages: [user("q"), assistant("long ".repeat(20))], source: "b" },
  { messages: [user("nobody answers")] },
  { text: "running text" },
];
const pairs: DatasetRow[] = [
  { prompt: [user("q")], chosen: [assistant("good")], rejected: [assistant("quite a bad one")] },
  { prompt: [user("p")], chosen: [assistant("better ".repeat(12))], rejected: [assistant("worse")], source: "a" },
];
const marked: DatasetRow[] = [
  { prompt: [user("q")], completion: [assistant("liked")], desirable: true },
  { prompt: [user("p")], completion: [assistant("not liked at all")], desirable: false },
  { prompt: [user("r")], completion: [assistant("x")], desirable: true },
];

describe("the check of an objective counts what its shard holds", () => {
  it.each<[string, RunSpecInput["objective"], DatasetRow[], number]>([
    ["answers imitated", { kind: "sft" }, answers, 4],
    ["of pairs, the chosen answers imitated", { kind: "sft" }, pairs, 2],
    ["pairs by DPO", { kind: "dpo" }, pairs, 4],
    ["pairs by ORPO", { kind: "orpo" }, pairs, 4],
    ["marks by KTO, with what it measures by", { kind: "kto" }, marked, 6],
  ])("%s", async (_, objective, rows, sequences) => {
    const spec = specOf(objective);
    const shard = await encoded(rows, spec);
    const check = await checkDataset(model(), rows, {
      maxSequenceTokens: spec.maxSequenceTokens,
      examples: 10,
      objective: spec.objective.kind,
    });
    expect(shard).toHaveLength(sequences);
    expect(check.tokens).toBe(shard.reduce((sum, { tokens }) => sum + tokens.length, 0));
    expect(check.supervisedTokens).toBe(shard.reduce((sum, one) => sum + one.supervisedTokens, 0));
    expect(check.examples.some(({ side }) => side === "rejected")).toBe(["dpo", "orpo"].includes(spec.objective.kind));
  });

  it("a source without weight carries no loss", async () => {
    const spec = specOf({ kind: "sft" }, { b: 0 });
    const shard = await encoded(answers, spec);
    const check = await checkDataset(model(), answers, { ...spec, examples: 1, objective: "sft" });
    expect(check.supervisedTokens).toBe(shard.reduce((sum, one) => sum + one.supervisedTokens, 0));
    expect(check.zeroTargetRows).toBe(2);
    expect(check.troubledRows).toBe(2); // the long one is cut too, and counts once
  });

  it("shows only rows to look at where those are asked for", async () => {
    const check = await checkDataset(model(), answers, { maxSequenceTokens: 48, examples: 10, show: "troubled" });
    expect(check.examples.map(({ row }) => row)).toEqual([1, 2]);
  });
});

it.each(hostileTexts.filter(([, , said]) => said.source.includes("did not end")).slice(0, 4))(
  "a row that %s fails the run by its number, within the deadline",
  async (_, files) => {
    const rows: DatasetRow[] = ["fine", "a".repeat(300)].map((text) => ({
      messages: [user("q"), assistant(`${text} x`)],
    }));
    const run = async () => {
      const text = model(files);
      for await (const _ of encodeRows(text, rows, specOf({ kind: "sft" }), 1));
    };
    await expect(run()).rejects.toThrow(
      /^row 2: .*did not end within 1 second: a pattern of tokenizer.json|repeats a repetition/,
    );
  },
);
