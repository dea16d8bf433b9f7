// The load-balancing loss of routers: its value and gradients against transformers (tests/fixtures/router-balance/make.py made the
// numbers), and what training with it promises. The ops themselves are held to complex step in ops/expert/expert_ops_test.cc.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspectModel, type MicroBatch, type Session, type TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { fixtures } from "../../support/paths.ts";
import {
  batchOf,
  lora,
  sequenceOf,
  specOf,
  temporaryFolder,
  train,
  weightsDigest,
  withSession,
  worstDifference,
} from "./support.ts";

interface BalanceCase {
  family: string;
  loss: number;
  nll: number;
  routerAux: number;
  /** Of each tensor: norm, and sum of g[i] cos(i). */
  gradients: Record<string, [number, number]>;
}
const golden: { weight: number; cases: BalanceCase[] } = JSON.parse(
  readFileSync(join(fixtures, "router-balance", "cases.json"), "utf8"),
);
const families = golden.cases.map(({ family }) => family);
const dirOf = (family: string) => join(fixtures, "goldens", family);
const dir = temporaryFolder();

const specFor = (family: string, changes: Partial<TrainingSpec> = {}) =>
  specOf({ base: { kind: "hf", dir: dirOf(family) }, routerAuxWeight: golden.weight, ...changes });

/** The golden's three rows end to end. */
function rowsOf(family: string): MicroBatch {
  const { lengths, input_ids, labels } = JSON.parse(readFileSync(join(dirOf(family), "case.json"), "utf8"));
  const cut = (rows: number[][]) => Int32Array.from(rows.flatMap((row, i) => row.slice(0, lengths[i])));
  const offsets = [0];
  for (const length of lengths) offsets.push((offsets.at(-1) ?? 0) + length);
  return { tokens: cut(input_ids), labels: cut(labels), offsets: Int32Array.from(offsets) };
}

const relative = (got: number | undefined, want: number) => Math.abs((got ?? Number.NaN) - want) / Math.abs(want);

async function expectReference(session: Session, batches: MicroBatch[], want: BalanceCase) {
  const { loss, metrics, tensors } = await session.gradients(batches);
  expect(relative(loss, want.loss)).toBeLessThan(1e-5);
  expect(relative(metrics.nll, want.nll)).toBeLessThan(1e-5);
  expect(relative(metrics.routerAux, want.routerAux)).toBeLessThan(1e-5);
  const got = new Map(tensors.map(({ name, values }) => [name, values]));
  for (const [name, [norm, projection]] of Object.entries(want.gradients)) {
    const values = got.get(name) ?? new Float32Array();
    const own = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
    const along = values.reduce((sum, v, i) => sum + v * Math.cos(i), 0);
    expect(Math.abs(own - norm), name).toBeLessThan(1e-4 * norm);
    expect(Math.abs(along - projection), name).toBeLessThan(1e-4 * norm);
  }
  expect([...got.keys()].sort()).toEqual(Object.keys(want.gradients).sort());
}

describe.each(golden.cases)("$family", (want) => {
  const { family } = want;

  it("has the value and every gradient of the reference: rows packed, apart, and with activations made again", async () => {
    const rows = rowsOf(family);
    const apart = [0, 1, 2].map((i) => sequenceOf(rows, i));
    for (const gradientCheckpointing of ["none", "layer", "selective"] as const)
      await withSession(specFor(family, { gradientCheckpointing }), async (session) => {
        await expectReference(session, [rows], want);
        await expectReference(session, apart, want);
      });
  });

  for (const [method, changes] of [
    ["full", {}],
    [
      "lora",
      { precision: "bf16", method: { ...lora, targets: inspectModel({ kind: "hf", dir: dirOf(family) }).linearNames } },
    ],
    ["f16", { precision: "f16" }],
  ] satisfies [string, Partial<TrainingSpec>][]) {
    const spec = specFor(family, changes);

    it(`${method}: the same bits with 1 and 2 threads, with activations made again, and after a resume`, async () => {
      const trained = (other: Partial<TrainingSpec>) =>
        withSession({ ...spec, ...other }, async (session) => ({
          losses: await train(session, 0, 3),
          digest: await weightsDigest(session),
        }));
      const one = await trained({});
      expect(await trained({ threads: 2 })).toEqual(one);
      expect(await trained({ threads: 2, gradientCheckpointing: "layer" })).toEqual(one);
      expect(await trained({ gradientCheckpointing: "selective" })).toEqual(one);
      expect((await trained({ routerAuxWeight: 0 })).digest).not.toBe(one.digest);
      const state = join(dir, `${family}-${method}`);
      const first = await withSession(spec, async (session) => {
        const losses = await train(session, 0, 1);
        await session.saveState(state);
        return losses;
      });
      const resumed = await withSession(spec, async (session) => {
        const { step } = await session.loadState(state);
        return { losses: [...first, ...(await train(session, step, 3))], digest: await weightsDigest(session) };
      });
      expect(resumed).toEqual(one);
    });
  }

  it("spreads tokens more evenly the more it weighs", async () => {
    const spread = (routerAuxWeight: number) =>
      withSession(specFor(family, { routerAuxWeight }), async (session) => {
        const batch = batchOf([64, 64, 40]);
        for (let step = 0; step < 30; step++)
          await session.step({ microBatches: [batch], learningRate: 3e-3, clipNorm: 1, step });
        return (await session.measure([batch])).metrics;
      });
    const [weak, strong] = [await spread(1e-6), await spread(10)];
    expect(strong.routerAux).toBeLessThan(weak.routerAux ?? 0);
    // V3's loss looks at scores alone, while its bias too decides where tokens go.
    if (family !== "deepseek_v3") expect(strong.expertLoadMax).toBeLessThan(weak.expertLoadMax ?? 0);
    expect(strong.expertLoadMax).toBeGreaterThanOrEqual(1);
    expect(strong.expertLoadMin).toBeLessThanOrEqual(1);
  });

  it("leaves the supervised part of the loss as it is", async () => {
    const batches = [batchOf([40, 12], 1), batchOf([33], 2)];
    const measured = (routerAuxWeight: number) =>
      withSession(specFor(family, { routerAuxWeight }), (session) => session.measure(batches));
    const [plain, balanced] = [await measured(0), await measured(0.5)];
    // Without balance the last layer routes only tokens that are read: experts with few of them multiply in another order.
    expect(balanced.metrics.nll).toBeCloseTo(plain.metrics.nll ?? Number.NaN, 6);
    expect(plain.loss).toBe(plain.metrics.nll);
    expect(balanced.loss).toBeCloseTo(
      (balanced.metrics.nll ?? Number.NaN) + 0.5 * (balanced.metrics.routerAux ?? Number.NaN),
      10,
    );
  });
});

it("goes beside every objective, over the tokens it trains", async () => {
  const family = "qwen3_moe";
  const objective = { kind: "kto", beta: 0.1, desirableWeight: 1, undesirableWeight: 1 } as const;
  const batch = batchOf([30, 11, 24, 40]);
  const preference = (marks: number[]) => ({ ...batch, preference: Int8Array.from(marks) });
  const measured = (spec: TrainingSpec, batches: MicroBatch[]) =>
    withSession(spec, async (session) => {
      const { loss, metrics, tensors } = await session.gradients(batches);
      return { loss, aux: metrics.routerAux ?? Number.NaN, tensors };
    });
  const whole = await measured(specFor(family, { objective }), [preference([1, 0, 2, 2])]);
  const bare = await measured(specFor(family, { objective, routerAuxWeight: 0 }), [preference([1, 0, 2, 2])]);
  expect(whole.loss - bare.loss).toBeCloseTo(golden.weight * whole.aux, 5);
  // Sequences that only measure the divergence take no part.
  const two = { ...batchOf([30, 11]) };
  const sft = await measured(specFor(family), [two]);
  expect(sft.aux).toBeCloseTo(whole.aux, 5);
  const dpo = { kind: "dpo", beta: 0.1, labelSmoothing: 0 } as const;
  const pairs = await measured(specFor(family, { objective: dpo }), [batch]);
  const apart = await measured(specFor(family, { objective: dpo }), [
    { ...batchOf([30, 11]) },
    { tokens: batch.tokens.slice(41), labels: batch.labels.slice(41), offsets: Int32Array.of(0, 24, 64) },
  ]);
  expect(apart.loss).toBeCloseTo(pairs.loss, 5);
  for (const [i, { name, values }] of pairs.tensors.entries())
    expect(worstDifference(apart.tensors[i]?.values ?? new Float32Array(), values), name).toBeLessThan(1e-4);
});

it("is refused where there is nothing to balance, by its field", async () => {
  const refused = (spec: TrainingSpec) => expect(withSession(spec, async () => {})).rejects;
  await refused(specOf({ routerAuxWeight: 0.1 })).toMatchObject({
    code: "ENGINE_INVALID_ARGUMENT",
    message: expect.stringMatching(/spec\.routerAuxWeight.*llama has none/),
  });
});

it("is there for every family with experts", () => {
  expect(families).toEqual(["qwen3_moe", "deepseek_v2_lite", "deepseek_v2", "deepseek_v3"]);
});
