// A case's folder as the engine sees it: its rows encoded with its base's own tokenizer and template.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChatRow } from "@anneal/contracts";
import type { MicroBatch, TrainingSpec } from "@anneal/engine";
import { encodeRow, loadTextModel } from "@anneal/text";
import { fixtures } from "../../support/paths.ts";

export const caseFolder = (name: string) => join(fixtures, "cases", name);

/** All rows of a file end to end in one micro-batch. */
export function rowsOf(baseDir: string, file: string): MicroBatch {
  const text = loadTextModel({ kind: "hf", dir: baseDir });
  const rows = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => encodeRow(text, JSON.parse(line) as ChatRow, { maxSequenceTokens: 512 }));
  const offsets = [0];
  for (const { tokens } of rows) offsets.push((offsets.at(-1) ?? 0) + tokens.length);
  return {
    tokens: Int32Array.from(rows.flatMap(({ tokens }) => [...tokens])),
    labels: Int32Array.from(rows.flatMap(({ labels }) => [...labels])),
    offsets: Int32Array.from(offsets),
  };
}

export const settings = (dir: string, changes: Partial<TrainingSpec> = {}): TrainingSpec => ({
  base: { kind: "hf", dir },
  precision: "f32",
  threads: 1,
  seed: 1,
  method: { kind: "full" },
  optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  gradientCheckpointing: false,
  maxTokensPerMicroBatch: 2048,
  maxSequenceTokens: 512,
  ...changes,
});
