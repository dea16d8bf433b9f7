import { type DatasetFormat, type Phrase, say } from "@anneal/contracts";
import { type Fields, isObject } from "./formats/fields.ts";
import { guessMapping } from "./formats/mapping.ts";
import { markColumn } from "./formats/marks.ts";
import { turnsKey } from "./formats/messages.ts";
import { pairKeys } from "./formats/preferences.ts";

// What the keys of a row say about its meaning, whatever file it stands in.

export const words: Record<DatasetFormat, Phrase> = {
  "openai-messages": say`rows have "messages"`,
  sharegpt: say`rows have "conversations"`,
  alpaca: say`rows have "instruction" and "output"`,
  "prompt-completion": say`rows have a question and an answer`,
  preference: say`rows have "chosen" and "rejected"`,
  "openai-preference": say`rows have "preferred_output" and "non_preferred_output"`,
  kto: say`rows have "prompt", "completion" and a "label" of true or false`,
  csv: say`comma-separated with a header row`,
  tsv: say`tab-separated with a header row`,
  "plain-text": say`text without a table's or JSON's marks`,
};

const has = (row: Fields, key: string) => (row[key] ?? null) !== null;

function shapeOf(row: Fields): DatasetFormat | null {
  if (has(row, "preferred_output") && has(row, "non_preferred_output")) return "openai-preference";
  if (pairKeys(row) !== undefined) return "preference";
  if (Array.isArray(row.messages)) return "openai-messages";
  if (turnsKey(row) !== undefined && (row[turnsKey(row) as string] as unknown[]).every(isObject)) return "sharegpt";
  if (has(row, "instruction") && has(row, "output")) return "alpaca";
  if (guessMapping(Object.keys(row).filter((key) => has(row, key)))?.sure === true) return "prompt-completion";
  return typeof row.text === "string" ? "openai-messages" : null;
}

export interface Shape {
  format: DatasetFormat;
  votes: number; // rows of this shape among those looked at
  reason: Phrase;
  mark?: string; // the column that marks answers as liked or not
}

const answers = new Set<DatasetFormat>(["openai-messages", "sharegpt", "alpaca", "prompt-completion"]);

/** The format that most rows speak for; null: they have the keys of none. */
export function shapeOfRows(rows: readonly Fields[]): Shape | null {
  const votes = new Map<DatasetFormat, number>();
  for (const row of rows) {
    const shape = shapeOf(row);
    if (shape) votes.set(shape, (votes.get(shape) ?? 0) + 1);
  }
  const [best] = [...votes].sort((a, b) => b[1] - a[1]);
  if (!best) return null;
  const [format, count] = best;
  // Somebody marked these answers so that the model stops giving some of them: a mark outvotes the answers beside it.
  const mark = answers.has(format) ? markColumn(rows) : undefined;
  if (mark !== undefined)
    return {
      format: "kto",
      votes: count,
      reason: say`rows have an answer, and "${mark}" marks it as liked or not`,
      mark,
    };
  const reason =
    format === "openai-messages" && !rows.some((row) => row.messages) ? say`rows have "text"` : words[format];
  return { format, votes: count, reason };
}
