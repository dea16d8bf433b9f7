import { type Phrase, say } from "@anneal/contracts";
import { shown, TextError } from "../text-error.ts";

// A tokenizer's steps are a stranger's: none may make much more text of a text than it was. Unicode's longest
// decomposition makes 18 characters of one, and a prefix or a visible space adds a few more.
const timesLonger = 32;
const addedToAll = 4096;
const mostCharacters = 1 << 26;
const stepsLimit = 64;

/** Characters that all steps together may make of a text of this length. */
export const growthLimit = (sourceLength: number): number =>
  Math.min(mostCharacters, addedToAll + timesLonger * sourceLength);

export function checkGrowth(made: number, limit: number, field: string): void {
  if (made <= limit) return;
  throw new TextError(
    field,
    say`makes more than ${limit} characters of a text, far more than it had`,
    say`Use the tokenizer that the model's makers publish.`,
  );
}

export function replaceWithin(text: string, from: string, to: string, limit: number, field: string): string {
  const parts = text.split(from);
  checkGrowth(text.length + (parts.length - 1) * (to.length - from.length), limit, field);
  return parts.join(to);
}

const refuse = (field: string, message: Phrase) => new TextError(field, message, say`Repair tokenizer.json.`);

/** A text that a step puts in; absent: `fallback`. */
export function insertedText(value: unknown, fallback: string, field: string): string {
  const text = value ?? fallback;
  if (typeof text !== "string") throw refuse(field, say`is ${shown(value)}, not a text`);
  if (text.length > addedToAll)
    throw refuse(field, say`has ${text.length} characters; at most ${addedToAll} are put into a text`);
  return text;
}

/** What the original keeps as one character. */
export function oneCharacter(value: unknown, fallback: string, field: string): string {
  const text = insertedText(value, fallback, field);
  if ([...text].length !== 1) throw refuse(field, say`is ${shown(text)}, not one character`);
  return text;
}

export function checkSteps(count: number, field: string): void {
  if (count > stepsLimit) throw refuse(field, say`has ${count} steps; at most ${stepsLimit} are taken`);
}
