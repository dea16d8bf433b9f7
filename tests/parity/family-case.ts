// A family's reference numbers as its folder holds them, and the engine's inputs made of them.
import { join } from "node:path";
import { z } from "zod";
import type { LinearName, MicroBatch, TrainingSpec } from "../../packages/engine/src/index.ts";
import type { SafetensorsReader } from "../support/model-files/safetensors.ts";

const Hyper = z.object({
  lr: z.number(),
  warmup_steps: z.number().int(),
  weight_decay: z.number(),
  beta1: z.number(),
  beta2: z.number(),
  eps: z.number(),
  max_grad_norm: z.number(),
  steps: z.number().int(),
});
export type Hyper = z.infer<typeof Hyper>;
const Curve = z.object({ hyper: Hyper, losses: z.array(z.number()), grad_norms: z.array(z.number()) });
export const FamilyCase = z.object({
  lengths: z.array(z.number().int()),
  input_ids: z.array(z.array(z.number().int())),
  labels: z.array(z.array(z.number().int())),
  loss: z.number(),
  full: Curve,
  /** A case of one row has no pair. */
  dpo: z
    .object({
      beta: z.number(),
      policy_chosen: z.number(),
      policy_rejected: z.number(),
      reference_chosen: z.number(),
      reference_rejected: z.number(),
      loss: z.number(),
      reward_margin: z.number(),
    })
    .optional(),
  distill: z.object({ temperature: z.number(), kl_teacher_student: z.number() }),
  lora: Curve.extend({ r: z.number().int(), alpha: z.number(), target_modules: z.array(z.string()) }),
});
export type FamilyCase = z.infer<typeof FamilyCase>;

/** One row as a micro-batch of its own, without its padding. */
export function rowBatch(golden: FamilyCase, row: number): MicroBatch {
  const length = golden.lengths[row] ?? 0;
  return {
    tokens: Int32Array.from(golden.input_ids[row]?.slice(0, length) ?? []),
    labels: Int32Array.from(golden.labels[row]?.slice(0, length) ?? []),
    offsets: Int32Array.from([0, length]),
  };
}

/** Rows end to end; all of them unless some are chosen. */
export function packedBatch(golden: FamilyCase, chosen = golden.lengths.map((_, row) => row)): MicroBatch {
  const rows = chosen.map((row) => rowBatch(golden, row));
  const offsets = [0];
  for (const row of rows) offsets.push((offsets.at(-1) ?? 0) + row.tokens.length);
  return {
    tokens: Int32Array.from(rows.flatMap((row) => [...row.tokens])),
    labels: Int32Array.from(rows.flatMap((row) => [...row.labels])),
    offsets: Int32Array.from(offsets),
  };
}

/** The goldens' own schedule: the warm-up's first step already trains, then cosine to 0 over the steps that are left. */
export function goldenRate(hyper: Hyper, step: number): number {
  if (step < hyper.warmup_steps) return (hyper.lr * (step + 1)) / hyper.warmup_steps;
  const progress = (step - hyper.warmup_steps) / Math.max(1, hyper.steps - hyper.warmup_steps);
  return hyper.lr * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** Logits of the real positions of a padded (B, T, V) reference, in packed order. */
export function packedLogits(golden: FamilyCase, reference: SafetensorsReader, name: string): Float32Array {
  const all = reference.floats(name);
  const [, rowLength = 0, vocab = 0] = reference.shape(name);
  const parts = golden.lengths.map((length, row) =>
    all.subarray(row * rowLength * vocab, (row * rowLength + length) * vocab),
  );
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function specOf(dir: string, golden: FamilyCase, kind: "full" | "lora"): TrainingSpec {
  const { hyper } = golden[kind];
  const longest = Math.max(...golden.lengths);
  const lora = {
    kind: "lora" as const,
    rank: golden.lora.r,
    alpha: golden.lora.alpha,
    dropout: 0,
    rsLora: false,
    targets: golden.lora.target_modules as LinearName[],
  };
  return {
    base: { kind: "hf", dir },
    precision: "f32",
    seed: 1,
    method: kind === "full" ? { kind } : lora,
    optimizer: {
      kind: "adamw",
      beta1: hyper.beta1,
      beta2: hyper.beta2,
      epsilon: hyper.eps,
      weightDecay: hyper.weight_decay,
    },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: golden.lengths.reduce((sum, length) => sum + length, 0),
    maxSequenceTokens: longest,
    ...(kind === "lora" ? { adapter: join(dir, "adapter_init") } : {}),
  };
}
