// A base whose tokenizer has a token more than its embedding has rows: what the plan says, and what llama.cpp loads.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunSpec } from "@anneal/contracts";
import { openSession } from "@anneal/engine";
import { runs } from "@anneal/services";
import { exportTextMetadata, loadTextModel } from "@anneal/text";
import type { Llama } from "node-llama-cpp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { repoRoot } from "../../support/paths.ts";
import { startLlama } from "../../support/real-llama.ts";
import { makeDataset, openWorld, problemOf, type World } from "../services/world.ts";

const folder = join(repoRoot, "tests/fixtures/cases/more-tokens-than-rows");
const rows = readFileSync(join(folder, "train.jsonl"), "utf8");
const dir = mkdtempSync(join(tmpdir(), "anneal-more-tokens-"));
let world: World;
let llama: Llama;
beforeAll(async () => {
  world = await openWorld();
  llama = await startLlama();
});
afterAll(async () => {
  await llama.dispose();
  await world.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A copy of a base below an allowed folder, with files of it changed. */
function baseOf(
  name: string,
  from = "base",
  change: Record<string, (json: Record<string, unknown>) => void> = {},
): string {
  const path = join(world.model, "..", name);
  cpSync(join(folder, from), path, { recursive: true });
  for (const [file, edit] of Object.entries(change)) {
    const json = JSON.parse(readFileSync(join(path, file), "utf8"));
    edit(json);
    writeFileSync(join(path, file), JSON.stringify(json));
  }
  return path;
}
const specOf = (base: string, dataset: string) =>
  RunSpec.parse({
    name: "pad",
    base,
    dataset,
    precision: "f32",
    maxSteps: 1,
    method: { kind: "lora", rank: 2, alpha: 4, targets: ["q_proj"] },
    export: { gguf: ["F16"] },
  });

it.each([
  ["base", 258],
  ["control-unused-rows", 262],
])("%s: the plan fits, and llama.cpp loads the export with %i tokens", async (name, embeddingRows) => {
  const base = baseOf(`loads-${name}`, name);
  const dataset = await makeDataset(world.ctx, `rows-${name}`, rows);
  expect((await runs.plan(world.ctx, { spec: specOf(base, dataset) })).problems).toEqual([]);

  const source = { kind: "hf" as const, dir: base };
  const session = await openSession({
    base: source,
    precision: "f32",
    seed: 1,
    method: { kind: "lora", rank: 2, alpha: 4, dropout: 0, rsLora: false, targets: ["q_proj"] },
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: 64,
    maxSequenceTokens: 64,
  });
  const path = join(dir, `${name}.gguf`);
  await session.exportGguf(path, {
    type: "F16",
    metadata: {
      "general.name": "pad",
      ...exportTextMetadata(source, loadTextModel(source), { vocabularySize: embeddingRows }),
    },
  });
  await session.close();
  const model = await llama.loadModel({ modelPath: path });
  try {
    const tokens = model.fileInfo.metadata.tokenizer.ggml.tokens;
    expect(tokens).toHaveLength(embeddingRows);
    expect(model.tokenize("ab", true).length).toBeGreaterThan(0);
  } finally {
    await model.dispose();
  }
});

it("the plan refuses where a row, the template or the end of an answer needs the token", async () => {
  const ordinary = (json: Record<string, unknown>) => {
    for (const token of json.added_tokens as { id: number; special: boolean; content: string }[])
      if (token.id === 258) Object.assign(token, { special: false, content: "[pad]" });
  };
  const used = rows.replace('"content": "', '"content": "[pad] ');
  expect(used).not.toBe(rows);
  const inRows = baseOf("in-rows", "base", { "tokenizer.json": ordinary });
  const withToken = await makeDataset(world.ctx, "with the token", used);
  expect(await problemOf(runs.plan(world.ctx, { spec: specOf(inRows, withToken) }))).toMatchObject({
    message: expect.stringMatching(/^row 1: .*token 258 \("\[pad\]"\) has no row .*258 rows for 259 tokens/),
  });

  const dataset = await makeDataset(world.ctx, "plain", rows);
  const ends = baseOf("ends", "base", {
    "generation_config.json": (json) => {
      json.eos_token_id = [258];
    },
  });
  expect(await problemOf(runs.plan(world.ctx, { spec: specOf(ends, dataset) }))).toMatchObject({
    field: "base",
    message: expect.stringMatching(/has 259 tokens, its embedding 258 rows: token 258 .* it ends an answer/),
  });

  const writes = baseOf("writes", "base", { "tokenizer.json": ordinary });
  const template = join(writes, "chat_template.jinja");
  writeFileSync(template, `[pad]${readFileSync(template, "utf8")}`);
  expect(await problemOf(runs.plan(world.ctx, { spec: specOf(writes, dataset) }))).toMatchObject({
    field: "base",
    message: expect.stringMatching(/token 258 .* the chat template writes it/),
  });

  const twice = baseOf("twice", "control-unused-rows", {
    "tokenizer.json": (json) => {
      (json.added_tokens as unknown[]).push({ id: 260, content: "a", special: false });
    },
  });
  expect(await problemOf(runs.plan(world.ctx, { spec: specOf(twice, dataset) }))).toMatchObject({
    field: "export.gguf",
    message: expect.stringMatching(/its tokens \d+ and 260 are both "a"/),
  });
});
