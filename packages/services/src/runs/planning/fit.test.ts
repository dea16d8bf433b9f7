import { OptimizerSpec, RunSpec } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { fit, type SettingPlan } from "./fit.ts";

const spec = RunSpec.parse({
  base: "ollama:demo",
  dataset: "01890000-0000-7000-8000-000000000000",
  microBatchTokens: 2048,
  maxSequenceTokens: 1024,
});

// A model by arithmetic: weights by storage, activations by token, and moments by optimizer.
const weights = { dense: 1000, blocks: 300, int8: 520, nf4: 300 };
const memoryShare = { off: 1, selective: 0.4, full: 0.1 };
const flops = { off: 6e6, selective: 7e6, full: 8e6 };
const planned = (s: RunSpec): SettingPlan => ({
  totalBytes:
    weights[s.baseStorage] +
    s.microBatchTokens * memoryShare[s.gradientCheckpointing] +
    (s.optimizer.kind === "adamw8bit" ? 50 : 200),
  flopsPerMicroBatch: s.microBatchTokens * flops[s.gradientCheckpointing],
  trainableParameters: 1000,
});

const within = (budgetBytes: number, changes: Partial<RunSpec> = {}) =>
  fit({ spec: { ...spec, ...changes }, budgetBytes, longestTokens: 200, tokensPerStep: 1500, plan: planned });

describe("the fastest setting inside a budget", () => {
  it("is what was asked for where that fits and nothing is faster", async () => {
    expect(await within(1e6, { microBatchTokens: 4096 })).toMatchObject({ change: {}, relativeSeconds: 1 });
  });

  it("accumulates smaller micro-batches before it computes layers again", async () => {
    const found = await within(2300);
    expect(found?.change).toEqual({ microBatchTokens: 1024 });
    expect(found?.relativeSeconds).toBeGreaterThan(1);
    expect(found?.words).toBe("microBatchTokens 1024");
  });

  it("changes storage, optimizer and checkpointing as the budget shrinks, and always stays inside it", async () => {
    let last = 0;
    for (const budget of [4000, 3000, 2000, 1500, 1200, 900, 700, 500, 400]) {
      const found = await within(budget);
      expect(found?.totalBytes).toBeLessThanOrEqual(budget);
      expect(planned({ ...spec, ...found?.change }).totalBytes).toBe(found?.totalBytes);
      expect(found?.relativeSeconds).toBeGreaterThanOrEqual(last);
      last = found?.relativeSeconds ?? 0;
    }
    expect((await within(500))?.change).toMatchObject({ baseStorage: "nf4" });
  });

  it("computes feed-forward blocks again before whole layers", async () => {
    // One row of a full training: only what is kept of it can shrink.
    const narrow = {
      ...spec,
      method: { kind: "full" as const, freeze: [] },
      optimizer: OptimizerSpec.parse({ kind: "sgd" }),
      microBatchTokens: 200,
      maxSequenceTokens: 200,
    };
    const found = (budgetBytes: number) =>
      fit({ spec: narrow, budgetBytes, longestTokens: 200, tokensPerStep: 200, plan: planned });
    expect((await found(1290))?.change).toEqual({ gradientCheckpointing: "selective" });
    expect((await found(1230))?.change).toEqual({ gradientCheckpointing: "full" });
  });

  it("never lets the micro-batch fall below the longest row, and finds nothing where nothing fits", async () => {
    const found = await within(560);
    expect(found?.change.microBatchTokens ?? 2048).toBeGreaterThanOrEqual(200);
    expect(await within(300)).toBeNull();
  });

  it("leaves a full training full and its rows whole", async () => {
    const found = await within(1300, { method: { kind: "full", freeze: [] } });
    expect(found?.change).not.toHaveProperty("method");
    expect(found?.change).not.toHaveProperty("baseStorage");
  });

  it("leaves out what the engine refuses", async () => {
    const plan = (s: RunSpec) => (s.optimizer.kind === "adamw8bit" ? null : planned(s));
    const found = await fit({ spec, budgetBytes: 600, longestTokens: 200, tokensPerStep: 1500, plan });
    expect(found?.change).not.toHaveProperty("optimizer");
  });
});
