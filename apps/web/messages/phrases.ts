import type { Locale } from "../lib/locale.ts";
import zh from "./zh-CN/phrases.json";

// What the API says (say`...` in the source) is English; other languages have a catalogue of its patterns. phrases.test.ts holds the
// catalogues to the source: every pattern has an entry, and every entry a pattern.
export const phrases: Record<Locale, Record<string, string>> = { en: {}, "zh-CN": zh };
