import type { ModelSummary } from "@anneal/contracts";

export const modelFilters = ["all", "ollama", "files", "run"] as const;
export type ModelFilter = (typeof modelFilters)[number];
export const readModelFilter = (text: string | null): ModelFilter =>
  modelFilters.find((name) => name === text) ?? "all";

export function matchesModel(model: ModelSummary, filter: ModelFilter, search: string): boolean {
  const { source } = model;
  const fits = filter === "all" || (filter === "files" ? source === "gguf" || source === "hf" : source === filter);
  const text = [model.name, model.place, model.facts?.family, model.facts?.quantisation].join(" ").toLowerCase();
  return (
    fits &&
    search
      .toLowerCase()
      .split(/\s+/)
      .every((word) => text.includes(word))
  );
}

// Supported ones first, then by name: what can be used stands on top.
export const byUse = (a: ModelSummary, b: ModelSummary) =>
  Number(b.supported) - Number(a.supported) || a.name.localeCompare(b.name);

// "/models/smollm2.gguf" -> "smollm2": what a person may call it in the registry.
export function suggestModelName(ref: string): string {
  const last =
    ref
      .replace(/^(ollama|model):/, "")
      .split("/")
      .filter(Boolean)
      .at(-1) ?? "";
  return last
    .replace(/\.gguf$/i, "")
    .replace(/[^\p{L}\p{N} ._()-]+/gu, "-")
    .replace(/^[^\p{L}\p{N}]+/u, "")
    .slice(0, 80);
}
