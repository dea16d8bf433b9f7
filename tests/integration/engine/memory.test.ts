import { rmSync } from "node:fs";
import { join } from "node:path";
import { planTraining, type TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { writeRandomLlama } from "../../bench/support/random-model.ts";
import { batchOf, lora, specOf, temporaryFolder, withSession } from "./support.ts";

const dir = join(temporaryFolder(), "model");
// Large enough that weights and activations, not the process itself, make the figure.
writeRandomLlama(dir, { layers: 3, hidden: 256, feedForward: 768, heads: 4, keyValueHeads: 2, vocabulary: 4096 });

const cells: TrainingSpec[] = [];
for (const precision of ["f32", "bf16"] as const)
  for (const method of [{ kind: "full" as const }, lora])
    for (const gradientCheckpointing of [false, true])
      cells.push(
        specOf({
          base: { kind: "hf", dir },
          precision,
          method,
          gradientCheckpointing,
          maxTokensPerMicroBatch: 1024,
          maxSequenceTokens: 512,
        }),
      );

// Resident bytes of this process after a full step, above what it held before the session was there.
async function residentGrowth(spec: TrainingSpec) {
  const before = process.memoryUsage.rss();
  return withSession(spec, async (session) => {
    const batch = batchOf([512, 512]);
    const microBatches = [{ ...batch, labels: batch.tokens }]; // every token trained: what the plan is made for
    await session.step({ microBatches, learningRate: 1e-3, clipNorm: 1, step: 0 });
    return { growth: process.memoryUsage.rss() - before, memory: session.memory() };
  });
}

describe("the plan", () => {
  for (const spec of cells) {
    const name = `${spec.precision}, ${spec.method.kind}, checkpointing ${spec.gradientCheckpointing ? "on" : "off"}`;
    it(`holds what a full micro-batch takes: ${name}`, async () => {
      const plan = planTraining(spec);
      const { parts } = plan;
      expect(Object.values(parts).reduce((a, b) => a + b, 0)).toBe(plan.totalBytes);
      const { growth, memory } = await residentGrowth(spec);
      expect(memory.plannedBytes).toBe(plan.totalBytes);
      const session = plan.totalBytes - parts.runtime; // the process itself and the rotation tables are its runtime
      expect(memory.arenaPeakBytes).toBeLessThan(session + 2 ** 20);
      expect(memory.arenaPeakBytes).toBeGreaterThan(0.85 * session);
      expect(memory.peakRssBytes).toBeGreaterThanOrEqual(memory.rssBytes);
      expect(growth).toBeLessThan(plan.totalBytes);
    });
  }

  it("shrinks with checkpointing, with LoRA and with shorter micro-batches", () => {
    const total = (changes: Partial<TrainingSpec>) => planTraining({ ...(cells[0] as TrainingSpec), ...changes });
    const full = total({});
    expect(total({ gradientCheckpointing: true }).parts.activations).toBeLessThan(0.7 * full.parts.activations);
    expect(total({ method: lora }).parts.optimizer).toBeLessThan(0.2 * full.parts.optimizer);
    expect(total({ maxTokensPerMicroBatch: 512 }).parts.activations).toBeLessThan(0.6 * full.parts.activations);
  });

  it("refuses a run above its budget before anything is loaded, and says what it is made of", async () => {
    const spec = { ...(cells[0] as TrainingSpec), memoryBudgetBytes: 80 * 2 ** 20 };
    expect(() => planTraining(spec)).toThrow(/weights .*optimizer .*activations/);
    await expect(withSession(spec, async () => undefined)).rejects.toMatchObject({ code: "ENGINE_OOM" });
    const { totalBytes } = planTraining({ ...spec, memoryBudgetBytes: undefined });
    expect(planTraining({ ...spec, memoryBudgetBytes: totalBytes }).totalBytes).toBe(totalBytes);
  });

  it("tells the second model of a comparison and quantised weights as parts of their own, and each layer's activations", () => {
    const plan = (changes: Partial<TrainingSpec>) => planTraining({ ...(cells[0] as TrainingSpec), ...changes });
    const full = plan({});
    const dpo = plan({ objective: { kind: "dpo", beta: 0.1, labelSmoothing: 0 } });
    expect(full.parts).toMatchObject({ reference: 0, blocks: 0 });
    expect(dpo.parts.reference).toBeGreaterThan(full.parts.weights);
    expect(dpo.parts).toMatchObject({ weights: full.parts.weights, activations: full.parts.activations });
    const nf4 = plan({ method: lora, baseStorage: "nf4" });
    expect(nf4.parts.blocks).toBeGreaterThan(0);
    expect(nf4.parts.weights + nf4.parts.blocks).toBeLessThan(0.3 * full.parts.weights);
    expect(full.layerActivationBytes).toHaveLength(3);
    expect(plan({ gradientCheckpointing: true }).layerActivationBytes).toHaveLength(1);
    expect(full.layerActivationBytes.reduce((a, b) => a + b)).toBeLessThan(full.parts.activations);
  });

  it("refuses a model whose files are gone, with the path", () => {
    const gone = `${dir}-gone`;
    rmSync(gone, { recursive: true, force: true });
    expect(() => planTraining(specOf({ base: { kind: "hf", dir: gone } }))).toThrow(gone);
  });
});
