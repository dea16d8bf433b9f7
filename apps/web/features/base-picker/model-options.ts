import type { ModelSummary } from "@anneal/contracts";
import type { ComboboxOption } from "../../components/combobox.tsx";
import { formatCount } from "../../lib/format.ts";

export type ModelGroup = "registry" | "hf" | "gguf" | "ollama" | "run";
const order: readonly ModelGroup[] = ["registry", "hf", "gguf", "ollama", "run"];

interface Words {
  group: (group: ModelGroup) => string;
  refused: (model: ModelSummary) => string;
  when: (iso: string) => string;
}

const groupOf = (model: ModelSummary): ModelGroup => (model.id !== null ? "registry" : model.source);

/**
 * Models to choose from: named ones first, what runs made last and there the newest first. Each reference once (a registered
 * model may also lie in Ollama); what has the name of another says where it lies or when it was made.
 */
export function modelOptions(models: readonly ModelSummary[], words: Words): ComboboxOption[] {
  const seen = new Set<string>();
  const once = models.filter(({ ref }) => !seen.has(ref) && seen.add(ref));
  const isTwin = ({ name, ref }: ModelSummary) => once.some((other) => other.name === name && other.ref !== ref);
  const byAge = (a: ModelSummary, b: ModelSummary) => (b.createdAt ?? "").localeCompare(a.createdAt ?? "");
  const byName = (a: ModelSummary, b: ModelSummary) => a.name.localeCompare(b.name, undefined, { numeric: true });
  return order.flatMap((group) =>
    once
      .filter((model) => groupOf(model) === group)
      .sort((a, b) => Number(b.supported) - Number(a.supported) || (group === "run" ? byAge(a, b) : byName(a, b)))
      .map((model): ComboboxOption => {
        const parts = [
          ...(model.facts ? [model.facts.family, formatCount(model.facts.parameters), model.facts.quantisation] : []),
          ...(group === "run" && model.createdAt ? [words.when(model.createdAt)] : []),
          ...(isTwin(model) ? [model.place] : []),
        ];
        return {
          value: model.ref,
          label: model.name,
          group: words.group(group),
          ...(parts.length > 0 ? { note: parts.join(" · ") } : {}),
          ...(model.supported ? {} : { refused: words.refused(model) }),
        };
      }),
  );
}
