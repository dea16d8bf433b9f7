import type { Locale } from "../lib/locale.ts";
import { withLabels } from "./field-labels.ts";
import zh from "./zh-CN/phrases.json";

// What the API says (say`...` in the source) is English; other languages have a catalogue of its patterns. phrases.test.ts holds the
// catalogues to the source: every pattern has an entry, and every entry a pattern. The English one has those that name fields of a spec.
const en = Object.keys(zh).map((pattern) => [pattern, withLabels(pattern)] as const);
export const phrases: Record<Locale, Record<string, string>> = {
  en: Object.fromEntries(en.filter(([pattern, said]) => said !== pattern)),
  "zh-CN": zh,
};
