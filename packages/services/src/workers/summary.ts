import type { WorkerSummary } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, desc, gt, isNull } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { idsIn, namesOf } from "../names.ts";
import { aliveSeconds } from "./rows.ts";

const { workers } = schema;
const shownMilliseconds = 3_600_000;

function stateOf(row: typeof workers.$inferSelect): WorkerSummary["state"] {
  if (row.drainedAt) return row.currentRunId ? "draining" : "drained";
  return row.cordonedAt ? "cordoned" : "taking";
}

/** Workers heard of within the hour, the last one heard of first. */
export async function findWorkers(ctx: Pick<ServiceContext, "db" | "now">): Promise<WorkerSummary[]> {
  const now = ctx.now().getTime();
  const found = await ctx.db
    .select()
    .from(workers)
    .where(and(isNull(workers.stoppedAt), gt(workers.lastSeenAt, new Date(now - shownMilliseconds))))
    .orderBy(desc(workers.lastSeenAt))
    .limit(100);
  const names = await namesOf(ctx, idsIn(found.map(({ currentRunId }) => currentRunId)));
  return found.map((row) => {
    const { id, name, host, version, devices, labels, roles, isa, threads, currentRunId } = row;
    const { memoryBytes, freeMemoryBytes, diskFreeBytes } = row;
    return {
      ...{ id, name, host, version, devices, labels, roles, isa, threads },
      ...{ memoryBytes, freeMemoryBytes, diskFreeBytes },
      state: stateOf(row),
      lastSeenAt: row.lastSeenAt.toISOString(),
      alive: now - row.lastSeenAt.getTime() < aliveSeconds * 1000,
      currentRunId,
      currentRunName: (currentRunId && names[currentRunId]) || null,
    };
  });
}
