import { sql } from "drizzle-orm";
import type { Transaction } from "./client.ts";
import { everyProject } from "./tenancy.ts";

/**
 * Looks beyond the project of a transaction's connection, for what all projects share: a file that equal rows have, a name that
 * Ollama serves. What it finds must not reach a member. The callers are listed in .dependency-cruiser.cjs.
 */
export async function acrossProjects<T>(tx: Transaction, look: (tx: Transaction) => Promise<T>): Promise<T> {
  const { rows } = await tx.execute<{ project: string | null }>(
    sql`select current_setting('anneal.project', true) as project, set_config('anneal.project', ${everyProject}, true)`,
  );
  try {
    return await look(tx);
  } finally {
    // Where the look failed the transaction is over, and its setting with it.
    await tx.execute(sql`select set_config('anneal.project', ${rows[0]?.project ?? ""}, true)`).catch(() => undefined);
  }
}
