import { annealVersion, api, type WorkerSummary } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, desc, gt, inArray, isNull, sql } from "drizzle-orm";
import { idsIn, namesOf } from "../names.ts";
import { verb } from "../verb.ts";
import { aliveSeconds } from "../workers/index.ts";

const { runs, workers } = schema;
const shownMilliseconds = 3_600_000;

export const ollama = verb(api.system.ollama, (ctx) => ctx.ollama.status());

export const status = verb(api.system.status, async (ctx) => {
  const now = ctx.now().getTime();
  const [found, counts, ollamaStatus] = await Promise.all([
    ctx.db
      .select()
      .from(workers)
      .where(and(isNull(workers.stoppedAt), gt(workers.lastSeenAt, new Date(now - shownMilliseconds))))
      .orderBy(desc(workers.lastSeenAt))
      .limit(100),
    ctx.db
      .select({
        queued: sql<number>`count(*) filter (where ${runs.status} = 'queued')::int`,
        running: sql<number>`count(*) filter (where ${runs.status} <> 'queued')::int`,
      })
      .from(runs)
      .where(inArray(runs.status, ["queued", "running", "pausing", "cancelling"])),
    ctx.ollama.status(),
  ]);
  const names = await namesOf(ctx, idsIn(found.map(({ currentRunId }) => currentRunId)));
  return {
    version: annealVersion,
    workers: found.map((row): WorkerSummary => {
      const { id, name, roles, isa, threads, memoryBytes, freeMemoryBytes, diskFreeBytes, currentRunId } = row;
      return {
        id,
        name,
        roles,
        isa,
        threads,
        memoryBytes,
        freeMemoryBytes,
        diskFreeBytes,
        lastSeenAt: row.lastSeenAt.toISOString(),
        alive: now - row.lastSeenAt.getTime() < aliveSeconds * 1000,
        currentRunId,
        currentRunName: (currentRunId && names[currentRunId]) || null,
      };
    }),
    ollama: ollamaStatus,
    queuedRuns: counts[0]?.queued ?? 0,
    runningRuns: counts[0]?.running ?? 0,
  };
});
