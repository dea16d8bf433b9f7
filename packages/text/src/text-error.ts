import { inWords, type Phrases, say, told, type Words } from "@anneal/contracts";

// A refusal of this package: what is wrong, where, and one remedy. Services map it to their own error.
export class TextError extends Error {
  readonly field: string;
  readonly remedy: string;
  readonly phrases: Phrases | undefined; // of message and remedy
  constructor(field: string, message: Words, remedy: Words, options?: { cause?: unknown }) {
    super(`${field}: ${inWords(message)}`, options);
    this.name = "TextError";
    this.field = field;
    const texts = told({ message: say`${field}: ${message}`, remedy });
    this.remedy = texts.remedy;
    this.phrases = texts.phrases;
  }
}

/** A foreign value in a message: short, and never walked into. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  if (Array.isArray(value)) return "[...]";
  return typeof value === "object" && value !== null ? "{...}" : String(value);
}
