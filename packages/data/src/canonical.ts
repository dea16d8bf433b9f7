import type { DatasetRow, Message } from "@anneal/contracts";
import { type Refusal, refuse } from "./outcome.ts";

// One spelling for each row, whatever the file looked like: the digest of a version is taken over these lines.
const message = ({ role, content, weight }: Message): Message =>
  weight === undefined ? { role, content } : { role, content, weight };

export const canonicalLine = (row: DatasetRow): string =>
  JSON.stringify("text" in row ? { text: row.text } : { messages: row.messages.map(message) });

/** What no store or model can hold: NUL characters and halves of surrogate pairs (JSON escapes can bring both in). */
export function unstorable(row: DatasetRow): Refusal | null {
  const texts = "text" in row ? [row.text] : row.messages.map(({ content }) => content);
  for (const [i, text] of texts.entries()) {
    const where = "text" in row ? "the text" : `message ${i + 1}`;
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
