// What the trainer makes of held-out preferences from sums of log-probabilities is what the engine's objectives measure.
import { ObjectiveSpec } from "@anneal/contracts";
import type { MicroBatch, Session } from "@anneal/engine";
import { expect, it } from "vitest";
import { preferenceFigures, type ScoredExample } from "../../../apps/worker/src/trainer/evaluate/preference-figures.ts";
import { batchOf, lora, specOf, withSession } from "./support.ts";

const lengths = [12, 9, 15, 11, 10, 13];
const batch: MicroBatch = batchOf(lengths, 4);

async function examplesOf(session: Session, desirable: readonly boolean[]): Promise<ScoredExample[]> {
  const policy = (await session.evaluate([batch])).perSequence;
  const reference = (await session.evaluate([batch], { baseOnly: true })).perSequence;
  const score = (i: number) => ({
    policy: -(policy[i]?.loss ?? 0),
    reference: -(reference[i]?.loss ?? 0),
    tokens: policy[i]?.tokens ?? 0,
  });
  return desirable.map((liked, i) => ({ first: score(2 * i), second: score(2 * i + 1), desirable: liked }));
}

const kinds: Parameters<typeof ObjectiveSpec.parse>[0][] = [
  { kind: "dpo", beta: 0.3, labelSmoothing: 0.1 },
  { kind: "ipo", beta: 0.2 },
  { kind: "orpo", beta: 0.4 },
  { kind: "simpo", beta: 2, gamma: 0.5 },
  { kind: "kto", beta: 0.5, desirableWeight: 1.5, undesirableWeight: 0.5 },
];
it.each(kinds.map((kind) => ObjectiveSpec.parse(kind)))("$kind", async (objective) => {
  if (objective.kind === "distill") throw new Error("no preference");
  const desirable = [true, false, true];
  const marks = objective.kind === "kto" ? desirable.flatMap((liked) => [liked ? 1 : 0, 2]) : [1, 0, 1, 0, 1, 0];
  const marked = { ...batch, preference: Int8Array.from(marks) };
  await withSession(specOf({ method: lora, objective }), async (session) => {
    const before = preferenceFigures(objective, await examplesOf(session, desirable));
    for (let step = 0; step < 6; step++)
      await session.step({ microBatches: [marked], learningRate: 0.02, clipNorm: 1, step });
    const figures = preferenceFigures(objective, await examplesOf(session, desirable));
    const { loss, metrics } = await session.measure([marked]);
    expect(figures?.loss).toBeCloseTo(loss, 4);
    expect(figures?.rewardMargin).toBeCloseTo(metrics.rewardMargin ?? Number.NaN, 4);
    if (metrics.rewardAccuracy !== undefined) expect(figures?.rewardAccuracy).toBeCloseTo(metrics.rewardAccuracy, 6);
    expect(figures?.loss).toBeLessThan(before?.loss ?? 0);
  });
});
