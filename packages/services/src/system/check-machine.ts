import { type DoctorCheck, say } from "@anneal/contracts";
import { sql } from "drizzle-orm";
import type { WorkContext } from "../context.ts";
import { machineChecks } from "./machine-checks.ts";
import { superuserName } from "./superuser-name.ts";

// Each look starts other programs: those who ask at once share one.
const looks = new WeakMap<WorkContext["db"], Promise<DoctorCheck[]>>();

export function checkMachine(ctx: WorkContext): Promise<DoctorCheck[]> {
  const known = looks.get(ctx.db);
  if (known) return known;
  const made = checksOf(ctx).finally(() => looks.delete(ctx.db));
  looks.set(ctx.db, made);
  return made;
}

const checksOf = (ctx: WorkContext) =>
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
