import {
  engineProblemOf,
  type MemoryPlan,
  type ResolvedInputs,
  type RunSpec,
  ServiceError,
  say,
  trainingSettings,
} from "@anneal/contracts";
import type { WorkContext } from "../../context.ts";
import { foreignError } from "../../models/foreign-error.ts";
import type { EngineMemoryPlan } from "../../ports.ts";

// The engine names its own settings; a person knows them by the spec's names.
const names: Record<string, string> = { maxTokensPerMicroBatch: "microBatchTokens", adapter: "method.startFrom" };
const ofSpec = "spec.";
const fieldOf = (engineField: string) => names[engineField] ?? engineField;

/** The engine's plan of a spec; what it refuses becomes a refusal of that field of the spec. */
export function enginePlan(ctx: Pick<WorkContext, "engine">, spec: RunSpec, inputs: ResolvedInputs): EngineMemoryPlan {
  try {
    return ctx.engine.planTraining(trainingSettings(spec, inputs));
  } catch (error) {
    const problem = engineProblemOf(error);
    if (!problem?.where.startsWith(ofSpec)) throw foreignError(error, "base");
    const field = fieldOf(problem.where.slice(ofSpec.length));
    const { reason, args } = problem;
    throw new ServiceError("INVALID_INPUT", say`${field}: ${{ reason, args }}`, {
      field,
      remedy: say`correct ${field}`,
      cause: error,
    });
  }
}

export function toMemoryPlan({ parts, totalBytes }: EngineMemoryPlan): MemoryPlan {
  return {
    weightBytes: parts.weights,
    blockBytes: parts.blocks,
    adapterBytes: parts.adapter,
    gradientBytes: parts.gradients,
    optimizerBytes: parts.optimizer,
    activationBytes: parts.activations,
    referenceBytes: parts.reference,
    logitsBytes: parts.logits,
    packingBytes: parts.packing,
    runtimeBytes: parts.runtime,
    totalBytes,
  };
}
