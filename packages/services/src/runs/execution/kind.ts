import { type RunStatus, say } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, eq, isNull, or, type SQL } from "drizzle-orm";
import { type JobClaim, type JobKind, leases } from "../../jobs/index.ts";
import { appendEvents } from "../append-events.ts";

const { runs, attempts } = schema;
export type RunRow = typeof runs.$inferSelect;
export type Claim = JobClaim;

/** Statuses of a run in a worker's hands. */
export const held: RunStatus[] = ["running", "pausing", "cancelling"];

/** Runs whose files lie in this store. */
export const ofStore = (store: string): SQL | undefined => or(isNull(runs.store), eq(runs.store, store));

export const runKind: JobKind<typeof runs> = {
  table: runs,
  subject: say`run`,
  waiting: "queued",
  taken: "running",
  held,
  enqueue: (queue, tx, runId) => queue.enqueue(tx, "run.advance", { runId }),
  onClaimed: ({ startedAt }, now) => ({ startedAt: startedAt ?? now }),
  async onTaken(tx, ctx, { id, attempt }, before) {
    const status = { type: "status", status: "running", problem: null } as const;
    await appendEvents(tx, id, attempt, before === "running" ? [] : [{ time: ctx.now(), body: status }]);
  },
  async onLost(tx, ctx, { id, attempt, stalledAttempts }) {
    const [lost] = await tx
      .update(attempts)
      .set({ outcome: "lost", endedAt: ctx.now() })
      .where(and(eq(attempts.runId, id), eq(attempts.attempt, attempt), eq(attempts.outcome, "running")))
      .returning({ progressed: attempts.progressed });
    return lost?.progressed ? 0 : stalledAttempts + 1;
  },
  // The holder died while stopping: what it was asked to do is done by not going on.
  stopped({ status }, now) {
    if (status === "pausing") return { status: "paused", control: null };
    return status === "cancelling" ? { status: "cancelled", control: null, finishedAt: now } : null;
  },
  async onStopped(tx, ctx, { id, attempt, status }) {
    await appendEvents(tx, id, attempt, [{ time: ctx.now(), body: { type: "status", status, problem: null } }]);
  },
  async onFailed(tx, ctx, { id, attempt }, problem) {
    await appendEvents(tx, id, attempt, [{ time: ctx.now(), body: { type: "status", status: "failed", problem } }]);
  },
};
export const runLeases = leases(runKind);
/** Takes the run's row lock and refuses a claim that is not the newest. */
export const lockOwned = runLeases.lock;
