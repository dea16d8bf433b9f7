import type { ModelSummary } from "@anneal/contracts";

const order: ModelSummary["source"][] = ["run", "gguf", "hf", "ollama"];

/** By where they come from, in a fixed order; each ref once (a registered model may also lie in Ollama). */
export function groupModels(models: readonly ModelSummary[]) {
  const seen = new Set<string>();
  const once = models.filter(({ ref }) => !seen.has(ref) && seen.add(ref));
  return order
    .map((source) => ({
      source,
      models: once.filter((model) => model.source === source).sort((a, b) => a.name.localeCompare(b.name)),
    }))
    .filter(({ models: group }) => group.length > 0);
}
