import type { EngineObjective } from "@anneal/contracts";

export type {
  BaseSource,
  BaseStorage,
  EngineAdapter as AdapterSpec,
  EngineCheckpointing as GradientCheckpointing,
  EngineMethod as TrainingMethod,
  EngineObjective as Objective,
  OptimizerSpec as Optimizer,
  Precision,
  TrainingSettings as TrainingSpec,
} from "@anneal/contracts";
export type DistillObjective = Extract<EngineObjective, { kind: "distill" }>;
