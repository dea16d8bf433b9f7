// DoRA and LoRA+ against PEFT: five steps from an adapter that PEFT wrote, then the folder that goes back to it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { openSafetensors } from "../../../support/model-files/safetensors.ts";
import { fixtures } from "../../../support/paths.ts";
import { batchOf, lora, modelDir, specOf, temporaryFolder, train, weightsDigest, withSession } from "../support.ts";

interface DoraCase {
  rank: number;
  alpha: number;
  targets: string[];
  learningRate: number;
  loraPlusRatio: number;
  losses: number[];
  gradNorms: number[];
  after: Record<string, [number[], number, number]>;
}
const { dora }: { dora: DoraCase } = JSON.parse(readFileSync(join(fixtures, "objectives", "llama.json"), "utf8"));
const golden: { input_ids: number[][]; labels: number[][]; lengths: number[] } = JSON.parse(
  readFileSync(join(modelDir("llama"), "case.json"), "utf8"),
);
const dir = temporaryFolder();

const method = { ...lora, dora: true };
const peftSpec: TrainingSpec = specOf({
  method: {
    ...method,
    rank: dora.rank,
    alpha: dora.alpha,
    targets: dora.targets,
    loraPlusRatio: dora.loraPlusRatio,
  },
  optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0 },
  adapter: join(fixtures, "objectives", "dora_init"),
});
const microBatches = golden.lengths.map((length, row) => ({
  tokens: Int32Array.from(golden.input_ids[row]?.slice(0, length) ?? []),
  labels: Int32Array.from(golden.labels[row]?.slice(0, length) ?? []),
  offsets: Int32Array.of(0, length),
}));

describe("DoRA", () => {
  it("trains as PEFT does, with LoRA+'s rate for B and magnitudes, and exports what PEFT reads", () =>
    withSession(peftSpec, async (session) => {
      for (const [step, loss] of dora.losses.entries()) {
        const result = await session.step({ microBatches, learningRate: dora.learningRate, clipNorm: 1, step });
        expect(result.loss).toBeCloseTo(loss, 4);
        expect(result.gradNorm).toBeCloseTo(dora.gradNorms[step] ?? 0, 4);
      }
      const out = join(dir, "trained");
      await session.exportAdapter(out);
      const written = openSafetensors(join(out, "adapter_model.safetensors"));
      expect([...written.names].sort()).toEqual(Object.keys(dora.after).sort());
      for (const [name, [shape, norm, projection]] of Object.entries(dora.after)) {
        const values = written.floats(name);
        expect(written.shape(name)).toEqual(shape);
        const own = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
        const along = values.reduce((sum, v, i) => sum + v * Math.cos(i), 0);
        expect(Math.abs(own - norm), name).toBeLessThan(1e-3 * norm);
        expect(Math.abs(along - projection), name).toBeLessThan(1e-3 * norm);
      }
      const config = JSON.parse(readFileSync(join(out, "adapter_config.json"), "utf8"));
      expect(config).toMatchObject({ use_dora: true, r: dora.rank });

      // The merged folder answers as the session does, and so does a session that starts from the exported adapter.
      const batch = batchOf([30]);
      const { values: logits } = await session.logits(batch);
      const merged = join(dir, "merged");
      await session.exportMerged(merged, { dtype: "f32" });
      const same = (spec: TrainingSpec) =>
        withSession(spec, async (other) => {
          const { values } = await other.logits(batch);
          values.forEach((v, i) => {
            expect(Math.abs(v - (logits[i] ?? Number.NaN))).toBeLessThan(2e-4);
          });
        });
      await same(specOf({ base: { kind: "hf", dir: merged } }));
      await same({ ...peftSpec, adapter: out });
    }));

  for (const precision of ["f32", "bf16"] as const)
    it(`${precision}: a fresh adapter changes nothing; the same bits with 2 threads and recomputed`, async () => {
      const spec = specOf({ precision, method });
      const batch = batchOf([30, 20]);
      const base = await withSession(specOf({ precision, method: lora }), (s) => s.measure([batch]));
      const fresh = await withSession(spec, (s) => s.measure([batch]));
      expect(Math.abs(fresh.loss - base.loss)).toBeLessThan(precision === "f32" ? 1e-5 : 2e-2);
      const run = (changes: Partial<TrainingSpec>) =>
        withSession({ ...spec, ...changes }, async (session) => ({
          losses: await train(session, 0, 3),
          digest: await weightsDigest(session),
        }));
      const one = await run({});
      expect(await run({ threads: 2 })).toEqual(one);
      expect(await run({ gradientCheckpointing: "layer" })).toEqual(one);
      expect(await run({ gradientCheckpointing: "selective", threads: 2 })).toEqual(one);
    });

  it("stands on a frozen base in blocks", () =>
    withSession(specOf({ method, baseStorage: "int8" }), async (session) => {
      const losses = await train(session, 0, 6);
      for (const loss of losses) expect(Number.isFinite(loss)).toBe(true);
    }));

  it("refuses dropout, and an adapter without magnitudes", async () => {
    await expect(withSession(specOf({ method: { ...method, dropout: 0.1 } }), async () => {})).rejects.toMatchObject({
      code: "ENGINE_INVALID_ARGUMENT",
      message: expect.stringContaining("method.dropout"),
    });
    const plain = join(modelDir("llama"), "adapter_init");
    await expect(
      withSession(specOf({ method: { ...method, targets: dora.targets }, adapter: plain }), async () => {}),
    ).rejects.toMatchObject({ message: expect.stringContaining("DoRA") });
  });
});
