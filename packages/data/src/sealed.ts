import { createHash } from "node:crypto";

const sealOf = (value: object) => createHash("sha256").update(JSON.stringify(value)).digest("hex");
const spell = (value: object, seal: string) => JSON.stringify({ ...value, seal }, null, 1);

/** A small file of facts that carries its own SHA-256. */
export const seal = (value: object): string => spell(value, sealOf(value));

/** What was sealed; null where a byte of the text is another than `seal` wrote. */
export function unseal(text: string): Record<string, unknown> | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null || !("seal" in parsed)) return null;
  const { seal: said, ...value } = parsed as Record<string, unknown>;
  return typeof said === "string" && said === sealOf(value) && text === spell(value, said) ? value : null;
}
