// What must hold in every family, whatever its blocks: one result with any threads, recomputation or interruption, rows that do not see
// each other, and a cache that changes nothing.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { inspectModel, type Precision, type TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { fixtures } from "../../support/paths.ts";
import { logSoftmax } from "../../support/softmax.ts";
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

const goldens = join(fixtures, "goldens");
const families = readdirSync(goldens).filter((name) => !["quant", "tokenizers"].includes(name));
const dir = temporaryFolder();

/** All weights in float32, or an adapter on every linear (experts too) over bf16. */
function specsOf(family: string): [string, TrainingSpec][] {
  const base = { kind: "hf" as const, dir: join(goldens, family) };
  const adapted = { ...lora, targets: inspectModel(base).linearNames };
  const bf16: Precision = "bf16";
  return [
    ["full", specOf({ base })],
    ["lora", specOf({ base, precision: bf16, method: adapted })],
  ];
}

const trained = (spec: TrainingSpec) =>
  withSession(spec, async (session) => ({ losses: await train(session, 0, 2), digest: await weightsDigest(session) }));

describe.each(families)("%s", (family) => {
  for (const [method, spec] of specsOf(family)) {
    it(`${method}: the same bits with 1 and 2 threads, and with activations made again`, async () => {
      const one = await trained(spec);
      expect(await trained({ ...spec, threads: 2 })).toEqual(one);
      expect(await trained({ ...spec, threads: 2, gradientCheckpointing: "layer" })).toEqual(one);
      expect(await trained({ ...spec, gradientCheckpointing: "selective" })).toEqual(one);
    });

    it(`${method}: a resumed run ends with the weights of an undisturbed one`, async () => {
      const state = join(dir, `${family}-${method}`);
      const straight = await withSession(spec, async (session) => {
        await train(session, 0, 1);
        await session.saveState(state);
        return { losses: await train(session, 1, 2), digest: await weightsDigest(session) };
      });
      const resumed = await withSession({ ...spec, threads: 2 }, async (session) => {
        const { step } = await session.loadState(state);
        return { losses: await train(session, step, 2), digest: await weightsDigest(session) };
      });
      expect(resumed).toEqual(straight);
    });
  }

  it("rows end to end give the gradients of rows apart", async () => {
    await withSession(specOf({ base: { kind: "hf", dir: join(goldens, family) } }), async (session) => {
      const packed = batchOf([40, 7, 25, 2, 33]);
      const rows = [0, 1, 2, 3, 4].map((i) => sequenceOf(packed, i));
      const together = await session.gradients([packed]);
      const apart = await session.gradients(rows);
      expect(apart.loss).toBeCloseTo(together.loss, 5);
      for (const [i, { name, values }] of together.tensors.entries())
        expect(worstDifference(apart.tensors[i]?.values ?? new Float32Array(), values), name).toBeLessThan(1e-4);
    });
  });

  // One of three labels leaves more rows than products treat as few, one of nine does not.
  it.each([3, 9])("one label in %i gives the gradients of all labels with the others' weights 0", async (every) => {
    const base = { kind: "hf" as const, dir: join(goldens, family) };
    const adapted = { ...lora, targets: inspectModel(base).linearNames };
    for (const method of [{ kind: "full" as const }, adapted])
      await withSession(specOf({ base, method }), async (session) => {
        const whole = batchOf([40, 7, 25, 33]);
        const weights = Float32Array.from(whole.labels, (_, i) => (i % every === 0 ? 1 : 0));
        const labels = whole.labels.map((label, i) => (i % every === 0 ? label : -100));
        const weighed = await session.gradients([{ ...whole, weights }]);
        const masked = await session.gradients([{ ...whole, labels }]);
        expect(masked.loss).toBeCloseTo(weighed.loss, 5);
        for (const [i, { name, values }] of weighed.tensors.entries())
          expect(worstDifference(masked.tensors[i]?.values ?? new Float32Array(), values), name).toBeLessThan(1e-5);
      });
  });

  it("generates with its cache what it says without", async () => {
    await withSession(specOf({ base: { kind: "hf", dir: join(goldens, family) } }), async (session) => {
      const prompts = [batchOf([19], 3).tokens, batchOf([6], 4).tokens];
      const settings = { maxNewTokens: 14, temperature: 0, topK: 0, topP: 1, seed: 1, stopTokens: [], logprobs: 0 };
      const { sequences } = await session.generate({ prompts, ...settings });
      for (const [i, { tokens, logprobs }] of sequences.entries()) {
        const prompt = prompts[i] ?? new Int32Array();
        const whole = Int32Array.from([...prompt, ...tokens]);
        const { values, vocabSize } = await session.logits({
          tokens: whole,
          labels: whole,
          offsets: Int32Array.of(0, whole.length),
        });
        for (const [at, token] of tokens.entries()) {
          const row = (prompt.length - 1 + at) * vocabSize;
          const all = logSoftmax(values.slice(row, row + vocabSize));
          expect(all[token]).toBeCloseTo(Math.max(...all), 4);
          expect(logprobs?.[at]).toBeCloseTo(all[token] ?? Number.NaN, 4);
        }
      }
    });
  });
});
