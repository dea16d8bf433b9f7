import type { DatasetRow, Message } from "@anneal/contracts";
import { type Refusal, refuse } from "./outcome.ts";

// One spelling for each row, whatever the file looked like: the digest of a version is taken over these lines.
const message = ({ role, content, weight }: Message): Message =>
  weight === undefined ? { role, content } : { role, content, weight };

function fieldsOf(row: DatasetRow): Record<string, unknown> {
  if ("text" in row) return { text: row.text };
  if ("messages" in row) return { messages: row.messages.map(message) };
  const prompt = row.prompt.map(message);
  if ("chosen" in row) return { prompt, chosen: row.chosen.map(message), rejected: row.rejected.map(message) };
  return { prompt, completion: row.completion.map(message), desirable: row.desirable };
}

export const canonicalLine = (row: DatasetRow): string =>
  JSON.stringify(row.source === undefined ? fieldsOf(row) : { ...fieldsOf(row), source: row.source });

/** The texts of a row, each with its place in words. */
export function textsOf(row: DatasetRow): [where: string, text: string][] {
  const named = (list: readonly Message[], of: string): [string, string][] =>
    list.map(({ content }, i) => [`message ${i + 1}${of}`, content]);
  if ("text" in row) return [["the text", row.text]];
  if ("messages" in row) return named(row.messages, "");
  const answers = "chosen" in row ? { chosen: row.chosen, rejected: row.rejected } : { completion: row.completion };
  return [
    ...named(row.prompt, " of prompt"),
    ...Object.entries(answers).flatMap(([name, list]) => named(list, ` of ${name}`)),
  ];
}

/** What no store or model can hold: NUL characters and halves of surrogate pairs (JSON escapes can bring both in). */
export function unstorable(row: DatasetRow): Refusal | null {
  const texts = row.source === undefined ? textsOf(row) : [...textsOf(row), ["the source", row.source] as const];
  for (const [where, text] of texts) {
    if (text.includes("\0")) return refuse(`${where} holds a NUL character`, "remove it (\\u0000 in JSON)");
    // The first test is quick and finds no surrogates in most texts; the second finds those without their other half.
    if (/[\ud800-\udfff]/.test(text) && /\p{Cs}/u.test(text))
      return refuse(
        `${where} holds half of a surrogate pair`,
        "write the whole character, or remove the lone \\ud8.. escape",
      );
  }
  return null;
}
