// The matrix of the plan check: family x method x precision x length, then every way to train on one model.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type BaseSource, inspectModel, type Optimizer, type TrainingSpec } from "@anneal/engine";
import { fixtures } from "../support/paths.ts";
import type { Models } from "./models.ts";

export interface Cell {
  name: string;
  spec: () => Promise<TrainingSpec>;
}
type Changes = Partial<Omit<TrainingSpec, "base">>;

const adamw: Optimizer = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
const full = { kind: "full" as const };
const short = { maxTokensPerMicroBatch: 512, maxSequenceTokens: 256 };
const long = { maxTokensPerMicroBatch: 2048, maxSequenceTokens: 1024 };

/** LoRA on every linear layer unless `changes` say otherwise. */
export function specOf(base: BaseSource, changes: Changes = {}): TrainingSpec {
  const targets = inspectModel(base).linearNames;
  const lora = { kind: "lora" as const, rank: 16, alpha: 32, dropout: 0, rsLora: false, targets };
  const method = changes.method?.kind === "lora" ? { ...lora, ...changes.method, targets } : (changes.method ?? lora);
  return {
    base,
    precision: "bf16",
    seed: 1,
    optimizer: adamw,
    gradientCheckpointing: false,
    ...long,
    ...changes,
    method,
  };
}

const loraWith = (changes: { dora?: boolean; dropout?: number; rank?: number }) => ({
  method: { kind: "lora" as const, rank: 16, alpha: 32, dropout: 0, rsLora: false, targets: [], ...changes },
});
const adapter = (name: string, rank: number) => ({ name, rank, alpha: 2 * rank, seed: 1 });

const ways: Record<string, Changes> = {
  "full, f32": { method: full, precision: "f32", ...short },
  "full, bf16": { method: full },
  "full, bf16_sr": { method: full, precision: "bf16_sr" },
  "full, f16": { method: full, precision: "f16", ...short },
  "full, bf16, 8-bit AdamW": { method: full, optimizer: { ...adamw, kind: "adamw8bit" } },
  "full, bf16, Lion": { method: full, optimizer: { kind: "lion", beta1: 0.9, beta2: 0.99, weightDecay: 0 } },
  "full, bf16, Adafactor": {
    method: full,
    optimizer: { kind: "adafactor", decay: -0.8, epsilon1: 1e-30, epsilon2: 1e-3, clipThreshold: 1, weightDecay: 0 },
  },
  "full, f32, SGD": {
    method: full,
    precision: "f32",
    optimizer: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
  },
  "full, bf16, layers computed again": { method: full, gradientCheckpointing: "layer" },
  "full, bf16, feed-forward computed again": { method: full, gradientCheckpointing: "selective" },
  "LoRA, f32": { precision: "f32" },
  "LoRA, bf16": {},
  "LoRA, bf16, 256 x 2": short,
  "LoRA, bf16, dropout": loraWith({ dropout: 0.1 }),
  "LoRA, bf16, layers computed again": { gradientCheckpointing: "layer" },
  "LoRA rank 64, f16": { precision: "f16", ...loraWith({ rank: 64 }) },
  "DoRA, bf16": loraWith({ dora: true }),
  "DoRA, f32": { precision: "f32", ...short, ...loraWith({ dora: true }) },
  "LoRA over int8, bf16": { baseStorage: "int8" },
  "LoRA over nf4, bf16": { baseStorage: "nf4" },
  "LoRA over nf4, f32": { baseStorage: "nf4", precision: "f32", ...short },
  "LoRA over nf4, bf16, layers computed again": { baseStorage: "nf4", gradientCheckpointing: "layer" },
  "DoRA over int8, bf16": { baseStorage: "int8", ...loraWith({ dora: true }) },
  "four adapters side by side, bf16": {
    adapters: [8, 16, 32, 16].map((rank, i) => adapter(`a${i}`, rank)),
    ...long,
    maxSequenceTokens: 512,
  },
  "DPO, LoRA, bf16": { objective: { kind: "dpo", beta: 0.1, labelSmoothing: 0 } },
  "DPO, full, bf16": { method: full, objective: { kind: "dpo", beta: 0.1, labelSmoothing: 0 } },
  "KTO, LoRA, bf16": { objective: { kind: "kto", beta: 0.1, desirableWeight: 1, undesirableWeight: 1 } },
  "ORPO, LoRA, f32": { precision: "f32", ...short, objective: { kind: "orpo", beta: 0.1 } },
};

const distill = (from: { teacher: BaseSource } | { teacherTopK: number }): Changes => ({
  objective: { kind: "distill", divergence: "forward_kl", temperature: 1, crossEntropyWeight: 0.5, ...from },
});

/** Every cell; models are written when a cell asks for them. The real model takes part where it lies beside the repository. */
export function planCells(models: Models): Cell[] {
  const cells: Cell[] = [];
  const add = (model: string, way: string, base: () => BaseSource | Promise<BaseSource>, changes: Changes = {}) =>
    cells.push({ name: `${model}: ${way}`, spec: async () => specOf(await base(), changes) });
  const families = readdirSync(join(fixtures, "goldens")).filter((name) => !["quant", "tokenizers"].includes(name));
  for (const family of families) {
    add(family, "LoRA, bf16", () => models.family(family));
    add(family, "full, f32, 256 x 2", () => models.family(family), { method: full, precision: "f32", ...short });
  }
  for (const [way, changes] of Object.entries(ways)) add("llama 40M", way, () => models.middle(), changes);
  add("llama 40M", "LoRA over Q8_0 blocks, bf16", () => models.blocks((base) => specOf(base, short)), {
    baseStorage: "blocks",
  });
  add("llama 28M", "distilled from 40M, full, bf16", () => models.student(), {
    method: full,
    ...distill({ teacher: models.middle() }),
  });
  add("llama 28M", "distilled from 40M, LoRA, f32", () => models.student(), {
    precision: "f32",
    ...short,
    ...distill({ teacher: models.middle() }),
  });
  add(
    "llama 28M",
    "distilled from a file of 32 best, LoRA, bf16",
    () => models.student(),
    distill({ teacherTopK: 32 }),
  );
  const real = models.real();
  if (!real) return cells;
  for (const [way, changes] of Object.entries({
    "LoRA, bf16, 256 x 2": short,
    "LoRA, bf16": {},
    "LoRA over its Q4_1 blocks, bf16": { baseStorage: "blocks" },
    "LoRA over nf4, bf16, 256 x 2": { baseStorage: "nf4", ...short },
  } satisfies Record<string, Changes>))
    add("SmolLM2 135M", way, () => real, changes);
  return cells;
}
