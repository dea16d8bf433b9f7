import { allLinear } from "@anneal/contracts";
import { formatNumber } from "../../../lib/format.ts";
import { formatSourceWeights } from "./source-weights.ts";
import type { Translate } from "./words.ts";

/** What settings need of a language: names of fields and of choices (`spec.fields`, `spec.options`), and a few words of values. */
export interface SettingWords {
  fields: Translate;
  options: Translate;
  onOff: (on: boolean) => string;
  allLayers: string;
}

// Settings that are one of several choices, with the place of their words.
const choices: Record<string, string> = {
  "method.kind": "method",
  "objective.kind": "objective",
  "objective.divergence": "divergence",
  "optimizer.kind": "optimizer",
  "schedule.kind": "schedule",
  precision: "precision",
  baseStorage: "baseStorage",
  gradientCheckpointing: "gradientCheckpointing",
};

/** A setting of the form as it is read; null where it is left to Anneal. */
export function valueWords(words: SettingWords, path: string, value: unknown): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (typeof value === "boolean") return words.onOff(value);
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : formatNumber(value);
  const choice = choices[path];
  if (choice) return words.options(`${choice}.${value}`);
  if (Array.isArray(value)) {
    if (value.includes(allLinear)) return words.allLayers;
    const items = value.map((item) => (typeof item === "string" ? item : String(item.name)));
    return items.length === 0 ? null : items.join(", ");
  }
  if (path === "sourceWeights")
    return formatSourceWeights(value as Record<string, number>).replaceAll("\n", ", ") || null;
  return String(value);
}
