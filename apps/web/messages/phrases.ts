import { engineReasons, reasonKey } from "@anneal/contracts";
import type { Locale } from "../lib/locale.ts";
import { withLabels } from "./field-labels.ts";
import engine from "./zh-CN/engine.json";
import zh from "./zh-CN/phrases.json";

// What the API says (say`...` in the source) is English; other languages have a catalogue of its patterns. phrases.test.ts holds the
// catalogues to the source: every pattern has an entry, and every entry a pattern. The English one has those that name fields of a spec.
// The engine's sentences stand beside them, by the reasons of its errors; engine-reasons.test.ts holds these to the C++.
const ofReasons = (sentences: Readonly<Record<string, string>>) =>
  Object.entries(sentences).map(([reason, sentence]) => [reasonKey(reason), sentence] as const);
const english = [...Object.keys(zh).map((pattern) => [pattern, pattern] as const), ...ofReasons(engineReasons)];

export const phrases: Record<Locale, Record<string, string>> = {
  en: Object.fromEntries(
    english
      .map(([key, said]) => [key, withLabels(said), said])
      .flatMap(([key = "", shown = "", said]) => (shown === said ? [] : [[key, shown]])),
  ),
  "zh-CN": { ...zh, ...Object.fromEntries(ofReasons(engine)) },
};
