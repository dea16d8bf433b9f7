// Learning from a file of a teacher's best log-probabilities: what it says, and that it is as good as the teacher itself.
import { join } from "node:path";
import { type DistillObjective, type MicroBatch, planTraining, type TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { logSoftmax } from "../../support/softmax.ts";
import {
  batchOf,
  lora,
  modelDir,
  sequenceOf,
  specOf,
  vocabulary,
  weightsDigest,
  withSession,
  worstDifference,
} from "./support.ts";

const student = { kind: "hf", dir: modelDir("qwen2") } as const;
const teacher = { kind: "hf", dir: modelDir("llama") } as const;
const rows = batchOf([40, 12, 25], 7);

/** What the teacher says of a batch, as its file would hold it. */
const askTeacher = (batch: MicroBatch, k: number): Promise<MicroBatch> =>
  withSession(specOf({ base: teacher, method: { ...lora, rank: 1, targets: ["q_proj"] } }), async (session) => ({
    ...batch,
    teacher: { ...(await session.bestTokens(batch, k)), k },
  }));

const distill = (changes: Partial<DistillObjective>): Partial<TrainingSpec> => ({
  base: student,
  objective: { kind: "distill", divergence: "forward_kl", temperature: 1.5, crossEntropyWeight: 0.25, ...changes },
});

describe("a teacher's best tokens", () => {
  it("are those of its logits, best first, for every supervised token", async () => {
    const k = 7;
    const { teacher: best } = await askTeacher(rows, k);
    await withSession(specOf({ base: teacher }), async (session) => {
      const { values } = await session.logits(rows);
      let row = 0;
      for (let s = 0; s + 1 < rows.offsets.length; s++)
        for (let t = (rows.offsets[s] ?? 0) + 1; t < (rows.offsets[s + 1] ?? 0); t++) {
          if (rows.labels[t] === -100) continue;
          const all = logSoftmax(values.slice((t - 1) * vocabulary, t * vocabulary));
          const order = Array.from(all.keys()).sort((a, b) => (all[b] ?? 0) - (all[a] ?? 0) || a - b);
          for (let j = 0; j < k; j++) {
            expect(best?.ids[row * k + j]).toBe(order[j]);
            expect(best?.logprobs[row * k + j]).toBeCloseTo(all[order[j] ?? 0] ?? Number.NaN, 5);
          }
          row++;
        }
      expect(best?.ids).toHaveLength(row * k);
    });
  });

  it("have the same bits with 2 threads, and are the base's own whatever its adapter says", async () => {
    const spec = specOf({ base: teacher, method: lora, adapter: join(modelDir("llama"), "adapter_after") });
    const fresh = await askTeacher(rows, 5);
    await withSession({ ...spec, threads: 2 }, async (session) => {
      expect(await session.bestTokens(rows, 5)).toEqual({ ids: fresh.teacher?.ids, logprobs: fresh.teacher?.logprobs });
      await expect(session.bestTokens(rows, 0)).rejects.toMatchObject({ message: expect.stringMatching(/^k: /) });
      await expect(session.bestTokens(rows, 161)).rejects.toMatchObject({
        message: expect.stringContaining("160 tokens"),
      });
    });
  });
});

describe("distillation from a file", () => {
  for (const divergence of ["forward_kl", "jsd"] as const)
    it(`${divergence}: all tokens of the file are as good as the teacher in memory, to 1e-5`, async () => {
      const file = await askTeacher(rows, vocabulary);
      const inMemory = await withSession(specOf(distill({ divergence, teacher })), (session) =>
        session.gradients([rows]),
      );
      await withSession(specOf(distill({ divergence, teacherTopK: vocabulary })), async (session) => {
        const fromFile = await session.gradients([file]);
        expect(Math.abs(fromFile.loss - inMemory.loss)).toBeLessThan(1e-5);
        expect(Math.abs((fromFile.metrics.divergence ?? Number.NaN) - (inMemory.metrics.divergence ?? 0))).toBeLessThan(
          1e-5,
        );
        for (const [i, { name, values }] of inMemory.tensors.entries())
          expect(worstDifference(fromFile.tensors[i]?.values ?? new Float32Array(), values), name).toBeLessThan(1e-4);
      });
    });

  it("takes the best for all: tempered, scaled to sum 1, every other token impossible", async () => {
    const [k, temperature] = [4, 2];
    const file = await askTeacher(rows, k);
    await withSession(specOf(distill({ teacherTopK: k, temperature, crossEntropyWeight: 0 })), async (session) => {
      const { values } = await session.logits(rows);
      let [row, sum] = [0, 0];
      for (let s = 0; s + 1 < rows.offsets.length; s++)
        for (let t = (rows.offsets[s] ?? 0) + 1; t < (rows.offsets[s + 1] ?? 0); t++) {
          if (rows.labels[t] === -100) continue;
          const mine = logSoftmax(
            values.slice((t - 1) * vocabulary, t * vocabulary).map((logit) => logit / temperature),
          );
          const best = Array.from({ length: k }, (_, j) => (file.teacher?.logprobs[row * k + j] ?? 0) / temperature);
          const total = Math.log(best.reduce((mass, logprob) => mass + Math.exp(logprob), 0));
          for (const [j, logprob] of best.entries()) {
            const id = file.teacher?.ids[row * k + j] ?? -1;
            sum += Math.exp(logprob - total) * (logprob - total - (mine[id] ?? Number.NaN));
          }
          row++;
        }
      const { loss } = await session.measure([file]);
      expect(loss).toBeCloseTo(sum / row, 5);
    });
  });

  it("accumulates as one batch, trains with the same bits on 2 threads, and learns", async () => {
    const file = await askTeacher(rows, 8);
    const apart = await Promise.all([0, 1, 2].map((i) => askTeacher(sequenceOf(rows, i), 8)));
    const spec = specOf(distill({ teacherTopK: 8, crossEntropyWeight: 0 }));
    await withSession(spec, async (session) => {
      const whole = await session.gradients([file]);
      const parts = await session.gradients(apart);
      expect(parts.loss).toBeCloseTo(whole.loss, 5);
      for (const [i, { name, values }] of whole.tensors.entries())
        expect(worstDifference(parts.tensors[i]?.values ?? new Float32Array(), values), name).toBeLessThan(1e-4);
    });
    const trained = (changes: Partial<TrainingSpec>) =>
      withSession({ ...spec, ...changes }, async (session) => {
        const losses: number[] = [];
        for (let step = 0; step < 8; step++)
          losses.push((await session.step({ microBatches: [file], learningRate: 3e-3, clipNorm: 1, step })).loss);
        return { losses, digest: await weightsDigest(session) };
      });
    const one = await trained({});
    expect(one.losses.at(-1)).toBeLessThan(0.8 * (one.losses[0] ?? 0));
    expect(await trained({ threads: 2, gradientCheckpointing: "layer" })).toEqual(one);
  });

  it("plans no second model, but what micro-batches bring", () => {
    const bytes = (changes: Partial<DistillObjective>) => planTraining(specOf(distill(changes))).parts.reference;
    expect(bytes({ teacherTopK: 16 })).toBe(2 * 256 * 16 * 8);
    expect(bytes({ teacherTopK: 16 })).toBeLessThan(0.2 * bytes({ teacher }));
  });

  it("names what does not go together", async () => {
    const file = await askTeacher(rows, 4);
    const open = (changes: Partial<DistillObjective>, batch?: MicroBatch) =>
      expect(withSession(specOf(distill(changes)), (session) => Promise.resolve(batch && session.gradients([batch]))))
        .rejects;
    await open({ teacherTopK: 4, teacher }).toMatchObject({
      message: expect.stringContaining("spec.objective.teacherTopK"),
    });
    await open({ teacherTopK: 161 }).toMatchObject({ message: expect.stringContaining("160 tokens") });
    await open({ teacherTopK: 4, divergence: "reverse_kl" }).toMatchObject({
      message: expect.stringContaining("spec.objective.divergence"),
    });
    await open({ teacherTopK: 4 }, rows).toMatchObject({
      message: expect.stringMatching(/microBatches\[0\]\.teacher: is missing/),
    });
    await open({ teacherTopK: 5 }, file).toMatchObject({ message: expect.stringMatching(/teacher\.k: is 4/) });
    const short = { ...file, teacher: { ids: new Int32Array(4), logprobs: new Float32Array(4), k: 4 } };
    await open({ teacherTopK: 4 }, short).toMatchObject({
      message: expect.stringMatching(/teacher\.ids: must hold k values for each supervised token/),
    });
  });
});
