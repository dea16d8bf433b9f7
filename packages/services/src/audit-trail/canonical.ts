import { createHmac } from "node:crypto";
import { storableText } from "@anneal/db";
import { inKeyOrder } from "../canonical-json.ts";

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

const hmac = (key: Buffer, ...parts: unknown[]): string =>
  createHmac("sha256", key).update(JSON.stringify(parts)).digest("hex");

export function rowMac(key: Buffer, row: Omit<TrailRow, "mac">): string {
  const texts = [row.actorKind, row.actorId, row.actorName, row.action, row.subject].map(storableText);
  // As they come back from jsonb: keys in one order, nothing undefined, and no character that Postgres cannot store.
  const details = inKeyOrder(JSON.parse(JSON.stringify(row.details)), storableText);
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
