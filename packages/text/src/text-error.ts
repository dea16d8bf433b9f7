// A refusal of this package: what is wrong, where, and one remedy. Services map it to their own error.
export class TextError extends Error {
  readonly field: string;
  readonly remedy: string;
  constructor(field: string, message: string, remedy: string, options?: { cause?: unknown }) {
    super(`${field}: ${message}`, options);
    this.name = "TextError";
    this.field = field;
    this.remedy = remedy;
  }
}
