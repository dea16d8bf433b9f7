import { ObjectiveSpec, OptimizerSpec, RunSpec, withoutUnknown } from "@anneal/contracts";
import { anyTeacher, freshObjective, objectiveForm, objectiveSpecOf, optimizerForm, optimizerOf } from "./kinds.ts";
import { leaves, sameValue, valueAt, withChange } from "./paths.ts";
import { defaultSpec, formOf, type SpecForm, specOf } from "./spec-form.ts";

const defaults: SpecForm = formOf(defaultSpec);

/** The default at a path; of objectives and optimizers, that of the kind that is chosen. */
export const defaultAt = (path: string, form: SpecForm = defaults): unknown => {
  if (path.startsWith("objective.") && path !== "objective.kind")
    return valueAt({ objective: freshObjective(form.objective.kind) }, path);
  if (path.startsWith("optimizer.") && path !== "optimizer.kind")
    return valueAt({ optimizer: optimizerForm(optimizerOf(form.optimizer.kind)) }, path);
  return valueAt(defaults, path);
};

// What belongs to this person's task or machine, which a preset has no opinion on.
const own = [
  "name",
  "base",
  "dataset",
  "objective.teacher",
  "objective.teacherFile",
  "publishing",
  "publish",
  "evaluation.dataset",
  "threads",
  "memoryBudgetGiB",
];

/** The form with a preset's settings; null when the preset is not a valid spec (a server of another version). */
export function withPreset(form: SpecForm, preset: Record<string, unknown>): SpecForm | null {
  // The teacher of a distillation is chosen by the person; until then any will do.
  const start = { ...defaultSpec, objective: { ...defaultSpec.objective, teacher: anyTeacher, teacherFile: null } };
  const parsed = RunSpec.safeParse(withoutUnknown(RunSpec, withChange(start, preset)));
  if (!parsed.success) return null;
  const kept = Object.fromEntries(own.map((path) => [path, valueAt(form, path)]));
  return withChange(formOf(parsed.data), kept);
}

export const hasPreset = (form: SpecForm, preset: Record<string, unknown>): boolean => {
  const wanted = withPreset(form, preset);
  return wanted !== null && sameValue(relevant(wanted), relevant(form));
};

/** The form with a change that the server proposes, in paths of the spec; null when it does not give a valid spec. */
export function withSuggestion(form: SpecForm, change: Record<string, unknown>): SpecForm | null {
  const now = specOf(form);
  if (!now.ok) return null;
  const parsed = RunSpec.safeParse(withoutUnknown(RunSpec, withChange(now.spec, change)));
  return parsed.success ? formOf(parsed.data) : null;
}

// What the chosen kinds do not look at does not count.
function relevant(form: SpecForm): SpecForm {
  const { method, objective, optimizer } = form;
  const named = { ...objective, teacher: objective.teacher || (objective.teacherFile ? "" : anyTeacher) };
  const objectiveSpec = ObjectiveSpec.safeParse(withoutUnknown(ObjectiveSpec, objectiveSpecOf(named)));
  const optimizerSpec = OptimizerSpec.safeParse(withoutUnknown(OptimizerSpec, optimizer));
  return {
    ...form,
    method: method.kind === "full" ? { ...defaults.method, kind: "full", freeze: method.freeze } : method,
    adapters: method.kind === "full" ? [] : form.adapters,
    objective: objectiveSpec.success
      ? { ...objectiveForm(objectiveSpec.data), teacher: objective.kind === "distill" ? objective.teacher : "" }
      : objective,
    optimizer: optimizerSpec.success ? optimizerForm(optimizerSpec.data) : optimizer,
  };
}

/** Paths, among these prefixes, whose value is not the default. */
export function changedPaths(form: SpecForm, prefixes: readonly string[]): string[] {
  return leaves(relevant(form))
    .filter(([path]) => prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}.`)))
    .filter(([path, value]) => !sameValue(value, defaultAt(path, form)))
    .map(([path]) => path);
}
