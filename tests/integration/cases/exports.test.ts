// What a run leaves for the next program: where answers end, what asks them, and how long a prompt may be served.
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunDetail, RunSpecInput } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { readGgufMetadata } from "@anneal/engine";
import { datasets, runs } from "@anneal/services";
import { loadTextModel, renderChat, tokenizerFromHuggingFace } from "@anneal/text";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOllamaClient } from "../../../apps/worker/src/ollama-port.ts";
import { type OllamaStandin, startOllamaStandin } from "../../support/ollama-standin/index.ts";
import { fixtures, repoRoot } from "../../support/paths.ts";
import { artifactFile, hasEnded, type Lab, openLab } from "../../support/worker-lab.ts";

let database: TestDatabase;
let ollama: OllamaStandin;
let lab: Lab;
beforeAll(async () => {
  database = await createTestDatabase();
  ollama = await startOllamaStandin();
  lab = await openLab({ databaseUrl: database.url, env: { OLLAMA_HOST: ollama.url } });
  lab.startWorker();
});
afterAll(async () => {
  await lab.close();
  await ollama.stop();
  await database.drop();
});

/** A case's base and rows, where the lab reads them. */
async function open(name: string, ...files: string[]): Promise<{ base: string; versions: string[] }> {
  const base = join(lab.home, "models", name);
  cpSync(join(fixtures, "cases", name, "base"), base, { recursive: true });
  const versions: string[] = [];
  for (const file of files) {
    const path = join(lab.home, "incoming", `${name}-${file}`);
    cpSync(join(fixtures, "cases", name, file), path);
    const { uploadId } = await datasets.importPath(lab.ctx, { path });
    const made = await datasets.commit(lab.ctx, { uploadId, name: `${name} ${file}` });
    versions.push(made.versions[0]?.id ?? "");
  }
  return { base, versions };
}
const quick: Partial<RunSpecInput> = {
  method: { kind: "lora", rank: 2, targets: ["q_proj"] },
  precision: "f32",
  maxSteps: 1,
  epochs: null,
  batchRows: 4,
  schedule: { kind: "constant", warmupSteps: 0 },
  samples: { prompts: [] },
  checkpoints: { keepBest: false },
};
async function finished(spec: Partial<RunSpecInput>): Promise<RunDetail> {
  const { id } = await lab.createRun({ ...quick, ...spec });
  const run = await lab.until(id, "succeeded", hasEnded("succeeded", "failed", "cancelled"), 300);
  expect(run.problem).toBeNull();
  return run;
}
const exported = (run: RunDetail, ...path: string[]) => join(lab.home, "runs", run.id, "exports", ...path);
const jsonAt = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const ggufOf = (run: RunDetail) =>
  artifactFile(
    lab,
    run.artifacts.find(({ kind }) => kind === "gguf"),
  );
const parametersOf = async (name: string) => (await createOllamaClient(ollama.url).show(name)).parameters ?? "";

test("end-tokens-of-merged-weights: every file names both ends, and the served model stops", async () => {
  const { base, versions } = await open("end-tokens-of-merged-weights", "train.jsonl", "test.jsonl");
  const run = await finished({
    base,
    dataset: versions[0] ?? "",
    evaluation: { dataset: versions[1] ?? "", everySteps: 250, maxNewTokens: 8 },
    method: { kind: "full" },
    batchRows: 6,
    maxSteps: 250,
    learningRate: 3e-3,
    schedule: { kind: "cosine", warmupSteps: 20 },
    export: { gguf: ["F16"], merged: true },
    publish: { name: "ends", gguf: "F16" },
  });
  expect(run.evaluationAfter?.exactMatch).toBe(1);
  for (const name of ["config.json", "generation_config.json"])
    expect(jsonAt(exported(run, "merged", name))).toMatchObject({
      bos_token_id: 1,
      pad_token_id: 5,
      eos_token_id: [5, 7],
    });
  expect(jsonAt(exported(run, "merged", "config.json"))).toMatchObject({ model_type: "llama", vocab_size: 263 });
  const { metadata } = readGgufMetadata(ggufOf(run));
  expect(loadTextModel({ kind: "gguf", metadata }).stopTokens).toEqual([5, 7]);
  expect(Number(metadata["tokenizer.ggml.eot_token_id"])).toBe(7);
  const answer = await createOllamaClient(ollama.url).chat({
    model: "ends",
    messages: [{ role: "user", content: "colour 1?" }],
    options: { num_predict: 16, temperature: 0 },
  });
  expect(answer).toMatchObject({ content: "blue", doneReason: "stop" });
});

test.each(["a folder without a template", "a GGUF"])(
  "exports-without-template: folders from %s hold tokenizer and template",
  async (kind) => {
    const name = "exports-without-template";
    const { base, versions } = await open(name, "train.jsonl", "one.jsonl");
    const gguf = join(lab.home, "models/demo.gguf");
    cpSync(join(repoRoot, "demo/base/anneal-demo-base.F16.gguf"), gguf);
    const run = await finished({
      base: kind === "a GGUF" ? gguf : base,
      dataset: versions[0] ?? "",
      evaluation: { dataset: versions[1] ?? "", maxNewTokens: 4 },
      export: { gguf: ["F16"], merged: true },
    });
    const { metadata } = readGgufMetadata(ggufOf(run));
    const served = loadTextModel({ kind: "gguf", metadata });
    for (const folder of ["merged", "adapter"]) {
      const at = (file: string) => exported(run, folder, file);
      expect(readFileSync(at("chat_template.jinja"), "utf8")).toBe(metadata["tokenizer.chat_template"]);
      const config = jsonAt(at("tokenizer_config.json"));
      expect(config).not.toHaveProperty("chat_template");
      const messages = [{ role: "user" as const, content: "colour 1? <|im_end|> 12 naïve" }];
      const text = renderChat(served, messages, { addGenerationPrompt: true });
      const tokenizer = tokenizerFromHuggingFace(jsonAt(at("tokenizer.json")), config);
      expect([...tokenizer.encode(text, { parseSpecial: true })]).toEqual([
        ...served.tokenizer.encode(text, { parseSpecial: true }),
      ]);
      const loaded = loadTextModel({ kind: "hf", dir: exported(run, folder) });
      expect(renderChat(loaded, messages, { addGenerationPrompt: true })).toBe(text);
      expect(loaded.stopTokens).toEqual(served.stopTokens);
    }
    expect(existsSync(exported(run, "merged", "generation_config.json"))).toBe(true);
  },
);

test("context-of-the-served-model: long rows are served whole, short ones and a person's own setting stay", async () => {
  const { base, versions } = await open("context-of-the-served-model", "long.jsonl");
  const long = {
    base,
    dataset: versions[0] ?? "",
    maxSequenceTokens: 8192,
    microBatchTokens: 8192,
    evaluation: { heldOutFraction: 0.5, maxNewTokens: 4 },
    export: { gguf: ["F16" as const] },
  };
  await finished({ ...long, publish: { name: "long", gguf: "F16" } });
  const [, context] = /num_ctx\s+(\d+)/.exec(await parametersOf("long")) ?? [];
  expect(Number(context)).toBeGreaterThanOrEqual(5956);
  expect(Number(context)).toBeLessThanOrEqual(8192);
  await finished({ ...long, publish: { name: "own", gguf: "F16", parameters: { num_ctx: 2048 } } });
  expect(await parametersOf("own")).toMatch(/num_ctx\s+2048/);
  const short = { dataset: lab.datasetVersion, publish: { name: "short", gguf: "F16" as const } };
  await finished({ ...long, ...short });
  expect(await parametersOf("short")).not.toContain("num_ctx");
});

test("steps-and-epochs: steps alone are done as they are said; beside epochs the shorter one is named", async () => {
  const { base, versions } = await open("steps-and-epochs", "train.jsonl");
  const spec = { base, dataset: versions[0] ?? "", evaluation: { heldOutFraction: 0 }, maxSteps: 200, batchRows: 32 };
  const planned = async (changes: Partial<RunSpecInput>) =>
    runs.plan(lab.ctx, { spec: { ...spec, ...changes } as never });
  expect(await planned({})).toMatchObject({ steps: 200, stepsNote: null });
  expect(await planned({ epochs: 1 })).toMatchObject({
    steps: 2,
    stepsNote: expect.stringMatching(/^2 steps, not 200: one epoch has no more/),
  });
  expect(await planned({ epochs: 3, maxSteps: 5 })).toMatchObject({
    steps: 5,
    stepsNote: expect.stringContaining("not the 6 of 3 epochs"),
  });
  const run = await finished({ ...spec, maxSteps: 3, export: { gguf: [] } });
  expect(run.progress?.step).toBe(3);
  const both = await finished({ ...spec, epochs: 1, maxSteps: 3, export: { gguf: [] } });
  const told = await runs.events(lab.ctx, { runId: both.id, search: "one epoch has no more" });
  expect(told.length).toBeGreaterThan(0);
});
