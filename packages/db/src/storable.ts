import { customType } from "drizzle-orm/pg-core";

// What Postgres stores neither as text nor inside jsonb: the zero character, and halves of surrogate pairs. Models, files and other
// programs say both; a row is never lost for them. The zero becomes its picture, a half the replacement character.
const zeroPicture = "\u2400";
const zeroOrSurrogate = /[\0\ud800-\udfff]/; // quick; most texts hold none, and whole pairs are left as they are

export const storableText = (text: string): string =>
  zeroOrSurrogate.test(text) ? text.replaceAll("\0", zeroPicture).replace(/\p{Cs}/gu, "\ufffd") : text;

/** A value as JSON that Postgres takes; keys are texts too. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === "string") return zeroOrSurrogate.test(inner) ? storableText(inner) : inner;
    if (inner === null || typeof inner !== "object" || Array.isArray(inner)) return inner;
    const keys = Object.keys(inner);
    if (!keys.some((key) => zeroOrSurrogate.test(key))) return inner;
    return Object.fromEntries(keys.map((key) => [storableText(key), (inner as Record<string, unknown>)[key]]));
  });
}

// Columns of these types are the one place where text enters the store; the SQL types are Postgres' own.
const textType = customType<{ data: string; driverData: string }>({
  dataType: () => "text",
  toDriver: storableText,
});
const jsonType = customType<{ data: unknown; driverData: string }>({
  dataType: () => "jsonb",
  toDriver: storableJson,
});

export const text = (name: string) => textType(name);
export const jsonb = (name: string) => jsonType(name);
