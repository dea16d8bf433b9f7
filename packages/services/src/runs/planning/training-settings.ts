import type { RunSpec } from "@anneal/contracts";
import type { BaseSource, TrainingSettings } from "../../ports.ts";

/** A run's spec as the engine's plan and session take it. */
export const trainingSettings = (spec: RunSpec, base: BaseSource): TrainingSettings => ({
  base,
  precision: spec.precision,
  threads: spec.threads ?? undefined,
  seed: spec.seed,
  method: spec.method,
  optimizer: spec.optimizer,
  gradientCheckpointing: spec.gradientCheckpointing,
  maxTokensPerMicroBatch: spec.microBatchTokens,
  maxSequenceTokens: spec.maxSequenceTokens,
});
