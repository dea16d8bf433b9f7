import { createHmac } from "node:crypto";
import { storableText } from "@anneal/db";

/** What a row of the trail says, without what Postgres adds. */
export interface TrailRow {
  id: string;
  projectId: string | null;
  time: Date;
  actorKind: string;
  actorId: string;
  actorName: string;
  action: string;
  subject: string;
  details: Record<string, unknown>;
  /** The row's own HMAC; null: written before there was a chain, or without its key. */
  mac: string | null;
}

// As it comes back from jsonb: keys in one order, nothing undefined, and no character that Postgres cannot store.
function settled(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (Array.isArray(value)) return value.map(settled);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]): [string, unknown] => [storableText(key), settled(item)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const hmac = (key: Buffer, ...parts: unknown[]): string =>
  createHmac("sha256", key).update(JSON.stringify(parts)).digest("hex");

export function rowMac(key: Buffer, row: Omit<TrailRow, "mac">): string {
  const texts = [row.actorKind, row.actorId, row.actorName, row.action, row.subject].map(storableText);
  const details = settled(JSON.parse(JSON.stringify(row.details)));
  return hmac(key, "row", row.id, row.projectId, row.time.toISOString(), ...texts, details);
}

export interface Genesis {
  adopted: number;
  time: string;
}
export const genesisMac = (key: Buffer, { adopted, time }: Genesis): string => hmac(key, "genesis", adopted, time);

/** The link of number n: over the link before it and the row, both by their own HMACs. */
export const sealMac = (key: Buffer, number: number, before: string, row: Omit<TrailRow, "mac">): string =>
  hmac(key, "seal", number, before, rowMac(key, row));
