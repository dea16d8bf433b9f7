// Preferences that go on from an adapter are measured against the model that training started from, not against the bare base.
import { join } from "node:path";
import { type Objective, openSession, planTraining, type Session, type TrainingSpec } from "@anneal/engine";
import { describe, expect, it, test } from "vitest";
import { batchOf, lora, modelDir, specOf, temporaryFolder, withSession } from "./support.ts";

const root = temporaryFolder();
const start = join(modelDir("llama"), "adapter_after");
const pairs = { ...batchOf([12, 9, 15, 11], 4), preference: Int8Array.of(1, 0, 1, 0) };
const marks = { ...batchOf([12, 9, 15, 11], 4), preference: Int8Array.of(1, 2, 0, 2) };
const kinds: { objective: Objective; loss: number }[] = [
  { objective: { kind: "dpo", beta: 0.1, labelSmoothing: 0 }, loss: Math.log(2) },
  { objective: { kind: "dpo", beta: 0.5, labelSmoothing: 0.2 }, loss: Math.log(2) },
  { objective: { kind: "ipo", beta: 0.1 }, loss: 25 },
  { objective: { kind: "ipo", beta: 0.25 }, loss: 4 },
  { objective: { kind: "kto", beta: 0.1, desirableWeight: 1, undesirableWeight: 1 }, loss: 0.5 },
];
const batchFor = ({ kind }: Objective) => (kind === "kto" ? marks : pairs);
const specFrom = (objective: Objective, changes: Partial<TrainingSpec> = {}) =>
  specOf({ method: lora, adapter: start, objective, ...changes });

async function stepsOf(session: Session, objective: Objective, from: number, to: number) {
  const told: { loss: number; margin: number }[] = [];
  for (let step = from; step < to; step++) {
    const { loss, metrics } = await session.step({
      microBatches: [batchFor(objective)],
      learningRate: 5e-3,
      clipNorm: 1,
      step,
    });
    told.push({ loss, margin: metrics.rewardMargin ?? Number.NaN });
  }
  return told;
}

/** A DoRA adapter of one more than one step, which a run of plain answers left. */
async function trainedDora(): Promise<string> {
  const dir = join(root, "dora");
  await withSession(specOf({ method: { ...lora, dora: true } }), async (session) => {
    for (let step = 0; step < 4; step++)
      await session.step({ microBatches: [batchOf([30, 20], step)], learningRate: 0.02, clipNorm: 1, step });
    await session.exportAdapter(dir);
  });
  return dir;
}

describe.each(kinds)("$objective.kind, beta $objective.beta", ({ objective, loss }) => {
  it.each([
    ["f32", {}],
    ["bf16", { precision: "bf16" }],
    ["f16", { precision: "f16" }],
    ["a quantised base", { baseStorage: "int8" }],
    ["two threads", { threads: 2 }],
  ] as [string, Partial<TrainingSpec>][])("rewards nothing before the first update: %s", async (_, changes) => {
    await withSession(specFrom(objective, changes), async (session) => {
      const [first] = await stepsOf(session, objective, 0, 1);
      // Log-probabilities of a whole answer have fewer digits in the narrow types' passes with and without activations kept.
      expect(first?.loss).toBeCloseTo(loss, loss > 1 ? 3 : 5);
      expect(first?.margin).toBeCloseTo(0, 4);
    });
  });

  it("goes on after a pause with the reference of its start", async () => {
    const whole = await withSession(specFrom(objective), (session) => stepsOf(session, objective, 0, 6));
    expect(whole.at(-1)?.margin).toBeGreaterThan(0.005);
    const state = join(root, `state-${objective.kind}`);
    const first = await withSession(specFrom(objective), async (session) => {
      const told = await stepsOf(session, objective, 0, 3);
      await session.saveState(state);
      return told;
    });
    const rest = await withSession(specFrom(objective), async (session) => {
      await session.loadState(state);
      return stepsOf(session, objective, 3, 6);
    });
    expect([...first, ...rest]).toEqual(whole);
  });

  it("agrees with full training from the merged weights about where it starts", async () => {
    const merged = join(root, `merged-${objective.kind}`);
    const policy = await withSession(specFrom(objective), async (session) => {
      await session.exportMerged(merged);
      return (await session.evaluate([batchFor(objective)])).lossSum;
    });
    await withSession(specOf({ base: { kind: "hf", dir: merged }, objective }), async (session) => {
      expect((await session.evaluate([batchFor(objective)])).lossSum).toBeCloseTo(policy, 2);
      const [first] = await stepsOf(session, objective, 0, 1);
      expect(first?.loss).toBeCloseTo(loss, loss > 1 ? 3 : 5);
    });
  });

  it("from an adapter with DoRA", async () => {
    const changes = { method: { ...lora, dora: true }, adapter: await trainedDora() };
    await withSession(specFrom(objective, changes), async (session) => {
      const before = (await session.evaluate([pairs])).lossSum;
      expect((await session.evaluate([pairs], { baseOnly: true })).lossSum).not.toBeCloseTo(before, 1);
      const [first, , third] = await stepsOf(session, objective, 0, 3);
      expect(first?.loss).toBeCloseTo(loss, loss > 1 ? 3 : 5);
      expect(third?.margin).toBeGreaterThan(0);
    });
  });
});

test("the plan counts the copy of the adapter that stays as it was", () => {
  const [{ objective }] = kinds as [(typeof kinds)[number]];
  const from = planTraining(specFrom(objective));
  const fresh = planTraining(specFrom(objective, { adapter: undefined }));
  expect(fresh.parts.reference).toBe(0);
  expect(from.parts.reference).toBe(from.parts.adapter);
  // What a whole page leaves over counts as the runtime's.
  const placed = ({ totalBytes, parts }: typeof from) => totalBytes - parts.runtime;
  expect(placed(from) - placed(fresh)).toBe(from.parts.reference);
});

test("experts' adapters are kept too", async () => {
  const base = { kind: "hf" as const, dir: join(modelDir("llama"), "..", "qwen3_moe") };
  const method = { ...lora, targets: ["q_proj", "gate_proj", "up_proj", "down_proj"] };
  const dir = join(root, "experts");
  await withSession(specOf({ base, method }), async (session) => {
    for (let step = 0; step < 4; step++)
      await session.step({ microBatches: [batchOf([30, 20], step)], learningRate: 0.02, clipNorm: 1, step });
    await session.exportAdapter(dir);
  });
  const [{ objective }] = kinds as [(typeof kinds)[number]];
  const session = await openSession(specFrom(objective, { base, method, adapter: dir }));
  const [first, , third] = await stepsOf(session, objective, 0, 3);
  expect(first?.loss).toBeCloseTo(Math.log(2), 5);
  expect(third?.margin).toBeGreaterThan(0);
  await session.close();
});
