import { type BadLine, type DatasetRow, told, type Words } from "@anneal/contracts";

/** Why one row is refused, without its place. */
export interface Refusal {
  cause: Words;
  remedy: Words;
}
export const refuse = (cause: Words, remedy: Words): Refusal => ({ cause, remedy });
export const isRefusal = (value: DatasetRow | Refusal): value is Refusal => "cause" in value;

/** A good row with its canonical text, or a bad line. `line` is where it begins in the file, counted from 1. */
export type Outcome = { line: number; row: DatasetRow; canonical: string } | { bad: BadLine };

const excerptCharacters = 160;
// Excerpts and names go into the database and on pages: what cannot be shown becomes a sign that can.
export const printable = (text: string): string => text.replace(/\p{Cc}|\p{Cs}/gu, "\u{FFFD}");

/** The same of a sentence, whose values may hold what the file does. */
const shown = (words: Words): Words =>
  typeof words === "string"
    ? printable(words)
    : {
        ...words,
        // Sentences of the engine are not about a line of a file.
        values: words.values.map((value) =>
          typeof value === "number" || (typeof value === "object" && "reason" in value) ? value : shown(value),
        ),
      };

export function badLine(line: number, refusal: Refusal, text: string): BadLine {
  const short = text.length > excerptCharacters ? `${text.slice(0, excerptCharacters)}…` : text;
  return { line, ...told({ cause: shown(refusal.cause), remedy: shown(refusal.remedy) }), excerpt: printable(short) };
}
