// What the precisions beyond f32 and bf16, the optimizers and freezing promise, through a session.
import { join } from "node:path";
import { type Optimizer, planTraining, type TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { demoFiles } from "../../../demo/spec.ts";
import { repoRoot } from "../../support/paths.ts";
import { batchOf, lora, specOf, train, weightsDigest, withSession } from "./support.ts";

const optimizers: Optimizer[] = [
  { kind: "adamw", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01 },
  { kind: "adamw8bit", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01 },
  { kind: "lion", beta1: 0.9, beta2: 0.99, weightDecay: 0.01 },
  { kind: "adafactor", decay: -0.8, epsilon1: 1e-30, epsilon2: 1e-3, clipThreshold: 1, weightDecay: 0.01 },
  { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 0.01 },
];
const rates: Record<Optimizer["kind"], number> = {
  adamw: 3e-3,
  adamw8bit: 3e-3,
  lion: 5e-4,
  adafactor: 5e-2,
  sgd: 0.3,
};

/** Losses of one batch seen again and again. */
async function memorise(spec: TrainingSpec, learningRate: number, steps: number) {
  return withSession(spec, async (session) => {
    const losses: number[] = [];
    for (let step = 0; step < steps; step++)
      losses.push((await session.step({ microBatches: [batchOf([40, 24])], learningRate, clipNorm: 1, step })).loss);
    return { losses, digest: await weightsDigest(session), plan: session.plan };
  });
}

describe("optimizers and precisions", () => {
  for (const optimizer of optimizers)
    for (const precision of ["f32", "bf16", "bf16_sr", "f16"] as const)
      it(`${optimizer.kind}, ${precision}: the loss falls, with the same bits on 2 threads`, async () => {
        const spec = specOf({ optimizer, precision });
        const one = await memorise(spec, rates[optimizer.kind], 10);
        expect(one.losses.at(-1)).toBeLessThan((one.losses[0] ?? 0) - 0.3);
        const two = await memorise(
          { ...spec, threads: 2, gradientCheckpointing: "selective" },
          rates[optimizer.kind],
          10,
        );
        expect({ losses: two.losses, digest: two.digest }).toEqual({ losses: one.losses, digest: one.digest });
      });

  it("plans the memory of what is kept: 8-bit moments, factored ones, none without masters", () => {
    const base = { kind: "gguf" as const, path: join(repoRoot, "demo", demoFiles.base) };
    const bytes = (changes: Partial<TrainingSpec>) => planTraining(specOf({ base, ...changes })).parts.optimizer;
    const [adamw = 0, coded, lion, factored] = optimizers.slice(0, 4).map((optimizer) => bytes({ optimizer }));
    expect(coded).toBeLessThan(0.27 * adamw);
    expect(lion).toBeLessThan(0.51 * adamw);
    expect(factored).toBeLessThan(0.02 * adamw);
    // A master of 4 bytes beside 8 of moments.
    expect(bytes({ precision: "bf16_sr" })).toBeLessThan(0.67 * bytes({ precision: "bf16" }));
  });

  it("stays within the plan in each of them", async () => {
    for (const optimizer of optimizers)
      for (const precision of ["bf16_sr", "f16"] as const)
        await withSession(specOf({ optimizer, precision, gradientCheckpointing: "selective" }), async (session) => {
          await session.step({ microBatches: [batchOf([64, 64, 64, 64])], learningRate: 1e-3, clipNorm: 1, step: 0 });
          expect(session.memory().arenaPeakBytes).toBeLessThanOrEqual(session.plan.totalBytes);
        });
  });

  it("bf16_sr keeps bf16 weights only, yet moves by less than their spacing", async () => {
    const spec = specOf({
      precision: "bf16_sr",
      optimizer: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
    });
    await withSession(spec, async (session) => {
      const name = "model.layers.0.mlp.up_proj.weight";
      const before = (await session.weights(name)).values;
      await session.step({ microBatches: [batchOf([40])], learningRate: 1e-3, clipNorm: 0, step: 0 });
      const after = (await session.weights(name)).values;
      const { tensors } = await session.gradients([batchOf([40])]);
      const gradient = tensors.find((t) => t.name === name)?.values ?? new Float32Array();
      let moved = 0;
      let along = 0;
      const bits = new Uint32Array(after.buffer, after.byteOffset, after.length);
      for (let i = 0; i < after.length; i++) {
        expect((bits[i] ?? 1) & 0xffff).toBe(0);
        const change = (after[i] ?? 0) - (before[i] ?? 0);
        if (change !== 0) moved++;
        along += change * (gradient[i] ?? 0);
      }
      expect(moved).toBeGreaterThan(0);
      expect(moved).toBeLessThan(after.length / 2);
      expect(along).toBeLessThan(0);
    });
  });

  it("f16 halves its scale and leaves out the step when a gradient overflows, and says so", async () => {
    await withSession(
      specOf({ precision: "f16", objective: { kind: "sft", labelSmoothing: 0, zLoss: 6 } }),
      async (session) => {
        const ordinary = { microBatches: [batchOf([40, 24])], learningRate: 1e-3, clipNorm: 1 };
        const first = await session.step({ ...ordinary, step: 0 });
        expect(first).toMatchObject({ lossScale: 65536, skipped: false });
        const before = await weightsDigest(session);
        // One supervised token in all: its gradient is not averaged away, and with so much z-loss 65536 times it does not fit f16.
        const lone = batchOf([40]);
        lone.labels.fill(-100);
        lone.labels[20] = lone.tokens[20] ?? 0;
        const skipped = await session.step({ ...ordinary, microBatches: [lone], step: 1 });
        expect(skipped).toMatchObject({ lossScale: 65536, skipped: true });
        expect(await weightsDigest(session)).toBe(before);
        expect(await session.step({ ...ordinary, step: 2 })).toMatchObject({ lossScale: 32768, skipped: false });
        expect(await weightsDigest(session)).not.toBe(before);
      },
    );
  });

  it("f16 gradients are those of f32 to f16's rounding", async () => {
    const gradients = (precision: "f32" | "f16") =>
      withSession(specOf({ precision }), async (session) => (await session.gradients([batchOf([40, 24])])).tensors);
    const [half, full] = [await gradients("f16"), await gradients("f32")];
    for (const [i, { name, values }] of half.entries()) {
      const want = full[i]?.values ?? new Float32Array();
      const norm = Math.sqrt(want.reduce((sum, v) => sum + v * v, 0));
      const off = Math.sqrt(values.reduce((sum, v, j) => sum + (v - (want[j] ?? 0)) ** 2, 0));
      expect(off, name).toBeLessThan(5e-3 * norm);
      expect(off, name).toBeGreaterThan(0);
    }
  });
});

describe("freezing", () => {
  it("keeps what a pattern names and trains the rest", () =>
    withSession(
      specOf({ method: { kind: "full", freeze: ["model.embed_tokens.*", "*.layers.0.*"] } }),
      async (session) => {
        const names = session.trainableNames();
        expect(names.some((name) => name.includes("layers.0.") || name.includes("embed"))).toBe(false);
        expect(names).toContain("model.layers.1.mlp.up_proj.weight");
        const frozen = "model.layers.0.mlp.up_proj.weight";
        const before = (await session.weights(frozen)).values;
        await train(session, 0, 2);
        expect((await session.weights(frozen)).values).toEqual(before);
      },
    ));

  it("has the gradients of full training where both train", async () => {
    const gradients = (freeze: string[]) =>
      withSession(
        specOf({ method: { kind: "full", freeze } }),
        async (session) => (await session.gradients([batchOf([40])])).tensors,
      );
    const all = new Map((await gradients([])).map((t) => [t.name, t.values]));
    for (const { name, values } of await gradients(["*norm*", "*embed*", "*.q_proj.*"]))
      expect(values, name).toEqual(all.get(name));
  });

  it("refuses a pattern that names nothing, and one that leaves nothing", async () => {
    const open = (freeze: string[]) => withSession(specOf({ method: { kind: "full", freeze } }), async () => {});
    await expect(open(["model.layer.0.*"])).rejects.toMatchObject({
      message: expect.stringContaining("method.freeze"),
    });
    await expect(open(["*"])).rejects.toMatchObject({ message: expect.stringContaining("leaves nothing") });
  });
});

it("a value no field knows is refused with those it does know", async () => {
  const open = (changes: object) => withSession({ ...specOf(), ...changes } as TrainingSpec, async () => {});
  await expect(open({ precision: "fp8" })).rejects.toMatchObject({
    message: expect.stringMatching(/spec\.precision.*"bf16_sr"/),
  });
  await expect(open({ optimizer: { kind: "muon", weightDecay: 0 } })).rejects.toMatchObject({
    message: expect.stringMatching(/spec\.optimizer\.kind.*"lion"/),
  });
  await expect(open({ objective: { kind: "ppo" } })).rejects.toMatchObject({
    message: expect.stringMatching(/spec\.objective\.kind.*"simpo"/),
  });
  await expect(open({ gradientCheckpointing: "some" })).rejects.toMatchObject({
    message: expect.stringMatching(/gradientCheckpointing.*"selective"/),
  });
  await expect(open({ routerAuxWeight: 0.1, method: lora })).rejects.toMatchObject({
    message: expect.stringContaining("routerAuxWeight"),
  });
});
