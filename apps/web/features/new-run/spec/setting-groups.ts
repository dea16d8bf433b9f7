import { isPreference } from "@anneal/contracts";
import { objectiveSettings, optimizerSettings, scheduleSettings } from "./kinds.ts";
import type { SpecForm } from "./spec-form.ts";

/** Heads of settings, as `newRun.groups` names them, each with its fields in the form's order: of kinds only what the chosen one looks at. */
export function settingGroups(form: SpecForm): { group: string; paths: string[] }[] {
  const { method, objective, optimizer, schedule, evaluation } = form;
  const below = (head: string, names: readonly string[]) => names.map((name) => `${head}.${name}`);
  const lora = method.kind === "lora";
  const distils = objective.kind === "distill";
  return [
    {
      group: "objective",
      paths: [
        "objective.kind",
        ...(distils ? below("objective", ["teacher", "teacherFile", "divergence"]) : []),
        ...(distils && objective.divergence === "jsd" ? ["objective.jsdBeta"] : []),
        ...below("objective", objectiveSettings[objective.kind]),
        ...(isPreference(objective.kind) ? [] : ["sourceWeights", "neftuneAlpha"]),
        "routerAuxWeight",
      ],
    },
    {
      group: "method",
      paths: [
        "method.kind",
        "precision",
        ...(lora ? ["baseStorage"] : ["method.freeze"]),
        ...(lora
          ? below("method", ["rank", "alpha", "targets", "dropout", "rsLora", "dora", "loraPlusRatio", "startFrom"])
          : []),
        ...(lora ? ["adapters"] : []),
      ],
    },
    {
      group: "learning",
      paths: [
        "learningRate",
        "epochs",
        ...below("schedule", ["kind", "warmupSteps", ...scheduleSettings[schedule.kind]]),
        ...below("optimizer", ["kind", "weightDecay", ...optimizerSettings[optimizer.kind]]),
        ...(optimizer.kind === "sgd" ? ["optimizer.nesterov"] : []),
        "clipNorm",
        ...below("guards", ["nonFinite", "spikeFactor"]),
        "maxSteps",
        "seed",
      ],
    },
    {
      group: "batches",
      paths: [
        "batchRows",
        "microBatchTokens",
        "maxSequenceTokens",
        "memoryBudgetGiB",
        "packing",
        "lengthGrouping",
        "gradientCheckpointing",
        "threads",
      ],
    },
    {
      group: "evaluation",
      paths: [
        ...below("evaluation", ["dataset", ...(evaluation.dataset === "" ? ["heldOutFraction"] : [])]),
        ...below("evaluation", ["everySteps", "maxRows", "finalMaxRows", "maxNewTokens"]),
        "stoppingEarly",
        ...(form.stoppingEarly ? below("earlyStopping", ["patience", "minDelta"]) : []),
      ],
    },
    {
      group: "keeping",
      paths: [
        ...below("checkpoints", ["everySteps", "keepLast", "keepBest", "restoreBest"]),
        ...below("samples", ["everySteps", "prompts", "maxNewTokens"]),
      ],
    },
    {
      group: "export",
      paths: [
        ...below("export", ["gguf", "merged", "adapter"]),
        ...(form.publishing ? below("publish", ["name", "gguf", "system", "parameters"]) : []),
      ],
    },
  ];
}
