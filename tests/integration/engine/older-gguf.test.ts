// GGUF files as older converters wrote them: DeepSeek's projection of keys and values whole, its heads' sizes under the plain keys.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspectModel, openSession, type Session } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { ggufImageOf } from "../../support/model-files/gguf-image.ts";
import { fixtures } from "../../support/paths.ts";
import { batchOf, specOf, temporaryFolder } from "./support.ts";

const dir = temporaryFolder();
const open = (base: { kind: "hf"; dir: string } | { kind: "gguf"; path: string }): Promise<Session> =>
  openSession(
    specOf({ base, method: { kind: "lora", rank: 1, alpha: 1, dropout: 0, rsLora: false, targets: ["o_proj"] } }),
  );

/** keys (heads, rank, rows of a key) transposed and values (heads, rows of a value, rank) as one matrix, head by head. */
function whole(keys: Float32Array, values: Float32Array, heads: number, rank: number, key: number, value: number) {
  const out = new Float32Array(heads * (key + value) * rank);
  for (let h = 0; h < heads; h++) {
    const begin = h * (key + value) * rank;
    for (let row = 0; row < key; row++)
      for (let c = 0; c < rank; c++) out[begin + row * rank + c] = keys[(h * rank + c) * key + row] ?? Number.NaN;
    out.set(values.subarray(h * value * rank, (h + 1) * value * rank), begin + key * rank);
  }
  return out;
}

describe.each(["deepseek_v2", "deepseek_v2_lite", "deepseek_v3"])("%s", (family) => {
  it("reads kv_b whole as it reads it taken apart", async () => {
    const config = JSON.parse(readFileSync(join(fixtures, "goldens", family, "config.json"), "utf8"));
    const { num_attention_heads: heads, kv_lora_rank: rank, qk_nope_head_dim: nope, v_head_dim: value } = config;
    const path = join(dir, `${family}.gguf`);
    const source = await open({ kind: "hf", dir: join(fixtures, "goldens", family) });
    await source.exportGguf(path, { type: "F32", metadata: { "general.name": family } });
    const batch = batchOf([30, 9]);
    const want = (await source.logits(batch)).values;
    await source.close();

    const image = ggufImageOf(readFileSync(path));
    const valuesOf = (name: string): Float32Array => {
      const { offset, dims, type } = image.tensor(name);
      expect(type).toBe(0);
      const count = dims.reduce((a, b) => a * Number(b), 1);
      return Float32Array.from({ length: count }, (_, i) => image.data.readFloatLE(Number(offset) + i * 4));
    };
    for (let layer = 0; layer < config.num_hidden_layers; layer++) {
      const [k, v] = [`blk.${layer}.attn_k_b.weight`, `blk.${layer}.attn_v_b.weight`];
      const joined = whole(valuesOf(k), valuesOf(v), heads, rank, nope, value);
      image.add(`blk.${layer}.attn_kv_b.weight`, [rank, heads * (nope + value)]);
      const at = Number(image.tensors.at(-1)?.offset);
      for (const [i, x] of joined.entries()) image.data.writeFloatLE(x, at + i * 4);
      for (const name of [k, v]) image.tensors.splice(image.tensors.indexOf(image.tensor(name)), 1);
    }
    image.remove("deepseek2.attention.key_length_mla");
    image.remove("deepseek2.attention.value_length_mla");
    image.setU32("deepseek2.attention.key_length", nope + config.qk_rope_head_dim);
    image.setU32("deepseek2.attention.value_length", value);
    image.setU32("deepseek2.attention.head_count_kv", heads);
    const older = join(dir, `${family}-older.gguf`);
    writeFileSync(older, image.bytes());

    expect(inspectModel({ kind: "gguf", path: older }).parameters).toBe(
      inspectModel({ kind: "gguf", path }).parameters,
    );
    const session = await open({ kind: "gguf", path: older });
    const got = (await session.logits(batch)).values;
    await session.close();
    const worst = got.reduce((most, x, i) => Math.max(most, Math.abs(x - (want[i] ?? Number.NaN))), 0);
    expect(got).toHaveLength(want.length);
    expect(worst).toBeLessThan(1e-5);
  });
});
