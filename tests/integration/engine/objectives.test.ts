// Every objective's loss, figures and gradients against torch autograd (tests/fixtures/objectives/make.py made the numbers).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MicroBatch, Objective, Session, TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { fixtures } from "../../support/paths.ts";
import { batchOf, lora, modelDir, specOf, temporaryFolder, weightsDigest, withSession } from "./support.ts";

interface ObjectiveCase {
  name: string;
  objective: Objective;
  batch: {
    sequences: [number[], number[]][];
    preference?: number[];
    weights?: number[][];
    teacher?: { ids: number[]; logprobs: number[]; k: number };
  };
  loss: number;
  metrics: Record<string, number>;
  /** Of each tensor: norm, and sum of g[i] cos(i). */
  gradients: Record<string, [number, number]>;
}
const golden: { cases: ObjectiveCase[] } = JSON.parse(readFileSync(join(fixtures, "objectives", "llama.json"), "utf8"));

function packed({ sequences, preference, weights, teacher }: ObjectiveCase["batch"]): MicroBatch {
  const offsets = [0];
  for (const [tokens] of sequences) offsets.push((offsets.at(-1) ?? 0) + tokens.length);
  return {
    tokens: Int32Array.from(sequences.flatMap(([tokens]) => tokens)),
    labels: Int32Array.from(sequences.flatMap(([, labels]) => labels)),
    offsets: Int32Array.from(offsets),
    ...(preference ? { preference: Int8Array.from(preference) } : {}),
    ...(weights ? { weights: Float32Array.from(weights.flat()) } : {}),
    ...(teacher ? { teacher: ofSupervised(sequences, teacher) } : {}),
  };
}

/** The fixture has the teacher's guess after every token; a micro-batch brings those of supervised tokens, each made one token before. */
function ofSupervised(
  sequences: ObjectiveCase["batch"]["sequences"],
  teacher: { ids: number[]; logprobs: number[]; k: number },
) {
  const { k } = teacher;
  let first = 0;
  const rows: number[] = [];
  for (const [, labels] of sequences) {
    labels.forEach((label, t) => {
      if (t > 0 && label !== -100) rows.push(first + t - 1);
    });
    first += labels.length;
  }
  const pick = (values: number[]) => rows.flatMap((row) => values.slice(row * k, (row + 1) * k));
  return { ids: Int32Array.from(pick(teacher.ids)), logprobs: Float32Array.from(pick(teacher.logprobs)), k };
}

const spec = (objective: Objective, changes: Partial<TrainingSpec> = {}) =>
  specOf({
    method: lora,
    adapter: join(modelDir("llama"), "adapter_after"),
    objective,
    maxTokensPerMicroBatch: 512,
    ...changes,
  });

/** Two micro-batches of a case, split between pairs. */
function halves({ batch, objective }: ObjectiveCase): MicroBatch[] {
  const at = objective.kind === "kto" ? 3 : 2;
  const part = (from: number, to?: number) =>
    packed({
      sequences: batch.sequences.slice(from, to),
      ...(batch.preference ? { preference: batch.preference.slice(from, to) } : {}),
      ...(batch.weights ? { weights: batch.weights.slice(from, to) } : {}),
    });
  return [part(0, at), part(at)];
}

const states = temporaryFolder();
/** A session that started from the base and stands where the fixture's policy does: what it is compared with is its start. */
async function withPolicy<T>(objective: Objective, use: (session: Session) => Promise<T>): Promise<T> {
  const state = join(states, "policy");
  await withSession(spec(objective), (session) => session.saveState(state));
  return withSession(spec(objective, { adapter: undefined }), async (session) => {
    await session.loadState(state);
    return use(session);
  });
}

const relative = (got: number, want: number) => Math.abs(got - want) / Math.max(1e-3, Math.abs(want));

async function expectGradients(session: Session, batches: MicroBatch[], want: ObjectiveCase) {
  const { loss, metrics, tensors } = await session.gradients(batches);
  expect(relative(loss, want.loss)).toBeLessThan(1e-5);
  for (const [name, value] of Object.entries(want.metrics))
    expect(relative(metrics[name] ?? Number.NaN, value)).toBeLessThan(2e-5);
  expect(tensors.map((tensor) => tensor.name).sort()).toEqual(Object.keys(want.gradients).sort());
  for (const { name, values } of tensors) {
    const [norm, projection] = want.gradients[name] ?? [Number.NaN, Number.NaN];
    const own = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
    const along = values.reduce((sum, v, i) => sum + v * Math.cos(i), 0);
    expect(Math.abs(own - norm), name).toBeLessThan(1e-4 * norm);
    expect(Math.abs(along - projection), name).toBeLessThan(1e-4 * norm);
  }
}

describe("objectives against torch", () => {
  for (const objectiveCase of golden.cases) {
    it(objectiveCase.name, () =>
      withPolicy(objectiveCase.objective, async (session) => {
        await expectGradients(session, [packed(objectiveCase.batch)], objectiveCase);
        const { loss } = await session.measure([packed(objectiveCase.batch)]);
        expect(relative(loss, objectiveCase.loss)).toBeLessThan(1e-5);
        // Accumulation is the big batch.
        if (!objectiveCase.batch.teacher) await expectGradients(session, halves(objectiveCase), objectiveCase);
      }),
    );
  }
});

describe("training on an objective", () => {
  const { batch } = golden.cases.find(({ name }) => name === "dpo") as ObjectiveCase;
  const microBatches = [packed(batch)];
  const step = (at: number) => ({ microBatches, learningRate: 2e-3, clipNorm: 1, step: at });

  for (const objective of [
    { kind: "dpo", beta: 0.1, labelSmoothing: 0 },
    { kind: "ipo", beta: 0.1 },
    { kind: "orpo", beta: 0.5 },
    { kind: "simpo", beta: 2, gamma: 0.5 },
    { kind: "kto", beta: 0.1, desirableWeight: 1, undesirableWeight: 1 },
  ] as const)
    it(`${objective.kind}: the margin grows, full and with an adapter, with the same bits on 2 threads and recomputed`, async () => {
      for (const method of [{ kind: "full" as const }, lora]) {
        const run = (changes: Partial<TrainingSpec>) =>
          withSession(specOf({ method, objective, maxTokensPerMicroBatch: 512, ...changes }), async (session) => {
            const margins: number[] = [];
            for (let at = 0; at < 6; at++)
              margins.push((await session.step(step(at))).metrics.rewardMargin ?? Number.NaN);
            return { margins, digest: await weightsDigest(session) };
          });
        const one = await run({});
        expect(one.margins.at(-1)).toBeGreaterThan((one.margins[0] ?? 0) + 0.01);
        expect(await run({ threads: 2, gradientCheckpointing: "selective" })).toEqual(one);
      }
    });

  it("starts without a margin: the reference is what training starts from", () =>
    withSession(
      specOf({ objective: { kind: "dpo", beta: 0.1, labelSmoothing: 0 }, maxTokensPerMicroBatch: 512 }),
      async (session) => {
        const { loss, metrics } = await session.step(step(0));
        expect(loss).toBeCloseTo(Math.log(2), 6);
        expect(metrics.rewardMargin).toBeCloseTo(0, 6);
      },
    ));

  it("distillation brings a full student nearer to its teacher", () =>
    withSession(
      specOf({
        objective: {
          kind: "distill",
          divergence: "forward_kl",
          temperature: 1,
          crossEntropyWeight: 0,
          teacher: { kind: "hf", dir: modelDir("llama"), adapter: join(modelDir("llama"), "adapter_after") },
        },
      }),
      async (session) => {
        const batches = [batchOf([40, 30], 3)];
        const losses: number[] = [];
        for (let at = 0; at < 8; at++)
          losses.push((await session.step({ microBatches: batches, learningRate: 2e-3, clipNorm: 1, step: at })).loss);
        expect(losses.at(-1)).toBeLessThan(0.7 * (losses[0] ?? 0));
      },
    ));

  it("NEFTune's noise follows seed and step, and is not there when measuring", async () => {
    const run = (seed: number, neftuneAlpha: number) =>
      withSession(specOf({ seed, neftuneAlpha, method: lora }), async (session) => {
        const quiet = await session.measure([batchOf([40, 20])]);
        const first = await session.step({ microBatches: [batchOf([40, 20])], learningRate: 0, clipNorm: 0, step: 0 });
        const second = await session.step({ microBatches: [batchOf([40, 20])], learningRate: 0, clipNorm: 0, step: 1 });
        return { quiet: quiet.loss, first: first.loss, second: second.loss };
      });
    const noisy = await run(5, 5);
    expect(await run(5, 5)).toEqual(noisy);
    expect(noisy.first).not.toBe(noisy.second);
    expect((await run(6, 5)).first).not.toBe(noisy.first);
    const without = await run(5, 0);
    expect(without.first).toBe(without.second);
    expect(without.quiet).toBe(noisy.quiet);
  });

  it("names what an objective cannot use", async () => {
    const refused = async (objective: Objective, batches: MicroBatch[], field: RegExp) =>
      withSession(spec(objective), async (session) => {
        await expect(session.gradients(batches)).rejects.toMatchObject({
          code: "ENGINE_INVALID_ARGUMENT",
          message: expect.stringMatching(field),
        });
      });
    const dpo: Objective = { kind: "dpo", beta: 0.1, labelSmoothing: 0 };
    await refused(dpo, [batchOf([20, 20, 20])], /microBatches\[0\]\.offsets/);
    await refused(dpo, [{ ...batchOf([20, 20]), preference: Int8Array.of(0, 1) }], /microBatches\[0\]\.preference/);
    await refused(dpo, [{ ...batchOf([20, 20]), weights: new Float32Array(40) }], /microBatches\[0\]\.weights/);
    await refused(
      { kind: "kto", beta: 0.1, desirableWeight: 1, undesirableWeight: 1 },
      [batchOf([20])],
      /microBatches\[0\]\.preference/,
    );
    await refused(
      { kind: "sft", labelSmoothing: 0, zLoss: 0 },
      [{ ...batchOf([20]), weights: new Float32Array(20) }],
      /weight 0/,
    );
    await refused(
      { kind: "sft", labelSmoothing: 0, zLoss: 0 },
      [{ ...batchOf([20]), weights: new Float32Array(19) }],
      /weights/,
    );
    const [best] = golden.cases.filter(({ name }) => name.includes("from the best"));
    if (!best) throw new Error("the fixture has no case from the best log-probabilities");
    const reverse = { kind: "distill", divergence: "reverse_kl", temperature: 1, crossEntropyWeight: 0 } as const;
    await refused(reverse, [packed(best.batch)], /spec\.objective\.divergence/);
  });
});
