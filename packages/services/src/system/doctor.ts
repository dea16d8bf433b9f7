import { api, say } from "@anneal/contracts";
import { sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { verb } from "../verb.ts";
import { machineChecks } from "./machine-checks.ts";

/** The role of this connection, where it is a superuser. */
export async function superuserName(db: Pick<ServiceContext["db"], "execute">): Promise<string | null> {
  const answer = await db.execute<{ name: string }>(
    sql`select rolname as name from pg_roles where rolname = current_user and rolsuper`,
  );
  return answer.rows[0]?.name ?? null;
}

export const doctor = verb(api.system.doctor, (ctx) =>
  machineChecks({
    home: ctx.paths.home,
    engineInfo: () => ctx.engine.engineInfo(),
    ollamaStatus: () => ctx.ollama.status(),
    databaseVersion: async () => {
      const answer = await ctx.db.execute<{ version: string }>(sql`select version()`);
      return answer.rows[0]?.version.split(" on ")[0] ?? say`it answers`;
    },
    databaseSuperuser: () => superuserName(ctx.db),
  }),
);
