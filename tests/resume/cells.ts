// The matrix of what a state must bring back: optimizer x precision x method, with objectives that keep more than weights.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MicroBatch, Objective, Optimizer, Precision, TrainingSpec } from "../../packages/engine/src/index.ts";
import { LINEAR_NAMES, openSession } from "../../packages/engine/src/index.ts";
import { fixtures } from "../support/paths.ts";

const optimizers: Optimizer[] = [
  { kind: "adamw", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01 },
  { kind: "adamw8bit", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01 },
  { kind: "lion", beta1: 0.9, beta2: 0.99, weightDecay: 0.01 },
  { kind: "adafactor", decay: -0.8, epsilon1: 1e-30, epsilon2: 1e-3, clipThreshold: 1, weightDecay: 0.01 },
  { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 0.01 },
];
const precisions: Precision[] = ["f32", "bf16", "bf16_sr", "f16"];
const lora = { kind: "lora" as const, rank: 8, alpha: 16, rsLora: false, targets: [...LINEAR_NAMES] };
const methods: [string, TrainingSpec["method"]][] = [
  ["full", { kind: "full" }],
  ["frozen", { kind: "full", freeze: ["*embed*", "*.layers.0.*"] }],
  ["lora", { ...lora, dropout: 0.2 }],
  ["dora", { ...lora, dropout: 0, dora: true, loraPlusRatio: 4 }],
];
const objectives: Objective[] = [
  { kind: "dpo", beta: 0.1, labelSmoothing: 0 },
  { kind: "kto", beta: 0.1, desirableWeight: 1, undesirableWeight: 1 },
  { kind: "orpo", beta: 0.2 },
  { kind: "distill", divergence: "jsd", temperature: 1, crossEntropyWeight: 0.5 },
];

const sideBySide = [
  { name: "a", rank: 4, alpha: 8, seed: 1 },
  { name: "b", rank: 8, alpha: 8, seed: 2 },
];

export interface ResumeCell {
  name: string;
  spec: TrainingSpec;
}

const baseSpec: TrainingSpec = {
  base: { kind: "hf", dir: join(fixtures, "goldens", "llama") },
  precision: "f32",
  threads: 1,
  seed: 11,
  method: { kind: "full" },
  optimizer: optimizers[0] as Optimizer,
  neftuneAlpha: 5,
  gradientCheckpointing: "none",
  maxTokensPerMicroBatch: 128,
  maxSequenceTokens: 48,
};

export function resumeCells(): ResumeCell[] {
  const cells: ResumeCell[] = [];
  for (const optimizer of optimizers)
    for (const precision of precisions)
      for (const [method, value] of methods)
        cells.push({
          name: `${optimizer.kind} ${precision} ${method}`,
          spec: { ...baseSpec, optimizer, precision, method: value },
        });
  // A full student has no base to learn from beside itself.
  for (const objective of objectives)
    for (const [method, value] of methods)
      if (objective.kind !== "distill" || value.kind === "lora")
        cells.push({
          name: `${objective.kind} bf16 ${method}`,
          spec: { ...baseSpec, objective, method: value, precision: "bf16" },
        });
  for (const family of ["qwen3_moe", "deepseek_v3"])
    for (const precision of precisions)
      cells.push({
        name: `${family} ${precision} routers balanced`,
        spec: {
          ...baseSpec,
          base: { kind: "hf", dir: join(fixtures, "goldens", family) },
          precision,
          routerAuxWeight: 0.1,
        },
      });
  for (const family of ["qwen3_moe", "deepseek_v3"])
    for (const precision of precisions)
      cells.push({
        name: `${family} ${precision} side by side on experts, routers balanced`,
        spec: {
          ...baseSpec,
          base: { kind: "hf", dir: join(fixtures, "goldens", family) },
          precision,
          method: { ...lora, dropout: 0, targets: ["o_proj", "gate_proj", "up_proj", "down_proj"] },
          adapters: sideBySide,
          routerAuxWeight: 0.1,
        },
      });
  for (const precision of precisions)
    cells.push({
      name: `adamw ${precision} side by side`,
      spec: { ...baseSpec, precision, method: { ...lora, dropout: 0.2 }, adapters: sideBySide },
    });
  return cells;
}

export const totalSteps = 5;

/** Micro-batches of a step: a function of the step alone. The first half of the sequences is the first adapter's, where there are two. */
export function stepBatches(step: number, adapters: number): MicroBatch[] {
  return [0, 1].map((part) => {
    const tokens: number[] = [];
    const labels: number[] = [];
    const offsets = [0];
    let state = (2 * step + part) * 7919 + 17;
    for (const length of part === 0 ? [20, 27] : [48, 9, 14, 30]) {
      for (let i = 0; i < length; i++) {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        const token = (state >>> 8) % 160;
        tokens.push(token);
        labels.push(i * 3 < length ? -100 : token);
      }
      offsets.push(tokens.length);
    }
    const preference = offsets.slice(1).map((_, sequence) => (sequence + 1) % 2);
    return {
      tokens: Int32Array.from(tokens),
      labels: Int32Array.from(labels),
      offsets: Int32Array.from(offsets),
      preference: Int8Array.from(preference),
      ...(adapters > 0 ? { adapters: Int32Array.from(preference, (_, i) => Number(2 * i >= preference.length)) } : {}),
    };
  });
}

/** Trains a cell to its end; at each step of `stops` the state is saved and a new session goes on from it. SHA-256 of the last state. */
export async function trainWithStops(
  { spec }: ResumeCell,
  folder: string,
  stops: readonly { step: number; threads: number }[],
): Promise<string> {
  const state = join(folder, "state");
  let session = await openSession(spec);
  try {
    for (let step = 0; step < totalSteps; step++) {
      for (const stop of stops) {
        if (stop.step !== step) continue;
        await session.saveState(state);
        await session.close();
        session = await openSession({ ...spec, threads: stop.threads });
        const loaded = await session.loadState(state);
        if (loaded.step !== step) throw new Error(`the state of step ${step} says ${loaded.step}`);
      }
      await session.step({
        microBatches: stepBatches(step, spec.adapters?.length ?? 0),
        learningRate: 3e-3,
        clipNorm: 1,
        step,
      });
    }
    await session.saveState(state);
  } finally {
    await session.close();
  }
  return createHash("sha256").update(readFileSync(state)).digest("hex");
}
