import { type DatasetRow, type Message, say, type Words } from "@anneal/contracts";
import { type Refusal, refuse } from "./outcome.ts";

// One spelling for each row, whatever the file looked like: the digest of a version is taken over these lines.
const message = ({ role, content, weight, reasoning_content }: Message): Message => ({
  role,
  content,
  ...(weight === undefined ? {} : { weight }),
  ...(reasoning_content === undefined ? {} : { reasoning_content }),
});

function fieldsOf(row: DatasetRow): Record<string, unknown> {
  if ("text" in row) return { text: row.text };
  if ("messages" in row) return { messages: row.messages.map(message) };
  const prompt = row.prompt.map(message);
  if ("chosen" in row) return { prompt, chosen: row.chosen.map(message), rejected: row.rejected.map(message) };
  return { prompt, completion: row.completion.map(message), desirable: row.desirable };
}

export const canonicalLine = (row: DatasetRow): string =>
  JSON.stringify(row.source === undefined ? fieldsOf(row) : { ...fieldsOf(row), source: row.source });

const textsOfMessage = ({ content, reasoning_content }: Message, where: Words): [Words, string][] =>
  reasoning_content === undefined
    ? [[where, content]]
    : [
        [where, content],
        [say`the thoughts of ${where}`, reasoning_content],
      ];

/** The texts of a row, each with its place in words. */
export function textsOf(row: DatasetRow): [where: Words, text: string][] {
  const named = (list: readonly Message[], of: string): [Words, string][] =>
    list.flatMap((message, i) => textsOfMessage(message, say`message ${i + 1} of ${of}`));
  if ("text" in row) return [[say`the text`, row.text]];
  if ("messages" in row) return row.messages.flatMap((message, i) => textsOfMessage(message, say`message ${i + 1}`));
  const answers = "chosen" in row ? { chosen: row.chosen, rejected: row.rejected } : { completion: row.completion };
  return [...named(row.prompt, "prompt"), ...Object.entries(answers).flatMap(([name, list]) => named(list, name))];
}

/** What no store or model can hold: NUL characters and halves of surrogate pairs (JSON escapes can bring both in). */
export function unstorable(row: DatasetRow): Refusal | null {
  const texts = row.source === undefined ? textsOf(row) : [...textsOf(row), [say`the source`, row.source] as const];
  for (const [where, text] of texts) {
    if (text.includes("\0")) return refuse(say`${where} holds a NUL character`, say`remove it (\\u0000 in JSON)`);
    // The first test is quick and finds no surrogates in most texts; the second finds those without their other half.
    if (/[\ud800-\udfff]/.test(text) && /\p{Cs}/u.test(text))
      return refuse(
        say`${where} holds half of a surrogate pair`,
        say`write the whole character, or remove the lone \\ud8.. escape`,
      );
  }
  return null;
}
