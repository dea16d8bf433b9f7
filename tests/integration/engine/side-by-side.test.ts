// Several adapters in one pass: each must come out as if it had trained alone.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MicroBatch, Optimizer, Session, TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { openSafetensors } from "../../support/safetensors.ts";
import { batchOf, lora, modelDir, specOf, temporaryFolder, withSession } from "./support.ts";

const dir = temporaryFolder();
const optimizer: Optimizer = { kind: "adamw", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01 };
const adapters = [
  { name: "one", rank: 4, alpha: 8, seed: 3, learningRate: 3e-3, clipNorm: 1 },
  { name: "two", rank: 8, alpha: 4, seed: 9, learningRate: 1e-3, clipNorm: 0.3 },
  { name: "three", rank: 2, alpha: 16, seed: 4, learningRate: 5e-3, clipNorm: 0 },
];
const specs = adapters.map(({ name, rank, alpha, seed }) => ({ name, rank, alpha, seed }));
const steps = 4;

/** Data of an adapter at a step; each has lengths of its own, all above the number of rows that products treat as few. */
const dataOf = (adapter: number, step: number): MicroBatch[] =>
  [0, 1].map((part) => batchOf([20 + 3 * adapter + step, 17 + adapter], 100 * adapter + 2 * step + part));

function joined(batches: MicroBatch[]): MicroBatch {
  const offsets = [0];
  for (const { tokens, offsets: own } of batches) {
    const at = offsets.at(-1) ?? 0;
    expect(own.at(-1)).toBe(tokens.length);
    for (const offset of own.slice(1)) offsets.push(at + offset);
  }
  return {
    tokens: Int32Array.from(batches.flatMap(({ tokens }) => [...tokens])),
    labels: Int32Array.from(batches.flatMap(({ labels }) => [...labels])),
    offsets: Int32Array.from(offsets),
    adapters: Int32Array.from(batches.flatMap(({ offsets: own }, adapter) => Array(own.length - 1).fill(adapter))),
  };
}

async function together(session: Session, from = 0, to = steps) {
  const curves: { loss: number; gradNorm: number }[][] = [];
  for (let step = from; step < to; step++) {
    const result = await session.step({
      microBatches: [0, 1].map((part) => joined(adapters.map((_, i) => dataOf(i, step)[part] as MicroBatch))),
      learningRate: 0,
      clipNorm: 0,
      step,
      adapters: adapters.map(({ learningRate, clipNorm }) => ({ learningRate, clipNorm })),
    });
    curves.push((result.adapters ?? []).map(({ loss, gradNorm }) => ({ loss, gradNorm })));
  }
  return curves;
}

async function alone(changes: Partial<TrainingSpec>, dropout: number, index: number) {
  const adapter = adapters[index];
  if (!adapter) throw new Error("no such adapter");
  const { rank, alpha, seed, learningRate, clipNorm, name } = adapter;
  const out = join(dir, `alone-${name}`);
  return withSession(
    specOf({ ...changes, method: { ...lora, rank, alpha, dropout }, optimizer, seed }),
    async (session) => {
      const curve: { loss: number; gradNorm: number }[] = [];
      for (let step = 0; step < steps; step++) {
        const result = await session.step({ microBatches: dataOf(index, step), learningRate, clipNorm, step });
        curve.push({ loss: result.loss, gradNorm: result.gradNorm });
      }
      await session.exportAdapter(out);
      return { curve, file: readFileSync(join(out, "adapter_model.safetensors")) };
    },
  );
}

describe("adapters side by side", () => {
  for (const precision of ["f32", "bf16", "f16"] as const)
    for (const dropout of [0, 0.2])
      it(`${precision}, dropout ${dropout}: each has the bits of training alone, with 1 and 2 threads, recomputed or not`, async () => {
        const spec = specOf({ precision, method: { ...lora, dropout }, optimizer, adapters: specs });
        for (const changes of [
          {},
          { threads: 2, gradientCheckpointing: "selective" as const },
          { gradientCheckpointing: true },
        ])
          await withSession({ ...spec, ...changes }, async (session) => {
            const curves = await together(session);
            for (const [i, { name }] of adapters.entries()) {
              const want = await alone({ precision }, dropout, i);
              expect(curves.map((step) => step[i])).toEqual(want.curve);
              const out = join(dir, `together-${name}`);
              await session.exportAdapter(out, { adapter: name });
              expect(readFileSync(join(out, "adapter_model.safetensors")).equals(want.file), name).toBe(true);
            }
          });
      });

  it("holds the base once: memory grows by the adapters alone", () =>
    withSession(specOf({ method: lora, adapters: specs.slice(0, 1) }), async (one) => {
      await withSession(specOf({ method: lora, adapters: specs }), async (three) => {
        expect(three.plan.parts.weights).toBe(one.plan.parts.weights);
        expect(three.plan.parts.activations).toBeLessThan(1.1 * one.plan.parts.activations);
        await together(three, 0, 1);
        expect(three.memory().arenaPeakBytes).toBeLessThanOrEqual(three.plan.totalBytes);
      });
    }));

  it("resumes exactly, and lets an adapter without data rest", async () => {
    const spec = specOf({ method: lora, optimizer, adapters: specs });
    const path = join(dir, "state");
    const end = (session: Session) => session.saveState(join(dir, "end"));
    const straight = await withSession(spec, async (session) => {
      await together(session, 0, 2);
      await session.saveState(path);
      await together(session, 2);
      return end(session);
    });
    const resumed = await withSession({ ...spec, threads: 2 }, async (session) => {
      await session.loadState(path);
      const name = "base_model.model.model.layers.0.mlp.up_proj.lora_B.two.weight";
      const before = (await session.weights(name)).values;
      const only = { ...(dataOf(0, 9)[0] as MicroBatch), adapters: Int32Array.of(0, 0) };
      const { adapters: parts } = await session.step({
        microBatches: [only],
        learningRate: 1e-3,
        clipNorm: 1,
        step: 2,
      });
      expect(parts?.map(({ supervisedTokens }) => supervisedTokens > 0)).toEqual([true, false, false]);
      expect((await session.weights(name)).values).toEqual(before);
      await session.loadState(path);
      await together(session, 2);
      return end(session);
    });
    expect(resumed).toEqual(straight);
  });

  it("goes on from an adapter of its own each, as each would alone", async () => {
    const folders = adapters.map(({ name }) => join(dir, `start-${name}`));
    const first = specOf({ method: lora, optimizer, adapters: specs });
    await withSession(first, async (session) => {
      await together(session, 0, 2);
      for (const [i, { name }] of adapters.entries()) await session.exportAdapter(folders[i] ?? "", { adapter: name });
    });
    // The third one is fresh.
    const started = specs.map((own, i) => (i < 2 ? { ...own, from: folders[i] ?? "" } : own));
    const spec = specOf({ method: lora, optimizer, adapters: started });
    const state = join(dir, "started-state");
    const straight = await withSession(spec, async (session) => {
      const before = (await session.logits({ ...batchOf([30]), adapters: Int32Array.of(1) })).values;
      await withSession(specOf({ method: { ...lora, rank: 8, alpha: 4 }, adapter: folders[1] ?? "" }), async (own) => {
        expect((await own.logits(batchOf([30]))).values).toEqual(before);
      });
      const curves = await together(session, 0, 2);
      await session.saveState(state);
      curves.push(...(await together(session, 2)));
      for (const [i, { name }] of adapters.entries()) {
        const want = await alone(i < 2 ? { adapter: folders[i] ?? "" } : {}, 0, i);
        expect(curves.map((step) => step[i])).toEqual(want.curve);
        const out = join(dir, `went-on-${name}`);
        await session.exportAdapter(out, { adapter: name });
        expect(readFileSync(join(out, "adapter_model.safetensors")).equals(want.file), name).toBe(true);
      }
      return session.saveState(join(dir, "started-end"));
    });
    const resumed = await withSession(spec, async (session) => {
      await session.loadState(state);
      await together(session, 2);
      return session.saveState(join(dir, "started-end"));
    });
    expect(resumed).toEqual(straight);
    const wrong = started.map((own, i) => (i === 1 ? { ...own, rank: 4 } : own));
    await expect(withSession({ ...spec, adapters: wrong }, async () => {})).rejects.toMatchObject({
      code: "ENGINE_INVALID_ARGUMENT",
      message: expect.stringMatching(/spec\.adapters\.two.*r 8/),
    });
  });

  it("answers, measures and merges with the adapter that is named", () =>
    withSession(specOf({ method: lora, optimizer, adapters: specs }), async (session) => {
      await together(session);
      const batch = batchOf([30]);
      const logits = new Map<string, Float32Array>();
      for (const [i, { name, rank, alpha }] of adapters.entries()) {
        const { values } = await session.logits({ ...batch, adapters: Int32Array.of(i) });
        logits.set(name, values);
        const out = join(dir, `named-${name}`);
        await session.exportAdapter(out, { adapter: name });
        expect(openSafetensors(join(out, "adapter_model.safetensors")).names[0]).not.toContain(name);
        await withSession(specOf({ method: { ...lora, rank, alpha }, adapter: out }), async (own) => {
          expect((await own.logits(batch)).values).toEqual(values);
          const request = {
            prompts: [batch.tokens.slice(0, 9)],
            maxNewTokens: 6,
            temperature: 0,
            topK: 0,
            topP: 1,
            seed: 0,
            stopTokens: [],
          };
          const [mine] = (await own.generate(request)).sequences;
          const [theirs] = (await session.generate({ ...request, adapter: name })).sequences;
          expect(theirs?.tokens).toEqual(mine?.tokens);
        });
        const merged = join(dir, `merged-${name}`);
        await session.exportMerged(merged, { dtype: "f32", adapter: name });
        await withSession(specOf({ base: { kind: "hf", dir: merged } }), async (own) => {
          (await own.logits(batch)).values.forEach((v, at) => {
            expect(Math.abs(v - (values[at] ?? Number.NaN))).toBeLessThan(2e-4);
          });
        });
      }
      expect(logits.get("one")).not.toEqual(logits.get("two"));
    }));

  it("refuses what does not fit, by its field", async () => {
    const refused = (changes: Partial<TrainingSpec>, field: RegExp) =>
      expect(withSession(specOf({ method: lora, adapters: specs, ...changes }), async () => {})).rejects.toMatchObject({
        code: "ENGINE_INVALID_ARGUMENT",
        message: expect.stringMatching(field),
      });
    await refused({ method: { kind: "full" } }, /spec\.adapters/);
    await refused({ method: { ...lora, dora: true } }, /spec\.method\.dora/);
    await refused({ objective: { kind: "orpo", beta: 0.1 } }, /spec\.objective\.kind/);
    await refused({ adapter: join(modelDir("llama"), "adapter_init") }, /spec\.adapter/);
    await refused({ adapters: [specs[0], specs[0]] as typeof specs }, /twice/);
    await refused({ adapters: [{ name: "a/b", rank: 4, alpha: 8, seed: 1 }] }, /adapters\[0\]\.name/);
    await withSession(specOf({ method: lora, adapters: specs }), async (session) => {
      const step = (batch: MicroBatch) =>
        session.step({ microBatches: [batch], learningRate: 1e-3, clipNorm: 1, step: 0 });
      await expect(step(batchOf([20]))).rejects.toMatchObject({
        message: expect.stringContaining("microBatches[0].adapters"),
      });
      for (const wrong of [[1, 0], [0, 3], [0]])
        await expect(step({ ...batchOf([20, 20]), adapters: Int32Array.from(wrong) })).rejects.toMatchObject({
          message: expect.stringContaining("microBatches[0].adapters"),
        });
      await expect(session.exportAdapter(join(dir, "none"), { adapter: "four" })).rejects.toMatchObject({
        message: expect.stringContaining("options.adapter"),
      });
    });
  });
});
