// Several adapters in one pass over models with experts: a router sends each adapter's tokens where it would if that adapter trained alone,
// and its experts' products are of those tokens only. With routers balanced, each balances over its own tokens.
import { join } from "node:path";
import { inspectModel, type MicroBatch, type Session, type TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { fixtures } from "../../../support/paths.ts";
import { batchOf, lora, specOf, temporaryFolder, withSession, worstDifference } from "../support.ts";
import {
  adapterFile,
  adapters,
  alone,
  type CurvePoint,
  dataOf,
  expectSameAnswer,
  joined,
  optimizer,
  specs,
  together,
} from "./side-by-side-support.ts";

const dir = temporaryFolder();
const families = ["qwen3_moe", "deepseek_v2_lite", "deepseek_v2", "deepseek_v3"];
const baseOf = (family: string) => ({ kind: "hf" as const, dir: join(fixtures, "goldens", family) });

function specFor(family: string, changes: Partial<TrainingSpec> = {}): Partial<TrainingSpec> {
  const base = baseOf(family);
  return { base, optimizer, method: { ...lora, targets: inspectModel(base).linearNames }, ...changes };
}

/** Every adapter's curve and file are those of training alone. */
async function expectAlone(session: Session, curves: CurvePoint[][], spec: Partial<TrainingSpec>) {
  for (const [i, { name }] of adapters.entries()) {
    const want = await alone(spec, 0, i, join(dir, "alone"));
    expect(
      curves.map((step) => step[i]),
      name,
    ).toEqual(want.curve);
    if (spec.routerAuxWeight) expect(Math.min(...want.curve.map(({ routerAux = 0 }) => routerAux))).toBeGreaterThan(0);
    const out = join(dir, `together-${name}`);
    await session.exportAdapter(out, { adapter: name });
    expect(adapterFile(out).equals(want.file), name).toBe(true);
  }
}

describe.each(families)("%s", (family) => {
  for (const [precision, routerAuxWeight] of [
    ["f32", 0],
    ["f32", 0.05],
    ["bf16", 0.05],
    ["f16", 0],
  ] as const)
    it(`${precision}, balancing ${routerAuxWeight}: each has the bits of training alone, with 1 and 2 threads, recomputed or not`, async () => {
      const own = specFor(family, { precision, routerAuxWeight });
      for (const changes of [
        {},
        { threads: 2, gradientCheckpointing: "selective" as const },
        { gradientCheckpointing: true },
      ])
        await withSession(specOf({ ...own, ...changes, adapters: specs }), async (session) => {
          await expectAlone(session, await together(session), own);
          expect(session.memory().arenaPeakBytes).toBeLessThanOrEqual(session.plan.totalBytes);
        });
    });

  it("layers beside the experts alone, too", async () => {
    const own = specFor(family, { method: { ...lora, targets: ["o_proj"] }, routerAuxWeight: 0.05 });
    await withSession(specOf({ ...own, adapters: specs }), async (session) =>
      expectAlone(session, await together(session), own),
    );
  });

  it("an adapter without a trained token in a micro-batch takes no part in it, as alone", async () => {
    const own = specFor(family, { routerAuxWeight: 0.05 });
    const [first, second] = [0, 1].map((part) => adapters.map((_, i) => dataOf(i, 0)[part] as MicroBatch));
    if (!first || !second) throw new Error("no data");
    const mute = (batch: MicroBatch) => ({ ...batch, labels: new Int32Array(batch.labels.length).fill(-100) });
    const silent = second.map((batch, i) => (i === 1 ? mute(batch) : batch));
    const parts = await withSession(specOf({ ...own, adapters: specs }), async (session) => {
      const { tensors } = await session.gradients([joined(first), joined(silent)]);
      return tensors;
    });
    for (const [i, { name, rank, alpha, seed }] of adapters.entries()) {
      const method = { ...lora, rank, alpha, targets: inspectModel(baseOf(family)).linearNames };
      const { tensors } = await withSession(specOf({ ...own, method, seed }), (session) =>
        session.gradients([first[i] as MicroBatch, silent[i] as MicroBatch]),
      );
      const mine = parts.filter((tensor) => tensor.name.endsWith(`.${name}.weight`));
      expect(mine.map(({ values }) => values)).toEqual(tensors.map(({ values }) => values));
    }
  });

  it("each gradient is the slope of its own adapter's loss", async () => {
    const sgd = { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 } as const;
    const spec = specOf({ ...specFor(family, { routerAuxWeight: 0.05 }), optimizer: sgd, adapters: specs });
    const batches = [0, 1].map((part) => joined(adapters.map((_, i) => dataOf(i, 0)[part] as MicroBatch)));
    await withSession(spec, async (session) => {
      const step = (number: number, rates: number[]) =>
        session.step({
          microBatches: batches,
          learningRate: 0,
          clipNorm: 0,
          step: number,
          adapters: rates.map((learningRate) => ({ learningRate, clipNorm: 0 })),
        });
      // Away from B = 0, where A has no gradient.
      for (let number = 0; number < 3; number++)
        await step(
          number,
          adapters.map(() => 0.3),
        );
      const state = join(dir, `${family}-slope`);
      await session.saveState(state);
      for (const [i, { name }] of adapters.entries()) {
        await session.loadState(state);
        const before = await step(
          3,
          adapters.map((_, k) => (k === i ? 3e-2 : 0)),
        );
        const after = await step(
          4,
          adapters.map(() => 0),
        );
        const slope = (before.adapters?.[i]?.gradNorm ?? Number.NaN) ** 2;
        const fell = (before.adapters?.[i]?.loss ?? Number.NaN) - (after.adapters?.[i]?.loss ?? Number.NaN);
        expect(Math.abs(fell / (3e-2 * slope) - 1), name).toBeLessThan(0.05);
        for (const k of adapters.keys()) if (k !== i) expect(after.adapters?.[k]).toEqual(before.adapters?.[k]);
      }
    });
  });

  it("resumes exactly", async () => {
    const spec = specOf({ ...specFor(family, { routerAuxWeight: 0.05 }), adapters: specs });
    const state = join(dir, `${family}-state`);
    const end = (session: Session) => session.saveState(join(dir, "end"));
    const straight = await withSession(spec, async (session) => {
      await together(session, 0, 2);
      await session.saveState(state);
      await together(session, 2);
      return end(session);
    });
    const resumed = await withSession({ ...spec, threads: 2 }, async (session) => {
      await session.loadState(state);
      await together(session, 2);
      return end(session);
    });
    expect(resumed).toEqual(straight);
  });

  it("answers, merges and goes on with the adapter that is named", async () => {
    const own = specFor(family);
    const batch = batchOf([30]);
    const folders = adapters.map(({ name }) => join(dir, `${family}-${name}`));
    await withSession(specOf({ ...own, adapters: specs }), async (session) => {
      await together(session);
      for (const [i, { name, rank, alpha }] of adapters.entries()) {
        const { values } = await session.logits({ ...batch, adapters: Int32Array.of(i) });
        const out = folders[i] ?? "";
        await session.exportAdapter(out, { adapter: name });
        const method = { ...lora, rank, alpha, targets: inspectModel(baseOf(family)).linearNames };
        await withSession(specOf({ ...own, method, adapter: out }), async (single) => {
          expect((await single.logits(batch)).values).toEqual(values);
          await expectSameAnswer(session, name, single, batch);
        });
        const merged = join(dir, `${family}-merged-${name}`);
        await session.exportMerged(merged, { dtype: "f32", adapter: name });
        await withSession(specOf({ base: { kind: "hf", dir: merged } }), async (single) => {
          expect(worstDifference((await single.logits(batch)).values, values)).toBeLessThan(2e-4);
        });
      }
    });
    const started = specs.map((one, i) => ({ ...one, from: folders[i] ?? "" }));
    await withSession(specOf({ ...own, adapters: started }), async (session) => {
      const curves = await together(session);
      for (const i of adapters.keys()) {
        const want = await alone({ ...own, adapter: folders[i] ?? "" }, 0, i, join(dir, "alone"));
        expect(curves.map((step) => step[i])).toEqual(want.curve);
      }
    });
  });
});
