import { RunSpec } from "@anneal/contracts";
import { leaves, sameValue, valueAt, withChange } from "./paths.ts";
import { defaultSpec, formOf, type SpecForm, specOf } from "./spec-form.ts";

const defaults: SpecForm = formOf(defaultSpec);

export const defaultAt = (path: string): unknown => valueAt(defaults, path);

// What belongs to this person's task or machine, which a preset has no opinion on.
const own = ["name", "base", "dataset", "publishing", "publish", "evaluation.dataset", "threads", "memoryBudgetGiB"];

/** The form with a preset's settings; null when the preset is not a valid spec (a server of another version). */
export function withPreset(form: SpecForm, preset: Record<string, unknown>): SpecForm | null {
  const parsed = RunSpec.safeParse(withChange(defaultSpec, preset));
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
  const parsed = RunSpec.safeParse(withChange(now.spec, change));
  return parsed.success ? formOf(parsed.data) : null;
}

// LoRA's settings do not count while everything is trained.
function relevant(form: SpecForm): SpecForm {
  return form.method.kind === "full" ? { ...form, method: { ...defaults.method, kind: "full" } } : form;
}

/** Paths, among these prefixes, whose value is not the default. */
export function changedPaths(form: SpecForm, prefixes: readonly string[]): string[] {
  return leaves(relevant(form))
    .filter(([path]) => prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}.`)))
    .filter(([path, value]) => !sameValue(value, defaultAt(path)))
    .map(([path]) => path);
}
