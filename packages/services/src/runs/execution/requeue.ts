import { schema } from "@anneal/db";
import { and, asc, eq, inArray, isNotNull, isNull, lt, not, sql } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";
import { ofHome, waiting } from "./claim.ts";

const { runs, workers } = schema;

/**
 * The runs table is the truth, the queue only a messenger that may forget (14 days) or lose a holder: every queued run, and
 * every run whose lease is over, gets a message again. The singleton key keeps that to one waiting message a run.
 */
export async function requeueRuns(ctx: Pick<ServiceContext, "db" | "queue">, home: string): Promise<string[]> {
  return requeue(ctx, home, 1000);
}

/** One message for the run whose turn it is, so that the worker that has just become free takes it at once. */
export async function requeueNextRun(ctx: Pick<ServiceContext, "db" | "queue">, home: string): Promise<void> {
  await requeue(ctx, home, 1);
}

async function requeue(ctx: Pick<ServiceContext, "db" | "queue">, home: string, limit: number): Promise<string[]> {
  return ctx.db.transaction(async (tx) => {
    const rows = await tx
      .select({ id: runs.id })
      .from(runs)
      .where(and(waiting(), ofHome(home)))
      .orderBy(asc(runs.queuedAt), asc(runs.id))
      .limit(limit);
    for (const { id } of rows) await ctx.queue.enqueue(tx, "run.advance", { runId: id });
    return rows.map(({ id }) => id);
  });
}

/** Whether the run waits for a worker of another home. */
export async function runsElsewhere(ctx: Pick<ServiceContext, "db">, runId: string, home: string): Promise<boolean> {
  const rows = await ctx.db
    .select({ id: runs.id })
    .from(runs)
    .where(and(eq(runs.id, runId), waiting(), isNotNull(runs.home), not(eq(runs.home, home))));
  return rows.length > 0;
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
