import { inWords, type Phrase, type Phrases, say, told, type Words } from "@anneal/contracts";

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

  /** One that was thrown in another thread. */
  static again({
    field,
    message,
    remedy,
    phrases,
  }: Pick<TextError, "field" | "message" | "remedy" | "phrases">): TextError {
    const said: Words = message;
    return Object.assign(new TextError(field, said, remedy), { message, phrases });
  }
}

const published = say`Use the tokenizer.json and the chat template that the model's makers publish.`;

/** A stranger's pattern or template that has used up its time. */
export const neverEnds = (field: string, what: Phrase, seconds: number): TextError =>
  new TextError(
    field,
    say`${what} did not end within ${seconds} [second|seconds]: a pattern of tokenizer.json (pre_tokenizer, normalizer) or the chat template takes too long`,
    published,
  );

/** A stranger's tokenizer or template that has used up its memory. */
export const tooMuch = (cause: unknown): TextError =>
  new TextError(
    "tokenizer",
    say`the tokenizer or the chat template nests too deeply or makes too much text`,
    published,
    {
      cause,
    },
  );

/** A foreign value in a message: short, and never walked into. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  if (Array.isArray(value)) return "[...]";
  return typeof value === "object" && value !== null ? "{...}" : String(value);
}
