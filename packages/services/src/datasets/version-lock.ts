import type { Transaction } from "@anneal/db";
import { sql } from "drizzle-orm";

/** Held while a digest's file gets or loses a row: a file is removed only when no version names it, and none can start to. */
export async function lockDigest(tx: Transaction, digest: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${digest}, 7))`);
}
