import { createHash } from "node:crypto";

const same = (text: string) => text;

/** The value with the keys of its objects in one order: written in another order it is the same. `text` is done to every text and key. */
export function inKeyOrder(value: unknown, text: (text: string) => string = same): unknown {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return value.map((item) => inKeyOrder(item, text));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]): [string, unknown] => [text(key), inKeyOrder(item, text)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** SHA-256 of a value's canonical JSON, in hex. */
export const digestOfJson = (value: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify(inKeyOrder(value)))
    .digest("hex");
