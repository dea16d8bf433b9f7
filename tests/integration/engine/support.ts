import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LINEAR_NAMES, type MicroBatch, openSession, type Session, type TrainingSpec } from "@anneal/engine";
import { afterAll } from "vitest";
import { fixtures } from "../../support/paths.ts";

/** Two small models with random weights: a llama, and a qwen2 with biases. */
export const models = ["llama", "qwen2"] as const;
export const modelDir = (name: (typeof models)[number]) => join(fixtures, "goldens", name);
export const vocabulary = 160;

export const lora = {
  kind: "lora" as const,
  rank: 4,
  alpha: 8,
  dropout: 0,
  rsLora: false,
  targets: [...LINEAR_NAMES],
};

export function specOf(changes: Partial<TrainingSpec> = {}): TrainingSpec {
  return {
    base: { kind: "hf", dir: modelDir("llama") },
    precision: "f32",
    threads: 1,
    seed: 5,
    method: { kind: "full" },
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: 256,
    maxSequenceTokens: 64,
    ...changes,
  };
}

/** Sequences of made-up tokens, the last two thirds of each trained. */
export function batchOf(lengths: readonly number[], seed = 1): MicroBatch {
  const tokens: number[] = [];
  const labels: number[] = [];
  const offsets = [0];
  let state = seed * 7919 + 17;
  for (const length of lengths) {
    for (let i = 0; i < length; i++) {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      const token = (state >>> 8) % vocabulary;
      tokens.push(token);
      labels.push(i * 3 < length ? -100 : token);
    }
    offsets.push(tokens.length);
  }
  return { tokens: Int32Array.from(tokens), labels: Int32Array.from(labels), offsets: Int32Array.from(offsets) };
}

/** One sequence of a batch as a batch of its own. */
export function sequenceOf(batch: MicroBatch, index: number): MicroBatch {
  const from = batch.offsets[index] ?? 0;
  const to = batch.offsets[index + 1] ?? from;
  return {
    tokens: batch.tokens.slice(from, to),
    labels: batch.labels.slice(from, to),
    offsets: Int32Array.of(0, to - from),
  };
}

/** Runs steps `from` to `to` on batches that depend on the step alone. */
export async function train(session: Session, from: number, to: number): Promise<number[]> {
  const losses: number[] = [];
  for (let step = from; step < to; step++) {
    const microBatches = [batchOf([30, 11, 24], 2 * step), batchOf([64, 5], 2 * step + 1)];
    losses.push((await session.step({ microBatches, learningRate: 3e-3, clipNorm: 1, step })).loss);
  }
  return losses;
}

/** Digest of every trained weight, in order. */
export async function weightsDigest(session: Session): Promise<string> {
  const hash = createHash("sha256");
  for (const name of session.trainableNames()) {
    const { values } = await session.weights(name);
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest("hex");
}

export async function withSession<T>(spec: TrainingSpec, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(spec);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** A folder that goes away with the test file. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "anneal-engine-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Largest difference, relative to the largest value of `want`. */
export function worstDifference(got: Float32Array, want: Float32Array): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let scale = 1e-6;
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    scale = Math.max(scale, Math.abs(want[i] ?? Number.NaN));
    const difference = Math.abs((got[i] ?? Number.NaN) - (want[i] ?? Number.NaN));
    if (!(difference <= worst)) worst = difference;
  }
  return worst / scale;
}
