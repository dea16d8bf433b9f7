import type { Shard } from "@anneal/text";
import { describe, expect, test } from "vitest";
import { microBatches } from "../prepare/batches.ts";
import { joinedBatches } from "./joined-batches.ts";

/** A shard whose row i has lengths[i] tokens, all of the value i. */
function shardOf(lengths: number[]): Shard {
  const tokens = (row: number) => new Int32Array(lengths[row] ?? 0).fill(row);
  return {
    length: (row: number) => lengths[row] ?? 0,
    tokens,
    labels: tokens,
    weights: () => null,
  } as unknown as Shard;
}
const lengths = [9, 30, 12, 7, 25, 18, 40, 5, 16, 11];
const shard = shardOf(lengths);
const orders = [
  [0, 1, 2, 3, 4, 5],
  [9, 8, 7, 6, 5, 4],
  [3, 1, 0, 9, 8, 2],
];
const spec = { microBatchTokens: 150, packing: true };

/** The rows of each micro-batch that belong to an adapter, in order; micro-batches without any are left out. */
const partsOf = (adapter: number, packing = true) =>
  joinedBatches(shard, orders, { ...spec, packing })
    .map(({ tokens, offsets, adapters = new Int32Array() }) =>
      [...adapters].flatMap((owner, i) => (owner === adapter ? [tokens[offsets[i] ?? 0] ?? -1] : [])),
    )
    .filter((rows) => rows.length > 0);

describe("micro-batches of several adapters", () => {
  test("each adapter's rows are cut as a run of it alone with its share of the tokens cuts them", () => {
    for (const packing of [true, false])
      for (const [adapter, rows] of orders.entries()) {
        const alone = microBatches(shard, rows, { microBatchTokens: 50, packing, objective: { kind: "sft" } as never });
        expect(partsOf(adapter, packing)).toEqual(alone.map((batch) => batch.rows));
      }
  });

  test("no micro-batch is above its tokens, and adapters lie in order", () => {
    for (const microBatchTokens of [40, 41, 64, 150, 1000]) {
      const batches = joinedBatches(shard, orders, { ...spec, microBatchTokens });
      expect(Math.max(...batches.map(({ tokens }) => tokens.length))).toBeLessThanOrEqual(microBatchTokens);
      for (const { adapters, offsets, tokens } of batches) {
        expect([...(adapters ?? [])]).toEqual([...(adapters ?? [])].sort());
        expect(adapters).toHaveLength(offsets.length - 1);
        expect(offsets.at(-1)).toBe(tokens.length);
      }
      const all = batches.flatMap(({ tokens, offsets }) => [...offsets.slice(0, -1)].map((at) => tokens[at]));
      expect(all.sort()).toEqual(orders.flat().sort());
    }
  });

  test("an adapter whose rows are done leaves the rest of the step to the others", () => {
    const batches = joinedBatches(shard, [[0], [1, 4, 6], []], { microBatchTokens: 60, packing: true });
    expect(batches.map(({ adapters }) => [...(adapters ?? [])])).toEqual([[0, 1], [1], [1]]);
  });
});
