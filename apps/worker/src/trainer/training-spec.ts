import type { TrainerStart } from "@anneal/contracts";
import type { TrainingSpec } from "@anneal/engine";
import { availableMemoryBytes } from "./machine.ts";

/** The engine's settings of a run. */
export function trainingSpec({ spec, base }: Pick<TrainerStart, "spec" | "base">): TrainingSpec {
  const { method } = spec;
  return {
    base,
    precision: spec.precision,
    seed: spec.seed,
    method:
      method.kind === "full"
        ? { kind: "full" }
        : {
            kind: "lora",
            rank: method.rank,
            alpha: method.alpha,
            dropout: method.dropout,
            rsLora: method.rsLora,
            targets: method.targets,
          },
    optimizer: { ...spec.optimizer },
    gradientCheckpointing: spec.gradientCheckpointing,
    maxTokensPerMicroBatch: spec.microBatchTokens,
    maxSequenceTokens: spec.maxSequenceTokens,
    memoryBudgetBytes: Math.floor(spec.memoryBudgetBytes ?? availableMemoryBytes()),
    ...(spec.threads === null ? {} : { threads: spec.threads }),
  };
}
