import { api, type DoctorCheck, say } from "@anneal/contracts";
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

// Each look starts other programs: those who ask at once share one.
const looks = new WeakMap<ServiceContext["db"], Promise<DoctorCheck[]>>();

function look(ctx: ServiceContext): Promise<DoctorCheck[]> {
  const known = looks.get(ctx.db);
  if (known) return known;
  const made = checksOf(ctx).finally(() => looks.delete(ctx.db));
  looks.set(ctx.db, made);
  return made;
}

const checksOf = (ctx: ServiceContext) =>
  machineChecks({
    home: ctx.paths.home,
    engineInfo: () => ctx.engine.engineInfo(),
    ollamaStatus: () => ctx.ollama.status(),
    databaseVersion: async () => {
      const answer = await ctx.db.execute<{ version: string }>(sql`select version()`);
      return answer.rows[0]?.version.split(" on ")[0] ?? say`it answers`;
    },
    databaseSuperuser: () => superuserName(ctx.db),
  });

export const doctor = verb(api.system.doctor, look);
