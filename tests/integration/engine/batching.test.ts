import { describe, expect, it } from "vitest";
import { batchOf, lora, modelDir, models, sequenceOf, specOf, withSession, worstDifference } from "./support.ts";

const lengths = [40, 7, 25, 2, 33];

describe("packing and accumulation", () => {
  for (const model of models)
    for (const method of [{ kind: "full" as const }, lora])
      it(`${model}, ${method.kind}: rows end to end, apart, or in other groups give the same gradients`, async () => {
        await withSession(specOf({ base: { kind: "hf", dir: modelDir(model) }, method }), async (session) => {
          const packed = batchOf(lengths);
          const rows = lengths.map((_, i) => sequenceOf(packed, i));
          const together = await session.gradients([packed]);
          const apart = await session.gradients(rows);
          expect(apart.loss).toBeCloseTo(together.loss, 5);
          for (const [i, tensor] of together.tensors.entries())
            expect(
              worstDifference(apart.tensors[i]?.values ?? new Float32Array(), tensor.values),
              tensor.name,
            ).toBeLessThan(1e-4);
        });
      });

  it("a sequence does not see its neighbours, and its positions start anew", async () => {
    await withSession(specOf(), async (session) => {
      const packed = batchOf(lengths);
      const all = await session.logits(packed);
      for (const [i, length] of lengths.entries()) {
        const alone = await session.logits(sequenceOf(packed, i));
        const from = (packed.offsets[i] ?? 0) * all.vocabSize;
        const same = all.values.subarray(from, from + length * all.vocabSize);
        expect(worstDifference(alone.values, same), `sequence ${i}`).toBeLessThan(1e-5);
      }
    });
  });

  it("a step is normalised by the trained tokens of all its micro-batches together", async () => {
    await withSession(specOf(), async (session) => {
      const packed = batchOf(lengths);
      const rows = lengths.map((_, i) => sequenceOf(packed, i));
      const { lossSum, supervisedTokens, perSequence } = await session.evaluate(rows);
      const step = await session.step({ microBatches: rows, learningRate: 0, clipNorm: 0, step: 0 });
      expect(step.supervisedTokens).toBe(supervisedTokens);
      expect(step.loss).toBeCloseTo(lossSum / supervisedTokens, 6);
      expect(perSequence.map((s) => s.tokens)).toEqual(
        rows.map((row) => row.labels.subarray(1).filter((label) => label >= 0).length),
      );
    });
  });

  it("refuses what is no batch, with the field's name", async () => {
    await withSession(specOf(), async (session) => {
      const good = batchOf([20]);
      const outside = { ...good, tokens: good.tokens.map((t, i) => (i === 3 ? 160 : t)) };
      const unlabelled = { ...good, labels: good.labels.map(() => -100) };
      const uneven = { ...good, offsets: Int32Array.of(0, 30) };
      const step = (microBatches: (typeof good)[]) =>
        session.step({ microBatches, learningRate: 1e-3, clipNorm: 1, step: 0 });
      await expect(step([outside])).rejects.toMatchObject({
        code: "ENGINE_INVALID_ARGUMENT",
        message: expect.stringContaining("microBatches[0]"),
      });
      await expect(step([unlabelled])).rejects.toMatchObject({ code: "ENGINE_INVALID_ARGUMENT" });
      await expect(step([uneven])).rejects.toMatchObject({ code: "ENGINE_INVALID_ARGUMENT" });
      await expect(step([])).rejects.toMatchObject({ code: "ENGINE_INVALID_ARGUMENT" });
      await expect(step([batchOf([65])])).rejects.toMatchObject({ code: "ENGINE_INVALID_ARGUMENT" });
    });
  });
});
