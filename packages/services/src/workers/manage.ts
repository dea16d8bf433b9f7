import { api, ServiceError, say, type WorkerSummary } from "@anneal/contracts";
import { channels, schema } from "@anneal/db";
import { eq, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { audit, verb } from "../verb.ts";
import { aliveSeconds } from "./rows.ts";
import { findWorkers } from "./summary.ts";

const { workers } = schema;

const noWorker = (workerId: string) =>
  new ServiceError("NOT_FOUND", say`there is no worker ${workerId}`, {
    field: "workerId",
    remedy: say`list the workers and choose one`,
  });

export const list = verb(api.workers.list, (ctx) => findWorkers(ctx));

async function change(
  ctx: ServiceContext,
  workerId: string,
  action: "worker.cordon" | "worker.drain" | "worker.uncordon",
  values: { cordonedAt: Date | null; drainedAt: Date | null },
): Promise<WorkerSummary> {
  await ctx.db.transaction(async (tx) => {
    const [row] = await tx.update(workers).set(values).where(eq(workers.id, workerId)).returning();
    if (!row) throw noWorker(workerId);
    await audit(tx, ctx, action, workerId, { name: row.name, host: row.host });
    await tx.execute(sql`select pg_notify(${channels.worker}, ${workerId})`);
  });
  const changed = (await findWorkers(ctx)).find(({ id }) => id === workerId);
  if (!changed) throw noWorker(workerId);
  return changed;
}

/** It finishes what it has and takes nothing new. */
export const cordon = verb(api.workers.cordon, (ctx, { workerId }) =>
  change(ctx, workerId, "worker.cordon", { cordonedAt: ctx.now(), drainedAt: null }),
);

/** It takes nothing new, and hands back the run that it has: another worker goes on from its checkpoint. */
export const drain = verb(api.workers.drain, (ctx, { workerId }) =>
  change(ctx, workerId, "worker.drain", { cordonedAt: ctx.now(), drainedAt: ctx.now() }),
);

export const uncordon = verb(api.workers.uncordon, (ctx, { workerId }) =>
  change(ctx, workerId, "worker.uncordon", { cordonedAt: null, drainedAt: null }),
);

/** Forgets a worker that is gone; one that lives would write its row again. */
export const remove = verb(api.workers.remove, async (ctx, { workerId }) => {
  await ctx.db.transaction(async (tx) => {
    const [row] = await tx.select().from(workers).where(eq(workers.id, workerId)).for("update");
    if (!row) throw noWorker(workerId);
    const alive = !row.stoppedAt && ctx.now().getTime() - row.lastSeenAt.getTime() < aliveSeconds * 1000;
    if (alive)
      throw new ServiceError("PRECONDITION_FAILED", say`the worker ${row.name} is running`, {
        field: "workerId",
        remedy: say`drain it and stop its process first`,
      });
    // The row stays for a month, so that its runs can name it.
    await tx
      .update(workers)
      .set({ stoppedAt: row.stoppedAt ?? ctx.now() })
      .where(eq(workers.id, workerId));
    await audit(tx, ctx, "worker.remove", workerId, { name: row.name, host: row.host });
  });
  return { removed: true };
});
