import { adaptersOf } from "./adapters.ts";
import { allLinear, type BaseSource } from "./base-model.ts";
import type { EngineObjective, TrainingSettings } from "./engine-settings.ts";
import type { RunSpec } from "./run-spec.ts";

// A run's spec as the engine's plan and session take it: names resolved to files, fields at their default omitted.

const engineCheckpointing = { off: "none", selective: "selective", full: "layer" } as const;

export interface ResolvedInputs {
  base: BaseSource;
  linearNames: readonly string[]; // those of the base
  teacher?: BaseSource | null;
  teacherTopK?: number | null; // of the teacher's file
  adapter?: string | null; // a PEFT folder
  adapters?: Readonly<Record<string, string>>; // the same of those side by side that go on from one, by name
}

/** The layers that are adapted, by name. */
export const targetsOf = (targets: readonly string[], linearNames: readonly string[]): string[] =>
  targets.includes(allLinear) ? [...linearNames] : [...targets];

function methodOf({ method }: RunSpec, linearNames: readonly string[]): TrainingSettings["method"] {
  if (method.kind === "full") return method.freeze.length > 0 ? method : { kind: "full" };
  const { kind, rank, alpha, dropout, rsLora, dora, loraPlusRatio } = method;
  return {
    kind,
    rank,
    alpha,
    dropout,
    rsLora,
    targets: targetsOf(method.targets, linearNames),
    ...(dora ? { dora } : {}),
    ...(loraPlusRatio === 1 ? {} : { loraPlusRatio }),
  };
}

function objectiveOf({ objective }: RunSpec, { teacher, teacherTopK }: ResolvedInputs): EngineObjective | null {
  if (objective.kind === "sft") return objective.labelSmoothing === 0 && objective.zLoss === 0 ? null : objective;
  if (objective.kind !== "distill") return objective;
  const { teacher: _, teacherFile: __, ...settings } = objective;
  if (teacherTopK) return { ...settings, teacherTopK };
  if (!teacher) throw new Error("a distillation needs its teacher's files");
  return { ...settings, teacher };
}

const sideBySide = (spec: RunSpec, { adapters: folders = {} }: ResolvedInputs) =>
  adaptersOf(spec).map(({ name, rank, alpha, seed }) => {
    const from = folders[name];
    return { name, rank, alpha, seed, ...(from === undefined ? {} : { from }) };
  });

export function trainingSettings(spec: RunSpec, inputs: ResolvedInputs): TrainingSettings {
  const objective = objectiveOf(spec, inputs);
  return {
    base: inputs.base,
    precision: spec.precision,
    seed: spec.seed,
    method: methodOf(spec, inputs.linearNames),
    optimizer: spec.optimizer,
    gradientCheckpointing: engineCheckpointing[spec.gradientCheckpointing],
    maxTokensPerMicroBatch: spec.microBatchTokens,
    maxSequenceTokens: spec.maxSequenceTokens,
    ...(spec.threads === null ? {} : { threads: spec.threads }),
    ...(spec.baseStorage === "dense" ? {} : { baseStorage: spec.baseStorage }),
    ...(objective ? { objective } : {}),
    ...(spec.neftuneAlpha === 0 ? {} : { neftuneAlpha: spec.neftuneAlpha }),
    ...(spec.routerAuxWeight === 0 ? {} : { routerAuxWeight: spec.routerAuxWeight }),
    ...(inputs.adapter ? { adapter: inputs.adapter } : {}),
    ...(spec.adapters.length === 0 ? {} : { adapters: sideBySide(spec, inputs) }),
  };
}
