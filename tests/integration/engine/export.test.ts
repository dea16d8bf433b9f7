import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type GgufExportType, inspectModel, readGgufMetadata, type TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import {
  batchOf,
  lora,
  modelDir,
  models,
  specOf,
  temporaryFolder,
  train,
  withSession,
  worstDifference,
} from "./support.ts";

const dir = temporaryFolder();
const batch = batchOf([40, 20], 99);
const logitsOf = (spec: TrainingSpec) => withSession(spec, async (session) => (await session.logits(batch)).values);

// What a type of so few bits may lose on these tiny models, relative to the largest logit.
const loss: Record<GgufExportType, number> = {
  F32: 1e-6,
  F16: 2e-3,
  BF16: 2e-2,
  Q8_0: 3e-2,
  Q4_0: 0.6,
  Q4_K_M: 0.5,
  Q5_K_M: 0.3,
  Q6_K: 0.1,
};

describe("what a session writes", () => {
  for (const model of models)
    for (const method of [{ kind: "full" as const }, { ...lora, rsLora: true }]) {
      const spec = specOf({ base: { kind: "hf", dir: modelDir(model) }, method });
      const at = (name: string) => join(dir, `${model}-${method.kind}-${name}`);

      it(`${model}, ${method.kind}: GGUF and merged weights read back as the trained model`, async () => {
        const trained = await withSession(spec, async (session) => {
          await train(session, 0, 3);
          for (const type of Object.keys(loss) as GgufExportType[])
            await session.exportGguf(at(`${type}.gguf`), { type, metadata: { "general.name": "a test" } });
          await session.exportMerged(at("merged"), { dtype: "f32" });
          if (method.kind === "lora") await session.exportAdapter(at("adapter"), { baseModelName: "base" });
          return (await session.logits(batch)).values;
        });
        const base = await logitsOf(spec);
        expect(worstDifference(base, trained)).toBeGreaterThan(0.02); // three steps moved it
        for (const [type, allowed] of Object.entries(loss)) {
          const path = at(`${type}.gguf`);
          const back = await logitsOf({ ...spec, base: { kind: "gguf", path }, method: { kind: "full" } });
          expect(worstDifference(back, trained), type).toBeLessThan(allowed);
          expect(readGgufMetadata(path).metadata["general.name"]).toBe("a test");
        }
        const merged = await logitsOf({ ...spec, base: { kind: "hf", dir: at("merged") }, method: { kind: "full" } });
        expect(worstDifference(merged, trained)).toBeLessThan(1e-5);
        expect(inspectModel({ kind: "hf", dir: at("merged") }).family).toBe(model);
        if (method.kind === "full") return;
        const adapted = await logitsOf({ ...spec, adapter: at("adapter") });
        expect(worstDifference(adapted, trained)).toBeLessThan(1e-6);
        const config = JSON.parse(readFileSync(join(at("adapter"), "adapter_config.json"), "utf8"));
        expect(config).toMatchObject({ peft_type: "LORA", r: 4, lora_alpha: 8, use_rslora: true });
      });
    }

  it("an adapter of another rank is refused, with both ranks", async () => {
    const spec = specOf({ method: lora });
    const adapter = join(dir, "rank4");
    await withSession(spec, (session) => session.exportAdapter(adapter));
    await expect(
      withSession({ ...spec, method: { ...lora, rank: 8 }, adapter }, async () => undefined),
    ).rejects.toMatchObject({ message: expect.stringMatching(/4.*8|8.*4/) });
  });

  it("weights frozen in a GGUF come back with the same bytes, types and tokenizer", async () => {
    const first = join(dir, "first.gguf");
    const second = join(dir, "second.gguf");
    const metadata = {
      "tokenizer.ggml.model": "gpt2",
      "tokenizer.ggml.tokens": Array.from({ length: 160 }, (_, i) => `t${i}`),
    };
    await withSession(specOf(), (session) => session.exportGguf(first, { type: "F16", metadata }));
    await withSession(specOf({ base: { kind: "gguf", path: first }, method: lora }), (session) =>
      session.exportGguf(second, { type: "F16", metadata: {} }),
    );
    expect(readGgufMetadata(second).metadata["tokenizer.ggml.tokens"]).toEqual(metadata["tokenizer.ggml.tokens"]);
    expect(readGgufMetadata(second).tensors).toEqual(readGgufMetadata(first).tensors);
    const tail = (path: string) => readFileSync(path).subarray(-20_000);
    expect(tail(second).equals(tail(first))).toBe(true);
  });
});
