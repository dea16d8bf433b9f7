import { EngineError } from "@anneal/engine";
import { expect, it } from "vitest";
import { batchOf, specOf, weightsDigest, withSession } from "./support.ts";

const step = { microBatches: [batchOf([30, 20])], learningRate: 1e-2, clipNorm: 1, step: 0 };

it("a loss above maxLoss updates nothing, and the step can be taken without the limit", () =>
  withSession(specOf(), async (session) => {
    const before = await weightsDigest(session);
    const refused = session.step({ ...step, maxLoss: 1 });
    await expect(refused).rejects.toBeInstanceOf(EngineError);
    await expect(refused).rejects.toMatchObject({
      code: "ENGINE_NUMERIC",
      message: expect.stringContaining("above 1"),
    });
    expect(await weightsDigest(session)).toBe(before);
    expect((await session.step({ ...step, maxLoss: 100 })).loss).toBeGreaterThan(1);
    expect(await weightsDigest(session)).not.toBe(before);
  }));

it("gradients can be computed for their loss alone", () =>
  withSession(specOf(), async (session) => {
    const whole = await session.gradients(step.microBatches);
    const rehearsed = await session.gradients(step.microBatches, { lossOnly: true });
    expect(whole.tensors.length).toBeGreaterThan(10);
    expect(rehearsed).toEqual({ ...whole, tensors: [] });
  }));
