import { say } from "@anneal/contracts";
import { TextError } from "../text-error.ts";
import type { Shard } from "./open.ts";

export interface StepOptions {
  microBatchTokens: number;
  packing: boolean; // several rows in one micro-batch
}

// Which rows of one optimizer step are computed together. With packing, the longest rows are placed first, each into
// the first micro-batch that has room; a row's company does not change its result, so only speed depends on this.
// Deterministic: rows in order within a micro-batch, micro-batches in the order of their first rows.
export function planStep(lengths: readonly number[], { microBatchTokens, packing }: StepOptions): number[][] {
  lengths.forEach((length, row) => {
    if (length > microBatchTokens)
      throw new TextError(
        "microBatchTokens",
        say`${microBatchTokens} cannot hold row ${row} of the step with ${length} tokens`,
        say`Raise microBatchTokens to ${length} or lower maxSequenceTokens.`,
      );
  });
  if (!packing) return lengths.map((_, row) => [row]);
  const order = lengths.map((_, row) => row).sort((a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b);
  const batches: { rows: number[]; room: number }[] = [];
  for (const row of order) {
    const length = lengths[row] as number;
    const fitting = batches.find((batch) => batch.room >= length);
    if (fitting) {
      fitting.rows.push(row);
      fitting.room -= length;
    } else batches.push({ rows: [row], room: microBatchTokens - length });
  }
  return batches.map((batch) => batch.rows.sort((a, b) => a - b)).sort((a, b) => (a[0] as number) - (b[0] as number));
}

export interface PackedRows {
  tokens: Int32Array;
  labels: Int32Array;
  offsets: Int32Array; // sequence i is tokens[offsets[i]] .. tokens[offsets[i + 1] - 1]
  weights?: Float32Array; // of each token's loss, where some row has weights
}

// Rows of a shard end to end, as the engine takes them. Indices are rows of the shard.
export function buildMicroBatch(shard: Shard, rows: readonly number[]): PackedRows {
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((row, i) => {
    offsets[i + 1] = (offsets[i] as number) + shard.length(row);
  });
  const total = offsets[rows.length] as number;
  const tokens = new Int32Array(total);
  const labels = new Int32Array(total);
  rows.forEach((row, i) => {
    tokens.set(shard.tokens(row), offsets[i]);
    labels.set(shard.labels(row), offsets[i]);
  });
  const weighed = rows.map((row) => shard.weights(row));
  if (weighed.every((weights) => weights === null)) return { tokens, labels, offsets };
  const weights = new Float32Array(total).fill(1);
  weighed.forEach((own, i) => {
    if (own) weights.set(own, offsets[i]);
  });
  return { tokens, labels, offsets, weights };
}
