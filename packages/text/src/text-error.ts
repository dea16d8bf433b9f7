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
