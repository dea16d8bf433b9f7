// Values by dotted path, in plain data only: a path of foreign origin never reaches a prototype.
type Plain = Record<string, unknown>;
const isPlain = (value: unknown): value is Plain =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function valueAt(data: unknown, path: string): unknown {
  let at = data;
  for (const part of path.split(".")) {
    if (!isPlain(at) || !Object.hasOwn(at, part)) return undefined;
    at = at[part];
  }
  return at;
}

/** Every leaf with its path; lists and empty objects are leaves. */
export function leaves(data: unknown, prefix = ""): [path: string, value: unknown][] {
  if (!isPlain(data) || Object.keys(data).length === 0) return prefix ? [[prefix, data]] : [];
  return Object.entries(data).flatMap(([key, value]) => leaves(value, prefix ? `${prefix}.${key}` : key));
}

/** A copy with the leaves of `change` put in; its keys may be dotted paths or nested objects. */
export function withChange<T>(data: T, change: Record<string, unknown>): T {
  const copy: unknown = structuredClone(data);
  for (const [path, value] of leaves(change)) {
    const parts = path.split(".");
    const last = parts.pop();
    let at = copy;
    for (const part of parts) {
      if (!isPlain(at)) break;
      if (!Object.hasOwn(at, part) || !isPlain(at[part])) at[part] = {};
      at = at[part];
    }
    if (last !== undefined && isPlain(at) && !parts.concat(last).includes("__proto__")) at[last] = value;
  }
  return copy as T;
}

export const sameValue = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => sameValue(v, b[i]));
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]))
  );
};
