import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EncodedRow } from "../rows/encode-row.ts";
import { TextError } from "../text-error.ts";
import { dataOrder } from "./data-order.ts";
import { openShard, shardDigest } from "./open.ts";
import { buildMicroBatch, planStep } from "./plan-step.ts";
import { writeShard } from "./write.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "anneal-shard-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function row(tokens: number[], trainedFrom: number): EncodedRow {
  const labels = Int32Array.from(tokens, (token, i) => (i >= trainedFrom ? token : -100));
  return {
    tokens: Int32Array.from(tokens),
    labels,
    supervisedTokens: Math.max(0, tokens.length - trainedFrom),
    truncated: false,
  };
}
const rows = [
  row([1, 2, 3], 1),
  row([], 0),
  row([70_000, 5], 2),
  row([9], 0),
  { ...row([4, 5, 6], 1), mark: 2 as const, weights: Float32Array.of(1, 0.25, 3) },
  row(
    Array.from({ length: 1001 }, (_, i) => i),
    500,
  ),
];

// Everything a reader may do with a shard.
function readAll(path: string): void {
  const shard = openShard(path);
  try {
    for (let i = 0; i < shard.rows; i++) {
      shard.tokens(i);
      shard.labels(i);
      shard.weights(i);
      shard.mark(i);
    }
  } finally {
    shard.close();
  }
}

describe("token shards", () => {
  it("hold rows as they were given, under the digest of their bytes", async () => {
    const path = join(dir, "a.shard");
    const written = await writeShard(path, rows);
    expect(written).toMatchObject({ rows: 6, tokens: 1010, supervisedTokens: 2 + 0 + 0 + 1 + 2 + 501 });
    expect(written.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await shardDigest(path)).toBe(written.digest);
    const shard = openShard(path);
    expect(shard.rows).toBe(6);
    rows.forEach((given, i) => {
      expect(shard.length(i)).toBe(given.tokens.length);
      expect(shard.supervised(i)).toBe(given.supervisedTokens);
      expect(shard.tokens(i)).toEqual(given.tokens);
      expect(shard.labels(i)).toEqual(given.labels);
      expect(shard.weights(i)).toEqual("weights" in given ? given.weights : null);
      expect(shard.mark(i)).toBe("mark" in given ? given.mark : null);
    });
    expect(() => shard.tokens(6)).toThrow(RangeError);
    shard.close();
    shard.close();
    const again = await writeShard(join(dir, "b.shard"), rows);
    expect(again.digest).toBe(written.digest);
  });

  it("may be empty", async () => {
    const path = join(dir, "a.shard");
    expect(await writeShard(path, [])).toMatchObject({ rows: 0, tokens: 0 });
    expect(openShard(path).rows).toBe(0);
  });

  it("leave nothing behind when their rows fail", async () => {
    async function* failing(): AsyncGenerator<EncodedRow> {
      yield rows[0] as EncodedRow;
      throw new Error("source broke");
    }
    await expect(writeShard(join(dir, "a.shard"), failing())).rejects.toThrow("source broke");
    expect(readdirSync(dir)).toEqual([]);
  });

  it("cut anywhere are refused", async () => {
    const path = join(dir, "a.shard");
    await writeShard(path, rows.slice(0, 4));
    const bytes = readFileSync(path);
    readAll(path);
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(() => readAll(path), `cut to ${length}`).toThrow(TextError);
    }
  });

  it("with any bit flipped are refused, but for the bits of a token's number", async () => {
    const path = join(dir, "a.shard");
    await writeShard(path, rows.slice(0, 4));
    const bytes = readFileSync(path);
    let refused = 0;
    const bits = Array.from({ length: bytes.length * 3 }, (_, i) => Math.floor(i / 3) * 8 + ([0, 3, 7][i % 3] ?? 0));
    for (const bit of bits) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      writeFileSync(path, changed);
      try {
        readAll(path);
      } catch (error) {
        expect(error).toBeInstanceOf(TextError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(bytes.length);
  });

  it.each([
    ["rows beyond the file", (footer: Buffer) => footer.writeBigUInt64LE(2n ** 61n, 0)],
    ["counts beyond what JavaScript counts", (footer: Buffer) => footer.writeBigUInt64LE(2n ** 64n - 1n, 0)],
    ["an index beyond the file", (footer: Buffer) => footer.writeBigUInt64LE(2n ** 52n, 24)],
    ["an index before the rows", (footer: Buffer) => footer.writeBigUInt64LE(0n, 24)],
    ["other totals", (footer: Buffer) => footer.writeBigUInt64LE(1n, 8)],
  ])("that claim %s are refused", async (_, spoil) => {
    const path = join(dir, "a.shard");
    await writeShard(path, rows);
    const bytes = readFileSync(path);
    spoil(bytes.subarray(bytes.length - 40));
    writeFileSync(path, bytes);
    expect(() => readAll(path)).toThrow(TextError);
  });
});

describe("planStep", () => {
  it("packs every row once, within the limit, and always alike", () => {
    const lengths = Array.from({ length: 200 }, (_, i) => 1 + ((i * 7919) % 97));
    const plan = planStep(lengths, { microBatchTokens: 128, packing: true });
    expect(plan.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
    for (const batch of plan) expect(batch.reduce((sum, i) => sum + (lengths[i] ?? 0), 0)).toBeLessThanOrEqual(128);
    expect(plan).toEqual(planStep(lengths, { microBatchTokens: 128, packing: true }));
    const least = Math.ceil(lengths.reduce((sum, length) => sum + length, 0) / 128);
    expect(plan.length).toBeLessThanOrEqual(least + 1);
  });

  it("without packing takes rows one by one", () => {
    expect(planStep([5, 6], { microBatchTokens: 128, packing: false })).toEqual([[0], [1]]);
    expect(planStep([], { microBatchTokens: 128, packing: true })).toEqual([]);
  });

  it("refuses a row that no micro-batch holds", () => {
    expect(() => planStep([5, 200], { microBatchTokens: 128, packing: true })).toThrow(/microBatchTokens: 128 .* 200/);
  });
});

describe("buildMicroBatch", () => {
  it("lays rows end to end", async () => {
    const path = join(dir, "a.shard");
    await writeShard(path, rows);
    const shard = openShard(path);
    const { tokens, labels, offsets } = buildMicroBatch(shard, [2, 0]);
    expect(buildMicroBatch(shard, [2, 0]).weights).toBeUndefined();
    expect(Array.from(buildMicroBatch(shard, [0, 4]).weights ?? [])).toEqual([1, 1, 1, 1, 0.25, 3]);
    shard.close();
    expect(Array.from(tokens)).toEqual([70_000, 5, 1, 2, 3]);
    expect(Array.from(labels)).toEqual([-100, -100, -100, 2, 3]);
    expect(Array.from(offsets)).toEqual([0, 2, 5]);
  });
});

describe("dataOrder", () => {
  it("is a permutation that depends on seed and epoch alone", () => {
    const order = dataOrder(1000, 42, 0);
    expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(dataOrder(1000, 42, 0)).toEqual(order);
    expect(dataOrder(1000, 42, 1)).not.toEqual(order);
    expect(dataOrder(1000, 43, 0)).not.toEqual(order);
    expect(dataOrder(1000, 42 + 2 ** 40, 0)).not.toEqual(order);
    expect(dataOrder(0, 1, 0).length).toBe(0);
    expect(Array.from(dataOrder(1, 1, 0))).toEqual([0]);
  });

  it("never changes: runs resume on it", () => {
    expect(Array.from(dataOrder(12, 7, 3))).toMatchInlineSnapshot(`
      [
        3,
        1,
        2,
        5,
        9,
        11,
        10,
        8,
        7,
        4,
        0,
        6,
      ]
    `);
  });

  it("puts every row everywhere about equally often", () => {
    const counts = new Array(25).fill(0);
    for (let seed = 0; seed < 4000; seed++) {
      const order = dataOrder(5, seed, seed % 3);
      order.forEach((value, place) => {
        counts[value * 5 + place]++;
      });
    }
    for (const count of counts) expect(Math.abs(count - 800)).toBeLessThan(130);
  });
});
