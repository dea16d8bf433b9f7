// A head that lies beside the embedding with other values is the model's own, whatever tie_word_embeddings says.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectModel, openSession, readGgufMetadata } from "@anneal/engine";
import { afterAll, describe, expect, test } from "vitest";
import { openSafetensors } from "../../support/model-files/safetensors.ts";
import { SafetensorsImage } from "../../support/model-files/safetensors-image.ts";
import { caseFolder, rowsOf, settings } from "./support.ts";

const folder = caseFolder("head-of-its-own");
const own = join(folder, "base");
const equal = join(folder, "control-equal");
const root = mkdtempSync(join(tmpdir(), "anneal-head-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function lossOf(base: Parameters<typeof settings>[1]): Promise<number> {
  const session = await openSession(settings(own, base));
  const { lossSum, supervisedTokens } = await session.evaluate([rowsOf(own, join(folder, "one.jsonl"))]);
  await session.close();
  return lossSum / supervisedTokens;
}
const hf = (dir: string) => ({ base: { kind: "hf" as const, dir } });
const gguf = (path: string) => ({ base: { kind: "gguf" as const, path } });

/** The same tensors in two shards with an index, head and embedding apart. */
function sharded(from: string): string {
  const dir = mkdtempSync(join(root, "sharded-"));
  cpSync(from, dir, { recursive: true });
  rmSync(join(dir, "model.safetensors"));
  const source = openSafetensors(join(from, "model.safetensors"));
  const shards = [new SafetensorsImage(), new SafetensorsImage()];
  const weight_map: Record<string, string> = {};
  for (const name of source.names) {
    const shard = name === "lm_head.weight" ? 1 : 0;
    (shards[shard] as SafetensorsImage).add(name, source.shape(name), source.floats(name));
    weight_map[name] = `model-0000${shard + 1}-of-00002.safetensors`;
  }
  for (const [i, image] of shards.entries())
    writeFileSync(join(dir, `model-0000${i + 1}-of-00002.safetensors`), image.bytes());
  writeFileSync(join(dir, "model.safetensors.index.json"), JSON.stringify({ metadata: {}, weight_map }));
  return dir;
}

describe("the head of its own is used", () => {
  test("from one file and from shards", async () => {
    expect(inspectModel(hf(own).base)).toMatchObject({ tiedHead: false });
    expect(await lossOf(hf(own))).toBeCloseTo(6.80396, 4);
    expect(await lossOf(hf(sharded(own)))).toBeCloseTo(6.80396, 4);
  });

  test("in merged weights, which say that it is not tied, and in a GGUF", async () => {
    const session = await openSession(settings(own));
    const merged = join(root, "merged");
    await session.exportMerged(merged, { dtype: "f32" });
    const path = join(root, "own.gguf");
    await session.exportGguf(path, { type: "F32", metadata: {} });
    await session.close();
    expect(JSON.parse(readFileSync(join(merged, "config.json"), "utf8")).tie_word_embeddings).toBe(false);
    expect(readGgufMetadata(path).tensors.map(({ name }) => name)).toContain("output.weight");
    for (const base of [hf(merged), gguf(path)]) {
      expect(inspectModel(base.base).tiedHead).toBe(false);
      expect(await lossOf(base)).toBeCloseTo(6.80396, 4);
    }
  });

  test("by a run with an adapter, over a quantised base too", async () => {
    const method = { kind: "lora" as const, rank: 4, alpha: 8, dropout: 0, rsLora: false, targets: ["q_proj"] };
    expect(await lossOf({ method })).toBeCloseTo(6.80396, 4);
    expect(await lossOf({ method, baseStorage: "int8" })).toBeCloseTo(6.80396, 1);
  });
});

test("the same values twice are one tensor, from folders, shards and GGUF files", async () => {
  for (const dir of [equal, sharded(equal)]) {
    expect(inspectModel(hf(dir).base).tiedHead).toBe(true);
    expect(await lossOf(hf(dir))).toBeCloseTo(5.59733, 4);
  }
  const session = await openSession(settings(equal));
  const path = join(root, "tied.gguf");
  await session.exportGguf(path, { type: "F32", metadata: {} });
  await session.close();
  expect(readGgufMetadata(path).tensors.map(({ name }) => name)).not.toContain("output.weight");
  expect(await lossOf(gguf(path))).toBeCloseTo(5.59733, 4);
});

test("a head of another width than the embedding is refused by name", () => {
  const dir = mkdtempSync(join(root, "narrow-"));
  cpSync(own, dir, { recursive: true });
  const source = openSafetensors(join(own, "model.safetensors"));
  const image = new SafetensorsImage();
  for (const name of source.names) {
    if (name === "lm_head.weight") image.add(name, [4, 8]);
    else image.add(name, source.shape(name), source.floats(name));
  }
  writeFileSync(join(dir, "model.safetensors"), image.bytes());
  expect(() => inspectModel(hf(dir).base)).toThrow(/lm_head\.weight has shape/);
});

test("shards beside a single file are refused: readers differ about which is the model", () => {
  const dir = sharded(own);
  cpSync(join(equal, "model.safetensors"), join(dir, "model.safetensors"));
  expect(() => inspectModel(hf(dir).base)).toThrow(/model\.safetensors beside the shards/);
});
