import { api, say } from "@anneal/contracts";
import { sql } from "drizzle-orm";
import { verb } from "../verb.ts";
import { machineChecks } from "./machine-checks.ts";

export const doctor = verb(api.system.doctor, (ctx) =>
  machineChecks({
    home: ctx.paths.home,
    engineInfo: () => ctx.engine.engineInfo(),
    ollamaStatus: () => ctx.ollama.status(),
    databaseVersion: async () => {
      const answer = await ctx.db.execute<{ version: string }>(sql`select version()`);
      return answer.rows[0]?.version.split(" on ")[0] ?? say`it answers`;
    },
  }),
);
