import { annealVersion, api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { inArray, sql } from "drizzle-orm";
import { verb } from "../verb.ts";
import { findWorkers } from "../workers/summary.ts";

const { runs } = schema;

export const ollama = verb(api.system.ollama, (ctx) => ctx.ollama.status());

export const status = verb(api.system.status, async (ctx) => {
  const [workers, counts, ollamaStatus] = await Promise.all([
    findWorkers(ctx),
    ctx.db
      .select({
        queued: sql<number>`count(*) filter (where ${runs.status} = 'queued')::int`,
        running: sql<number>`count(*) filter (where ${runs.status} <> 'queued')::int`,
      })
      .from(runs)
      .where(inArray(runs.status, ["queued", "running", "pausing", "cancelling"])),
    ctx.ollama.status(),
  ]);
  return {
    version: annealVersion,
    workers,
    ollama: ollamaStatus,
    queuedRuns: counts[0]?.queued ?? 0,
    runningRuns: counts[0]?.running ?? 0,
  };
});
