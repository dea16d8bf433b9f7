import { formatNumber } from "../../../lib/format.ts";
import { withSuggestion } from "./changes.ts";
import { leaves, sameValue, valueAt } from "./paths.ts";
import type { SpecForm } from "./spec-form.ts";
import type { Translate } from "./words.ts";

/** What a change would set, field by field, in the person's language; null when it does not go with the form as it is now. */
export function changeWords(
  fields: Translate,
  onOff: (on: boolean) => string,
  form: SpecForm,
  change: Record<string, unknown>,
): string | null {
  // From the spec as it is now, not from the form: 0.1 GiB is a whole number of bytes there.
  const now = withSuggestion(form, {});
  const next = withSuggestion(form, change);
  if (!now || !next) return null;
  const words = leaves(next)
    .filter(([path, value]) => !sameValue(value, valueAt(now, path)))
    .map(([path, value]) => `${fields(`${path}.label`)}: ${shown(value, onOff)}`);
  return words.length > 0 ? words.join(" · ") : null;
}

function shown(value: unknown, onOff: (on: boolean) => string): string {
  if (typeof value === "boolean") return onOff(value);
  if (typeof value === "number") return formatNumber(value);
  return Array.isArray(value) ? value.join(", ") : String(value);
}
