import type { TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { lora, modelDir, models, specOf, train, weightsDigest, withSession } from "./support.ts";

const trained = (spec: TrainingSpec) =>
  withSession(spec, async (session) => {
    const losses = await train(session, 0, 4);
    return { losses, digest: await weightsDigest(session) };
  });

describe("the same bits", () => {
  for (const model of models)
    for (const precision of ["f32", "bf16"] as const)
      for (const method of [{ kind: "full" as const }, { ...lora, dropout: 0.1 }]) {
        const spec = specOf({ base: { kind: "hf", dir: modelDir(model) }, precision, method });
        it(`${model}, ${precision}, ${method.kind}: with 1 and 2 threads, with and without checkpointing`, async () => {
          const one = await trained(spec);
          expect(await trained({ ...spec, threads: 2 })).toEqual(one);
          expect(await trained({ ...spec, gradientCheckpointing: true, threads: 2 })).toEqual(one);
        });
      }

  it("follow the seed: another one draws another dropout", async () => {
    const spec = specOf({ method: { ...lora, dropout: 0.1 } });
    expect((await trained({ ...spec, seed: 6 })).digest).not.toBe((await trained(spec)).digest);
  });
});
