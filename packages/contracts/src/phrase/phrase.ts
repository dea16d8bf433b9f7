import { z } from "zod";
import { causeInWords, EngineCause } from "./engine-cause.ts";

// A sentence for people. It travels as its English pattern and the values in it, so that a console can say it in the person's language;
// the pattern is the code under which a language's catalogue holds it. Where one string is wanted it is the English sentence.
export interface Phrase {
  pattern: string; // values stand as {0}, {1} ...
  values: PhraseValue[];
}
export type PhraseValue = string | number | Phrase | EngineCause;
/** A sentence, or a text that is not ours to translate (another program's words, a name). */
export type Words = string | Phrase;

export const Phrase: z.ZodType<Phrase> = z.object({
  pattern: z.string(),
  values: z.array(z.union([z.string(), z.number(), z.lazy(() => Phrase), EngineCause])),
});
/** Beside a value's texts: the phrases they were made from, by the texts' names. */
export const Phrases = z.record(z.string(), Phrase);
export type Phrases = z.infer<typeof Phrases>;

type Said = PhraseValue | boolean | bigint | null | undefined;

// The parts of a template are one object for each place in the source.
const patterns = new WeakMap<TemplateStringsArray, string>();

/** A phrase of a template: say`there is no run ${id}`. */
export function say(parts: TemplateStringsArray, ...values: Said[]): Phrase {
  let pattern = patterns.get(parts);
  if (pattern === undefined) {
    pattern = parts.reduce((text, part, i) => `${text}{${i - 1}}${part}`);
    patterns.set(parts, pattern);
  }
  return {
    pattern,
    // NaN and the infinities are no numbers in JSON.
    values: values.map((value) =>
      Number.isFinite(value) || (typeof value === "object" && value !== null) ? (value as PhraseValue) : String(value),
    ),
  };
}

const english = new Intl.PluralRules("en");
/** The form that goes with a count, by English rules. In a pattern it is `{0} [row|rows]`: the value before the bracket decides. */
export const plural = (count: number, one: string, other: string): string =>
  english.select(count) === "one" ? one : other;

/** The sentence in the language of a catalogue (its patterns by the English ones); without one, and where it has none, in English. */
export function inWords(words: Words, catalogue: Readonly<Record<string, string>> = {}): string {
  if (typeof words === "string") return words;
  const { pattern, values } = words;
  const known = Object.hasOwn(catalogue, pattern) ? (catalogue[pattern] as string) : pattern;
  let last: PhraseValue | undefined;
  return known.replace(
    /\{(\d+)\}|\[([^[\]|]+)\|([^[\]|]+)\]/g,
    (place, index: string | undefined, one = "", other = "") => {
      if (index === undefined) return plural(Number(last), one, other);
      const value = values[Number(index)];
      last = value;
      if (typeof value !== "object") return value === undefined ? place : String(value);
      return "reason" in value ? causeInWords(value, catalogue) : inWords(value, catalogue);
    },
  );
}

type Told<T> = { [K in keyof T]: T[K] extends null ? null : null extends T[K] ? string | null : string };

/** Texts as their English sentences, with the phrases beside them. */
export function told<T extends Record<string, Words | null>>(texts: T): Told<T> & { phrases?: Phrases } {
  const sentences: Record<string, string | null> = {};
  const phrases: Phrases = {};
  for (const [name, words] of Object.entries(texts)) {
    sentences[name] = words === null ? null : inWords(words);
    if (words !== null && typeof words === "object") phrases[name] = words;
  }
  return { ...(sentences as Told<T>), ...(Object.keys(phrases).length > 0 ? { phrases } : {}) };
}

/** A text with its phrase, where it has one: to say it in another language, or to put it into another sentence. */
export function wordsOf<K extends string, C extends { [key in K]: string | null } & { phrases?: Phrases | undefined }>(
  carrier: C,
  name: K,
): C[K] extends string ? Words : Words | null {
  return (carrier.phrases?.[name] ?? carrier[name]) as C[K] extends string ? Words : Words | null;
}

const Carrier = z.object({ phrases: z.object({ message: Phrase }) });
const ProblemCarrier = z.object({ problem: Carrier });

/** What an error says, as a phrase where it was made from one. By shape: a bundler may hold a class twice. */
export function wordsOfError(error: unknown): Words {
  const carried = Carrier.safeParse(error);
  if (carried.success) return carried.data.phrases.message;
  const problem = ProblemCarrier.safeParse(error);
  if (problem.success) return problem.data.problem.phrases.message;
  return error instanceof Error ? error.message : String(error);
}

/** Many refusals begin with the field they are about, as say`${field}: ${words}`: the words alone. */
export function withoutField(words: Words, field: string): Words {
  const prefix = `${field}: `;
  if (typeof words === "string") return words.startsWith(prefix) ? words.slice(prefix.length) : words;
  const [named, rest] = words.values;
  if (words.pattern !== "{0}: {1}" || named !== field || rest === undefined) return words;
  if (typeof rest === "number") return String(rest);
  return typeof rest === "object" && "reason" in rest ? { pattern: "{0}", values: [rest] } : rest;
}
