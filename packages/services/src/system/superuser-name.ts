import { sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

/** The role of this connection, where it is a superuser. */
export async function superuserName(db: Pick<ServiceContext["db"], "execute">): Promise<string | null> {
  const answer = await db.execute<{ name: string }>(
    sql`select rolname as name from pg_roles where rolname = session_user and rolsuper`,
  );
  return answer.rows[0]?.name ?? null;
}
