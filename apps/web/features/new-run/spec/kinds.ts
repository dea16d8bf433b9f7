import { LoraMethod, ObjectiveSpec, OptimizerSpec, RunSpec, type ScheduleSpec } from "@anneal/contracts";

// Objectives and optimizers have other settings by kind. The form holds those of all kinds side by side; a spec only its own.

export interface ObjectiveForm {
  kind: ObjectiveSpec["kind"];
  labelSmoothing: number | null;
  zLoss: number | null;
  beta: number | null;
  gamma: number | null;
  desirableWeight: number | null;
  undesirableWeight: number | null;
  teacher: string; // "": not chosen yet
  teacherFile: string; // "": the teacher itself, in memory
  divergence: "forward_kl" | "reverse_kl" | "jsd";
  temperature: number | null;
  jsdBeta: number | null;
  crossEntropyWeight: number | null;
}
export interface OptimizerForm {
  kind: OptimizerSpec["kind"];
  beta1: number | null;
  beta2: number | null;
  epsilon: number | null;
  weightDecay: number | null;
  decay: number | null;
  epsilon1: number | null;
  epsilon2: number | null;
  clipThreshold: number | null;
  momentum: number | null;
  nesterov: boolean;
}

/** Stands for a teacher where a spec must have one and the person has not chosen yet. */
export const anyTeacher = "/any";

export const objectiveOf = (kind: ObjectiveSpec["kind"]): ObjectiveSpec =>
  ObjectiveSpec.parse(kind === "distill" ? { kind, teacher: anyTeacher } : { kind });
export const optimizerOf = (kind: OptimizerSpec["kind"]): OptimizerSpec => OptimizerSpec.parse({ kind });

const objectiveDefaults: ObjectiveForm = {
  ...objectiveOf("kto"),
  ...objectiveOf("simpo"),
  ...objectiveOf("distill"),
  labelSmoothing: 0,
  zLoss: 0,
  beta: 0.1,
  desirableWeight: 1,
  undesirableWeight: 1,
  gamma: 1,
  divergence: "forward_kl",
  temperature: 1,
  jsdBeta: 0.5,
  crossEntropyWeight: 0.5,
  teacher: "",
  teacherFile: "",
  kind: "sft",
};
const optimizerDefaults: OptimizerForm = {
  ...(optimizerOf("adamw") as Extract<OptimizerSpec, { kind: "adamw" }>),
  ...(optimizerOf("adafactor") as Extract<OptimizerSpec, { kind: "adafactor" }>),
  ...(optimizerOf("sgd") as Extract<OptimizerSpec, { kind: "sgd" }>),
  kind: "adamw",
};

export function objectiveForm(objective: ObjectiveSpec): ObjectiveForm {
  if (objective.kind !== "distill") return { ...objectiveDefaults, ...objective };
  const { teacher, teacherFile, ...rest } = objective;
  return { ...objectiveDefaults, ...rest, teacher: teacher ?? "", teacherFile: teacherFile ?? "" };
}

/** The objective as the contract has it: what is not chosen is null. */
export const objectiveSpecOf = (objective: ObjectiveForm) =>
  objective.kind === "distill"
    ? { ...objective, teacher: objective.teacher || null, teacherFile: objective.teacherFile || null }
    : objective;
export const optimizerForm = (optimizer: OptimizerSpec): OptimizerForm => ({ ...optimizerDefaults, ...optimizer });

/** The settings of a kind as they are without a word of the person's; its teacher stays the person's. */
export const freshObjective = (kind: ObjectiveSpec["kind"], teacher = "", teacherFile = ""): ObjectiveForm => ({
  ...objectiveForm(objectiveOf(kind)),
  teacher,
  teacherFile,
});

/** The settings that a kind looks at, in the order in which the form shows them. */
export const objectiveSettings = {
  sft: ["labelSmoothing", "zLoss"],
  dpo: ["beta", "labelSmoothing"],
  ipo: ["beta"],
  orpo: ["beta"],
  simpo: ["beta", "gamma"],
  kto: ["beta", "desirableWeight", "undesirableWeight"],
  distill: ["temperature", "crossEntropyWeight"],
} as const satisfies Record<ObjectiveSpec["kind"], readonly (keyof ObjectiveForm)[]>;
export const optimizerSettings = {
  adamw: ["beta1", "beta2", "epsilon"],
  adamw8bit: ["beta1", "beta2", "epsilon"],
  lion: ["beta1", "beta2"],
  adafactor: ["decay", "epsilon1", "epsilon2", "clipThreshold"],
  sgd: ["momentum"],
} as const satisfies Record<OptimizerSpec["kind"], readonly (keyof OptimizerForm)[]>;

/** What each schedule looks at beside the warm-up. */
export const scheduleSettings: Record<
  ScheduleSpec["kind"],
  readonly Exclude<keyof ScheduleSpec, "kind" | "warmupSteps">[]
> = {
  constant: [],
  linear: ["minRatio"],
  cosine: ["minRatio"],
  cosine_restarts: ["cycles", "minRatio"],
  polynomial: ["power", "minRatio"],
  inverse_sqrt: [],
  wsd: ["decayShare", "minRatio"],
  plateau: ["factor", "patience", "cooldown", "threshold", "minRatio"],
};

/** A part of a spec that has kinds, as it is when only its kind is named. */
export function kindDefaults(field: "method" | "objective" | "optimizer", kind: string): Record<string, unknown> {
  const least = { base: "/any", dataset: "00000000-0000-7000-8000-000000000000" };
  if (field === "method" && kind === "lora") return LoraMethod.parse({ kind });
  const part = field === "objective" && kind === "distill" ? { kind, teacher: anyTeacher } : { kind };
  return { ...RunSpec.parse({ ...least, [field]: part })[field] };
}
