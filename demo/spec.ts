import type { RunSpecInput } from "@anneal/contracts";

/** Files of the demo, relative to this folder. */
export const demoFiles = {
  base: "base/anneal-demo-base.F16.gguf",
  train: "data/train.jsonl",
  test: "data/test.jsonl",
} as const;

/**
 * The demo's run, for a base and two dataset versions that the caller has registered. Chosen for two cores: LoRA on every
 * linear layer of the small base, three passes over the data, a look at 100 held-out rows on the way and at all 600 at the end.
 */
export function demoSpec(base: string, trainVersion: string, testVersion: string, publishAs?: string): RunSpecInput {
  return {
    name: "Bank intents (demo)",
    base,
    dataset: trainVersion,
    method: { kind: "lora", rank: 16, alpha: 32 },
    precision: "f32",
    learningRate: 3e-3,
    schedule: { kind: "cosine", warmupSteps: 10 },
    epochs: 3,
    batchRows: 32,
    microBatchTokens: 2048,
    maxSequenceTokens: 256,
    seed: 7,
    evaluation: { dataset: testVersion, everySteps: 70, maxRows: 100, maxNewTokens: 16 },
    checkpoints: { everySteps: 70 },
    export: { gguf: ["Q8_0"] },
    publish: publishAs ? { name: publishAs, gguf: "Q8_0", system: null } : null,
  };
}
