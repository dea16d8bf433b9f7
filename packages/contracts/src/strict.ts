import { z } from "zod";

// Objects that refuse what they do not know: a misspelt field would otherwise be dropped, and its default taken, without a word.

const shown = (name: string): string => (name.length > 60 ? `${name.slice(0, 59)}…` : name);
const plain = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/** Letters to add, take away, change or swap with their neighbour. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + changed);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}

/** The name that was probably meant; null: none is near. */
export function nearest(name: string, known: readonly string[]): string | null {
  const wanted = plain(name.slice(0, 100));
  let best: { name: string; away: number } | null = null;
  for (const one of known) {
    const last = plain(one.slice(one.lastIndexOf(".") + 1));
    // A field of a part below counts where the name is all but its own.
    const limit = one.includes(".")
      ? Math.min(1, Math.floor(last.length / 4))
      : Math.max(1, Math.floor(last.length / 3));
    const away = distance(wanted, last);
    if (away <= limit && (best === null || away < best.away)) best = { name: one, away };
  }
  return best?.name ?? null;
}

// The object types inside a type: behind defaults and null, and those of a union.
function objectsIn(type: z.core.$ZodType): z.ZodObject[] {
  if (type instanceof z.ZodObject) return [type];
  if (type instanceof z.ZodUnion) return type.options.flatMap(objectsIn);
  if (
    type instanceof z.ZodDefault ||
    type instanceof z.ZodPrefault ||
    type instanceof z.ZodNullable ||
    type instanceof z.ZodOptional
  )
    return objectsIn(type.def.innerType);
  return [];
}

function paths(shape: z.core.$ZodShape): string[] {
  const below = Object.entries(shape).flatMap(([name, type]) =>
    objectsIn(type).flatMap((inner) => paths(inner.shape).map((path) => `${name}.${path}`)),
  );
  return [...Object.keys(shape), ...new Set(below)];
}

/** An object whose unknown fields are refused, with the field that was probably meant. */
export function strict<S extends z.core.$ZodLooseShape>(shape: S) {
  let known: string[] | null = null;
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return undefined;
      const name = String((issue.keys as string[])[0]);
      known ??= paths(shape);
      const near = nearest(name, known);
      return near
        ? `unknown field ${shown(name)}, did you mean ${near}?`
        : `unknown field ${shown(name)}; known are ${Object.keys(shape).join(", ") || "none"}`;
    },
  });
}

/**
 * The value without the fields that a type of `strict` objects does not know. For what was stored by another version: a field that is
 * no more must not make a row unreadable.
 */
export function withoutUnknown(type: z.ZodType, value: unknown): unknown {
  const issues = type.safeParse(value).error?.issues.filter(({ code }) => code === "unrecognized_keys") ?? [];
  if (issues.length === 0) return value;
  const copy = structuredClone(value);
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") continue;
    let at: unknown = copy;
    for (const part of issue.path) at = (at as Record<PropertyKey, unknown>)[part];
    for (const key of issue.keys) delete (at as Record<string, unknown>)[key];
  }
  return copy;
}
