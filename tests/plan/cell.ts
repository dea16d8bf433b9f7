// One cell of the plan check, in a process of its own that holds what the trainer child holds: dataset reader, tokenizer, session. It
// trains on the worst micro-batch there can be, evaluates, answers, saves and exports, and tells the most memory that was ever
// resident. Prints one JSON object.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openVersion } from "@anneal/data";
import { openSession, readGgufMetadata, type TrainingSpec } from "@anneal/engine";
import { encodeRow, loadTextModel } from "@anneal/text";
import { worstBatch } from "./batch.ts";

const { spec, dataset, folder } = JSON.parse(process.argv[2] ?? "") as {
  spec: TrainingSpec;
  dataset: string;
  folder: string;
};

async function tokenise(): Promise<{ prompts: Int32Array[] }> {
  const reader = await openVersion(dataset);
  const source =
    spec.base.kind === "gguf"
      ? { kind: "gguf" as const, metadata: readGgufMetadata(spec.base.path).metadata }
      : { kind: "hf" as const, dir: spec.base.dir };
  const text = loadTextModel(source);
  const prompts: Int32Array[] = [];
  for await (const row of reader.all()) {
    if (!("messages" in row)) continue;
    const { tokens } = encodeRow(text, row, { maxSequenceTokens: spec.maxSequenceTokens });
    if (prompts.length < 32) prompts.push(Int32Array.from(tokens.slice(0, 48)));
  }
  await reader.close();
  return { prompts };
}

const { prompts } = await tokenise();
globalThis.gc?.();
const session = await openSession({ ...spec, memoryBudgetBytes: 2 ** 40 });
const opened = session.memory().rssBytes;
const batch = worstBatch(spec, session.info.vocabSize);
const step = { microBatches: [batch], learningRate: 1e-5, clipNorm: 1, step: 0 };
await session.step(step);
const trained = session.memory().peakRssBytes;
const { preference: _, ...plain } = batch;
await session.evaluate([plain]);
const settings = { maxNewTokens: 16, temperature: 0, topK: 0, topP: 1, seed: 1, stopTokens: [] };
await session.generate({ ...settings, prompts });
const out = mkdtempSync(join(folder, "cell-"));
await session.saveState(join(out, "state.safetensors"));
await session.loadState(join(out, "state.safetensors"));
await session.exportMerged(join(out, "merged"), { dtype: "bf16" });
rmSync(out, { recursive: true });
const { totalBytes, parts } = session.plan;
const { peakRssBytes } = session.memory();
console.log(JSON.stringify({ planned: totalBytes, parts, peak: peakRssBytes, opened, trained }));
await session.close();
