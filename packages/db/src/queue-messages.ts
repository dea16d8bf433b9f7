import { sql } from "drizzle-orm";
import type { Transaction } from "./client.ts";

/** Takes a message that waits in pg-boss back, in the transaction that makes it pointless; one in a worker's hands stays. */
export async function withdrawMessage(tx: Transaction, queue: string, key: string): Promise<void> {
  await tx.execute(
    sql`delete from pgboss.job where name = ${queue} and singleton_key = ${key} and state in ('created', 'retry')`,
  );
}
