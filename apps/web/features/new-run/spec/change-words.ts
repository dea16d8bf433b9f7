import { withSuggestion } from "./changes.ts";
import { leaves, sameValue, valueAt } from "./paths.ts";
import { type SettingWords, valueWords } from "./setting-words.ts";
import type { SpecForm } from "./spec-form.ts";

/** What a change would set, field by field, in the person's language; null when it does not go with the form as it is now. */
export function changeWords(language: SettingWords, form: SpecForm, change: Record<string, unknown>): string | null {
  // From the spec as it is now, not from the form: 0.1 GiB is a whole number of bytes there.
  const now = withSuggestion(form, {});
  const next = withSuggestion(form, change);
  if (!now || !next) return null;
  const words = leaves(next)
    .filter(([path, value]) => !sameValue(value, valueAt(now, path)))
    .map(([path, value]) => `${language.fields(`${path}.label`)}: ${valueWords(language, path, value) ?? "–"}`);
  return words.length > 0 ? words.join(" · ") : null;
}
