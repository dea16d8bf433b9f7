import { rm } from "node:fs/promises";
import { join } from "node:path";
import { api, finalStatuses, ServiceError, say } from "@anneal/contracts";
import { channels, schema } from "@anneal/db";
import { eq, sql } from "drizzle-orm";
import { freeKey } from "../jobs/index.ts";
import { audit, notFound, verb } from "../verb.ts";
import { statusWords } from "./status-words.ts";

const { runs, deployments } = schema;

// Rows and files. What Ollama serves stays there: it holds its own copy.
export const remove = verb(api.runs.remove, async (ctx, { runId }) => {
  await ctx.db.transaction(async (tx) => {
    const [row] = await tx.select().from(runs).where(eq(runs.id, runId)).for("update");
    if (!row) throw notFound("run", runId);
    if (!finalStatuses.includes(row.status) && row.status !== "paused")
      throw new ServiceError("PRECONDITION_FAILED", say`the run is ${statusWords[row.status]}`, {
        field: "runId",
        remedy: say`cancel it first, then remove it`,
      });
    await audit(tx, ctx, "run.remove", runId, { name: row.name });
    await tx.delete(deployments).where(eq(deployments.runId, runId));
    await ctx.queue.withdraw(tx, "run.advance", { runId });
    await freeKey(tx, runId);
    await tx.delete(runs).where(eq(runs.id, runId));
    await tx.execute(sql`select pg_notify(${channels.run}, ${runId})`);
  });
  await rm(join(ctx.paths.runs, runId), { recursive: true, force: true });
  return { removed: true };
});
