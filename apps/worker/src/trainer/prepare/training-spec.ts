import { type TrainerStart, trainingSettings } from "@anneal/contracts";
import { inspectModel, type TrainingSpec } from "@anneal/engine";
import { availableMemoryBytes } from "../../machine.ts";

type Needs = Pick<TrainerStart, "spec" | "base" | "adapter" | "adapters" | "teacher" | "teacherFile">;

/** The engine's settings of a run. */
export function trainingSpec({ spec, base, adapter, adapters, teacher, teacherFile }: Needs): TrainingSpec {
  const { linearNames } = inspectModel(base);
  return {
    ...trainingSettings(spec, {
      base,
      linearNames,
      adapter,
      adapters,
      teacher,
      teacherTopK: teacherFile?.topK ?? null,
    }),
    memoryBudgetBytes: Math.floor(spec.memoryBudgetBytes ?? availableMemoryBytes()),
  };
}
