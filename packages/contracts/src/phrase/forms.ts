import type { Phrase, Words } from "./phrase.ts";

const longest = 2000; // characters that are looked at: what is longer is no sentence

/** Takes sentences of another program apart again by their forms, patterns as those of phrases; of several that fit, the first. */
export function takenApart(
  forms: readonly string[],
  inner: (value: string) => Words = (value) => value,
): (text: string) => Phrase | null {
  const matchers = forms.map((pattern) => {
    const places = [...pattern.matchAll(/\{(\d+)\}/g)].map(([, index]) => Number(index));
    const literals = pattern.split(/\{\d+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return { pattern, places, form: new RegExp(`^${literals.join("(.+?)")}$`, "s") };
  });
  return (text) => {
    if (text.length > longest) return null;
    for (const { pattern, places, form } of matchers) {
      const found = form.exec(text);
      if (!found) continue;
      const values: Words[] = [];
      for (const [i, place] of places.entries()) values[place] = inner(found[i + 1] ?? "");
      return { pattern, values };
    }
    return null;
  };
}
