import { schema } from "@anneal/db";
import { and, eq, inArray, isNull, lt } from "drizzle-orm";
import type { ServiceContext } from "./context.ts";
import { deploymentLeases } from "./deployments/kind.ts";
import { ofStore, runLeases } from "./runs/execution/kind.ts";
import { teacherLeases } from "./teacher-files/kind.ts";

const { workers } = schema;

// Every kind of job that workers look after. A new one is a line here.
const kinds = [
  { leases: runLeases, where: ofStore },
  { leases: deploymentLeases, where: () => undefined },
  { leases: teacherLeases, where: () => undefined },
];

/**
 * Looks after the jobs of every kind: fails those that have waited longer than they may, and sends again for those that are owed an
 * attempt. Every worker does it, so that one alone is enough; the queue keeps one message a job.
 */
export async function tendJobs(ctx: Pick<ServiceContext, "db" | "now" | "queue">, store: string): Promise<void> {
  for (const { leases, where } of kinds) {
    await leases.failOverdue(ctx);
    await leases.requeue(ctx, { where: where(store) });
  }
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
    for (const { leases } of kinds) await leases.expire(tx, dead);
  });
  return dead.length;
}

/** Worker rows nobody needs: gone for a month. */
export async function forgetOldWorkers(ctx: Pick<ServiceContext, "db" | "now">): Promise<void> {
  const monthAgo = new Date(ctx.now().getTime() - 30 * 86_400_000);
  await ctx.db.delete(workers).where(lt(workers.lastSeenAt, monthAgo));
}
