import type { RunSpec } from "@anneal/contracts";
import type { MicroBatch } from "@anneal/engine";
import { buildMicroBatch, planStep, type Shard } from "@anneal/text";

type Needs = Pick<RunSpec, "microBatchTokens" | "packing">;
interface Part {
  rows: number[]; // of the shard
  tokens: number;
}

/**
 * A step's rows of several adapters as joined micro-batches: the base's products run over all of their tokens at once. Every
 * adapter's rows are cut into parts of its share of the tokens, as a run of it alone with that many would cut them, and the parts
 * keep their order: each adapter's gradient is summed up as in training alone. rowsOf: the rows of each adapter, by its number.
 */
export function joinedBatches(shard: Shard, rowsOf: readonly (readonly number[])[], spec: Needs): MicroBatch[] {
  const waiting = rowsOf.map((rows) => partsOf(shard, rows, Math.floor(spec.microBatchTokens / rowsOf.length), spec));
  const batches: MicroBatch[] = [];
  while (waiting.some((parts) => parts.length > 0)) {
    let room = spec.microBatchTokens;
    const rows: number[] = [];
    const owners: number[] = [];
    for (const [adapter, parts] of waiting.entries()) {
      const next = parts[0];
      if (!next || next.tokens > room) continue; // the first that waits always fits: no row is longer than a micro-batch
      parts.shift();
      room -= next.tokens;
      rows.push(...next.rows);
      owners.push(...next.rows.map(() => adapter));
    }
    batches.push({ ...buildMicroBatch(shard, rows), adapters: Int32Array.from(owners) });
  }
  return batches;
}

/** A row that is longer than the share widens it for its adapter's step. */
function partsOf(shard: Shard, rows: readonly number[], share: number, { packing }: Needs): Part[] {
  const lengths = rows.map((row) => shard.length(row));
  const microBatchTokens = Math.max(share, ...lengths);
  return planStep(lengths, { microBatchTokens, packing }).map((positions) => ({
    rows: positions.map((position) => rows[position] ?? 0),
    tokens: positions.reduce((sum, position) => sum + (lengths[position] ?? 0), 0),
  }));
}
