// Several adapters in one pass: each must come out as if it had trained alone.
import { join } from "node:path";
import type { MicroBatch, Session, TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { openSafetensors } from "../../../support/model-files/safetensors.ts";
import { batchOf, lora, modelDir, specOf, temporaryFolder, withSession } from "../support.ts";
import {
  adapterFile,
  adapters,
  alone,
  dataOf,
  expectSameAnswer,
  optimizer,
  specs,
  together,
} from "./side-by-side-support.ts";

const dir = temporaryFolder();
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
              const want = await alone({ precision }, dropout, i, join(dir, `alone-${name}`));
              expect(curves.map((step) => step[i])).toEqual(want.curve);
              const out = join(dir, `together-${name}`);
              await session.exportAdapter(out, { adapter: name });
              expect(adapterFile(out).equals(want.file), name).toBe(true);
            }
          });
      });

  for (const [what, changes] of [
    ["noise on the embeddings", { neftuneAlpha: 5 }],
    ["weights rounded at random", { precision: "bf16_sr" }],
  ] satisfies [string, Partial<TrainingSpec>][])
    it(`${what}: each draws as it would alone`, () =>
      withSession(specOf({ ...changes, method: lora, optimizer, adapters: specs }), async (session) => {
        const curves = await together(session);
        for (const [i, { name }] of adapters.entries()) {
          const want = await alone(changes, 0, i, join(dir, "alone"));
          expect(curves.map((step) => step[i])).toEqual(want.curve);
          const out = join(dir, `drawn-${name}`);
          await session.exportAdapter(out, { adapter: name });
          expect(adapterFile(out).equals(want.file), name).toBe(true);
        }
      }));

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
        const want = await alone(i < 2 ? { adapter: folders[i] ?? "" } : {}, 0, i, join(dir, "alone"));
        expect(curves.map((step) => step[i])).toEqual(want.curve);
        const out = join(dir, `went-on-${name}`);
        await session.exportAdapter(out, { adapter: name });
        expect(adapterFile(out).equals(want.file), name).toBe(true);
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
          await expectSameAnswer(session, name, own, batch);
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
