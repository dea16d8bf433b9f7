// People's own cases that concern what rows become: thoughts, the prompt that serving sends, tokens without a row.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatasetRow } from "@anneal/contracts";
import { checkDataset, exportTextMetadata, loadTextModel } from "@anneal/text";
import { describe, expect, it } from "vitest";
import { repoRoot } from "../../support/paths.ts";

const folder = (...names: string[]) => join(repoRoot, "tests/fixtures/cases", ...names);
const rowsOf = (...names: string[]) =>
  readFileSync(folder(...names), "utf8")
    .trim()
    .split("\n")
    .map((line) => DatasetRow.parse(JSON.parse(line)));
const check = (name: string, file: string) =>
  checkDataset(loadTextModel({ kind: "hf", dir: folder(name, "base") }), rowsOf(name, file), {
    maxSequenceTokens: 512,
    examples: 5,
    objective: "sft",
  });
const trainedText = ({ examples }: Awaited<ReturnType<typeof check>>, row: number) =>
  examples[row]?.spans.map(({ text, trained }) => (trained ? text : "")).join("");

describe("prompt-opens-a-thought", () => {
  it("trains behind the prompt that serving sends, and names the row that cannot be", async () => {
    const found = await check("prompt-opens-a-thought", "rows.jsonl");
    expect(trainedText(found, 0)).toBe("340+68\n</think>\n\n408<|im_end|>");
    expect(found).toMatchObject({ unfollowedRows: 1, firstUnfollowed: [1], zeroTargetRows: 1, troubledRows: 1 });
    expect(found.examples[1]).toMatchObject({ supervisedTokens: 0, unfollowed: true });
  });
});

describe("thoughts-in-a-field", () => {
  it("trains what the same thought in the content trains: 51 tokens", async () => {
    const [thoughts, control] = [
      await check("thoughts-in-a-field", "thoughts.jsonl"),
      await check("thoughts-in-a-field", "control.jsonl"),
    ];
    expect(thoughts.examples[0]?.supervisedTokens).toBe(51);
    expect(thoughts.examples[0]?.spans).toEqual(control.examples[0]?.spans);
    expect(thoughts.unfollowedRows).toBe(0);
  });
});

describe("more-tokens-than-rows", () => {
  it.each([
    ["base", 258],
    ["control-unused-rows", 261],
    ["control-unused-rows", 262],
  ])("%s: the GGUF lists exactly as many tokens as the embedding has rows (%i), each once", (name, rows) => {
    const source = { kind: "hf" as const, dir: folder("more-tokens-than-rows", name) };
    const entries = exportTextMetadata(source, loadTextModel(source), { vocabularySize: rows });
    const tokens = entries["tokenizer.ggml.tokens"] as string[];
    expect(tokens).toHaveLength(rows);
    expect(new Set(tokens).size).toBe(rows);
    for (const [key, entry] of Object.entries(entries))
      if (key.endsWith("_token_id")) expect((entry as { value: number }).value, key).toBeLessThan(rows);
  });

  it("a row that uses a token beyond the rows is named with it", async () => {
    const model = loadTextModel({ kind: "hf", dir: folder("more-tokens-than-rows", "base") });
    const used = [{ text: `a${model.tokenizer.tokenText(258)}b` }];
    const rows = [...rowsOf("more-tokens-than-rows", "train.jsonl"), ...used];
    const asked = checkDataset(model, rows, { maxSequenceTokens: 512, examples: 1, embeddingRows: 258 });
    const isSpecial = model.tokenizer.isControl(258);
    // Text of a person is never read as a control token.
    if (isSpecial) expect((await asked).rows).toBe(rows.length);
    else await expect(asked).rejects.toThrow(new RegExp(`^row ${rows.length}: .*token 258 .*258 rows for 259 tokens`));
  });
});
