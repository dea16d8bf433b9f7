import { schema } from "@anneal/db";
import { and, eq, inArray, isNotNull, isNull, lt, or, sql } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";
import { leaseOver } from "./claim.ts";

const { runs, workers } = schema;

/**
 * The runs table is the truth, the queue only a messenger that may forget (14 days) or lose a holder: every queued run, and
 * every run whose lease is over, gets a message again. The singleton key keeps that to one waiting message a run.
 */
export async function requeueRuns(ctx: Pick<ServiceContext, "db" | "queue">): Promise<string[]> {
  return ctx.db.transaction(async (tx) => {
    const rows = await tx
      .select({ id: runs.id })
      .from(runs)
      .where(or(eq(runs.status, "queued"), and(inArray(runs.status, ["running", "pausing", "cancelling"]), leaseOver)))
      .orderBy(runs.queuedAt)
      .limit(1000);
    for (const { id } of rows) await ctx.queue.enqueue(tx, "run.advance", { runId: id });
    return rows.map(({ id }) => id);
  });
}

/** Ends the leases of workers of this host whose process is gone, so that a restart need not wait for them to run out. */
export async function releaseDeadWorkers(
  ctx: Pick<ServiceContext, "db" | "now">,
  host: string,
  isAlive: (pid: number) => boolean,
): Promise<number> {
  const rows = await ctx.db
    .select({ id: workers.id, pid: workers.pid })
    .from(workers)
    .where(and(eq(workers.host, host), isNull(workers.stoppedAt)));
  const dead = rows.filter(({ pid }) => !isAlive(pid)).map(({ id }) => id);
  if (dead.length === 0) return 0;
  await ctx.db.transaction(async (tx) => {
    await tx.update(workers).set({ stoppedAt: ctx.now(), currentRunId: null }).where(inArray(workers.id, dead));
    await tx
      .update(runs)
      .set({ leaseExpiresAt: sql`now() - interval '1 second'` })
      .where(and(inArray(runs.workerId, dead), isNotNull(runs.leaseExpiresAt)));
  });
  return dead.length;
}

/** Worker rows nobody needs: gone for a month. */
export async function forgetOldWorkers(ctx: Pick<ServiceContext, "db" | "now">): Promise<void> {
  const monthAgo = new Date(ctx.now().getTime() - 30 * 86_400_000);
  await ctx.db.delete(workers).where(lt(workers.lastSeenAt, monthAgo));
}
