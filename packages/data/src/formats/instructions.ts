import { type ColumnMapping, type DatasetRow, say } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import type { Keys } from "./keys.ts";
import { type MappedOptions, readMapped } from "./mapped.ts";
import { guessMapping } from "./mapping.ts";

const isInstruction = ({ user, assistant }: ColumnMapping) => user === "instruction" && assistant === "output";

/** {"instruction", "input"?, "output", "system"?, "history"?: [[question, answer], ...]}. */
export function readAlpaca(keys: Keys, mapping: ColumnMapping | null, o: MappedOptions): DatasetRow | Refusal {
  const guessed = mapping ?? guessMapping(keys.names())?.mapping;
  return readMapped(
    keys,
    guessed && (mapping || isInstruction(guessed))
      ? guessed
      : { user: "instruction", assistant: "output", input: "input" },
    o,
  );
}

/** A question and an answer under any of their usual names, or under those that a person says. */
export function readPromptCompletion(
  keys: Keys,
  mapping: ColumnMapping | null,
  o: MappedOptions,
): DatasetRow | Refusal {
  const guessed = guessMapping(keys.names());
  const used = mapping ?? (guessed?.sure ? guessed.mapping : null);
  if (used) return readMapped(keys, used, o);
  return refuse(
    say`the row has no "prompt" and "completion"`,
    say`name its two texts prompt and completion, or question and answer, or say which fields they are (mapping)`,
  );
}
