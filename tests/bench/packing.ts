// Rows of mixed lengths: laid end to end into full micro-batches, and padded to the longest of their micro-batch as most trainers do. The
// same rows, the same session, taking turns; only real tokens count.
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { LINEAR_NAMES, type MicroBatch, openSession } from "@anneal/engine";
import { planStep } from "@anneal/text";
import { llama118m, writeRandomLlama } from "./support/random-model.ts";
import type { BenchRow } from "./types.ts";

const microBatchTokens = 1024;
const rounds = 3;
// Lengths of a chat data set: many short, few long.
const lengths = Array.from({ length: 24 }, (_, i) => Math.round(24 * 1.14 ** ((i * 7) % 24)));
const longest = Math.max(...lengths);

const tokenAt = (i: number) => 3 + ((i * 7919 + 11) % (llama118m.vocabulary - 3));

/** Rows end to end, each filled up to `padTo` (0: not at all) with tokens that are not trained. */
function batchOf(rows: readonly number[], padTo: number): MicroBatch {
  const tokens: number[] = [];
  const labels: number[] = [];
  const offsets = [0];
  for (const row of rows) {
    const length = lengths[row] ?? 0;
    for (let i = 0; i < Math.max(length, padTo); i++) {
      tokens.push(tokenAt(row * longest + i));
      labels.push(i < length ? tokenAt(row * longest + i) : -100);
    }
    offsets.push(tokens.length);
  }
  return { tokens: Int32Array.from(tokens), labels: Int32Array.from(labels), offsets: Int32Array.from(offsets) };
}

/** Rows as they come, as many as a micro-batch holds when each is padded to the longest of them. */
function paddedBatches(): MicroBatch[] {
  const groups: number[][] = [[]];
  const widest = (rows: number[]) => Math.max(...rows.map((row) => lengths[row] ?? 0));
  for (let row = 0; row < lengths.length; row++) {
    const group = groups.at(-1) as number[];
    if ((group.length + 1) * widest([...group, row]) > microBatchTokens) groups.push([row]);
    else group.push(row);
  }
  return groups.map((rows) => batchOf(rows, widest(rows)));
}

export async function* run(): AsyncGenerator<BenchRow> {
  const dir = mkdtempSync(join(tmpdir(), "anneal-bench-"));
  try {
    writeRandomLlama(dir, llama118m);
    const session = await openSession({
      base: { kind: "hf", dir },
      precision: "bf16",
      threads: cpus().length,
      seed: 1,
      method: { kind: "lora", rank: 16, alpha: 32, dropout: 0, rsLora: false, targets: [...LINEAR_NAMES] },
      optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
      gradientCheckpointing: false,
      maxTokensPerMicroBatch: microBatchTokens,
      maxSequenceTokens: longest,
    });
    const packed = planStep(lengths, { microBatchTokens, packing: true }).map((rows) => batchOf(rows, 0));
    const padded = paddedBatches();
    const tokens = lengths.reduce((a, b) => a + b, 0);
    const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    let step = 0;
    for (let round = 0; round < rounds; round++)
      for (const [i, microBatches] of [packed, padded].entries()) {
        const { seconds } = await session.step({ microBatches, learningRate: 1e-4, clipNorm: 1, step: step++ });
        best[i] = Math.min(best[i] ?? seconds, seconds);
      }
    await session.close();
    const [value, peerValue] = best.map((seconds) => tokens / seconds) as [number, number];
    yield {
      name: `packed, 118M llama, ${lengths.length} rows of ${Math.min(...lengths)} to ${longest}`,
      value,
      unit: "tokens/s",
      peer: "padded",
      peerValue,
      ratio: value / peerValue,
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
