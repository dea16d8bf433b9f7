// Golden models under other configurations, held to the logits of transformers 5.18 (float32, eager) at the last place of the first row.
// variants.json holds what was changed in config.json and in the weights, and those logits.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectModel, openSession } from "@anneal/engine";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { openSafetensors } from "../../support/model-files/safetensors.ts";
import { SafetensorsImage } from "../../support/model-files/safetensors-image.ts";
import { fixtures } from "../../support/paths.ts";
import { specOf, worstDifference } from "./support.ts";

const Variant = z.object({
  name: z.string(),
  golden: z.string(),
  changes: z.record(z.string(), z.unknown()).default({}),
  without: z.array(z.string()).default([]),
  /** Tensors of this name keep their place but no value. */
  without_tensors: z.string().optional(),
  /** Plain feed-forwards and shared experts get biases 0.2 sin(1), 0.2 sin(2), ... */
  biases: z.boolean().default(false),
  /** The field by which a GGUF of it is refused. */
  gguf_refused: z.string().optional(),
  logits: z.array(z.number()),
});
type Variant = z.infer<typeof Variant>;

const variants = z.array(Variant).parse(JSON.parse(readFileSync(join(fixtures, "variants", "variants.json"), "utf8")));
const root = mkdtempSync(join(tmpdir(), "anneal-variants-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function writeWeights(variant: Variant, path: string) {
  const from = openSafetensors(join(fixtures, "goldens", variant.golden, "model.safetensors"));
  const image = new SafetensorsImage();
  const put = (name: string, shape: number[], values: Uint8Array) => {
    const begin = image.data.length;
    image.data = Buffer.concat([image.data, values]);
    image.entries.set(name, { dtype: "F32", shape, data_offsets: [begin, image.data.length] });
  };
  for (const name of from.names) {
    const [rows = 0, cols = 0] = from.shape(name);
    if (variant.without_tensors && name.includes(variant.without_tensors))
      put(name, name.includes("down_proj") ? [rows, 0] : [0, cols], new Uint8Array());
    else put(name, from.shape(name), from.bytes(name));
    if (variant.biases && /\.mlp\.(shared_experts\.)?\w+_proj\.weight$/.test(name)) {
      const bias = Float32Array.from({ length: rows }, (_, i) => 0.2 * Math.sin(i + 1));
      put(name.replace(/weight$/, "bias"), [rows], new Uint8Array(bias.buffer));
    }
  }
  writeFileSync(path, image.bytes());
}

function folderOf(variant: Variant, index: number): string {
  const dir = join(root, String(index));
  mkdirSync(dir, { recursive: true });
  const golden = JSON.parse(readFileSync(join(fixtures, "goldens", variant.golden, "config.json"), "utf8"));
  const config = { ...golden, ...variant.changes };
  for (const field of variant.without) delete config[field];
  writeFileSync(join(dir, "config.json"), JSON.stringify(config));
  writeWeights(variant, join(dir, "model.safetensors"));
  return dir;
}

const firstRow = (golden: string): number[] =>
  JSON.parse(readFileSync(join(fixtures, "goldens", golden, "case.json"), "utf8")).input_ids[0];
const batchOf = (rows: readonly number[][]) => {
  const tokens = Int32Array.from(rows.flat());
  const offsets = [0];
  for (const row of rows) offsets.push((offsets.at(-1) ?? 0) + row.length);
  return { tokens, labels: tokens, offsets: Int32Array.from(offsets) };
};
const bestOf = (values: Float32Array) => values.indexOf(Math.max(...values));

describe("golden models under other configurations", () => {
  for (const [index, variant] of variants.entries())
    test(`${variant.golden}, ${variant.name}`, async () => {
      const dir = folderOf(variant, index);
      if (variant.gguf_refused)
        expect(inspectModel({ kind: "hf", dir }).ggufProblem?.args.field).toBe(variant.gguf_refused);
      const row = firstRow(variant.golden);
      const session = await openSession(specOf({ base: { kind: "hf", dir } }));
      const { values, vocabSize } = await session.logits(batchOf([row]));
      expect(worstDifference(values.slice(-vocabSize), Float32Array.from(variant.logits))).toBeLessThan(1e-4);

      // Another row in the same batch changes nothing, and neither does the cache.
      const packed = await session.logits(batchOf([row.slice(0, 9), row]));
      expect(worstDifference(packed.values.slice(9 * vocabSize), values)).toBeLessThan(1e-4);
      const prompt = row.slice(0, 30);
      const { sequences } = await session.generate({
        prompts: [Int32Array.from(prompt)],
        maxNewTokens: 4,
        temperature: 0,
        topK: 0,
        topP: 1,
        seed: 1,
        stopTokens: [],
      });
      const answer = [...(sequences[0]?.tokens ?? [])];
      const all = await session.logits(batchOf([[...prompt, ...answer]]));
      for (const [i, token] of answer.entries()) {
        const at = (prompt.length - 1 + i) * vocabSize;
        expect(bestOf(all.values.slice(at, at + vocabSize))).toBe(token);
      }

      // Written as a folder, it is the same model.
      const written = join(dir, "written");
      await session.exportMerged(written, { dtype: "f32" });
      await session.close();
      const again = await openSession(specOf({ base: { kind: "hf", dir: written } }));
      expect(worstDifference((await again.logits(batchOf([row]))).values, values)).toBe(0);
      await again.close();
    });

  test("transformers takes no whole number for a float, and reads a latent attention's rotated part as head_dim", async () => {
    const dir = join(root, "typed");
    const session = await openSession(specOf({ base: { kind: "hf", dir: join(fixtures, "goldens", "deepseek_v2") } }));
    await session.exportMerged(dir, { dtype: "f32" });
    await session.close();
    const text = readFileSync(join(dir, "config.json"), "utf8");
    expect(text).toContain('"routed_scaling_factor": 1.0,');
    expect(JSON.parse(text).head_dim).toBe(JSON.parse(text).qk_rope_head_dim);
    const gemma = await openSession(specOf({ base: { kind: "hf", dir: join(fixtures, "goldens", "gemma2") } }));
    await gemma.exportMerged(dir, { dtype: "f32" });
    await gemma.close();
    const caps = readFileSync(join(dir, "config.json"), "utf8");
    expect(caps).toContain('"query_pre_attn_scalar": 16,');
    expect(caps).toContain('"final_logit_softcapping": 30.0,');
  });

  test("divisors that a GGUF holds, of a rule that no release has, are written as factors", async () => {
    const row = firstRow("llama_tied_rope3");
    const path = join(root, "divisors.gguf");
    const session = await openSession(
      specOf({ base: { kind: "hf", dir: join(fixtures, "goldens", "llama_tied_rope3") } }),
    );
    const { values } = await session.logits(batchOf([row]));
    await session.exportGguf(path, { type: "F32", metadata: {} });
    await session.close();
    const dir = join(root, "divisors");
    const read = await openSession(specOf({ base: { kind: "gguf", path } }));
    await read.exportMerged(dir, { dtype: "f32" });
    await read.close();
    expect(JSON.parse(readFileSync(join(dir, "config.json"), "utf8")).rope_parameters.rope_type).toBe("longrope");
    const written = await openSession(specOf({ base: { kind: "hf", dir } }));
    expect(worstDifference((await written.logits(batchOf([row]))).values, values)).toBeLessThan(1e-5);
    await written.close();
  });

  const refused: [string, Record<string, unknown>, RegExp][] = [
    ["qwen3", { rope_parameters: { full_attention: { rope_type: "default" } } }, /rope_parameters by kind of layer/],
    ["gemma3", { rope_parameters: { rope_type: "linear", factor: 2 } }, /rope_parameters of all layers/],
    [
      "llama",
      { partial_rotary_factor: 0.5, rope_scaling: { rope_type: "linear", factor: 2 } },
      /partial_rotary_factor/,
    ],
    ["deepseek_v2", { norm_topk_prob: true }, /norm_topk_prob/],
  ];
  test.each(refused)("%s: %o is refused by its field", (golden, changes, message) => {
    const variant = Variant.parse({ name: "refused", golden, changes, logits: [] });
    expect(() => inspectModel({ kind: "hf", dir: folderOf(variant, variants.length) })).toThrow(message);
  });
});
