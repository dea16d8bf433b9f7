import { type RunStatus, say, told } from "@anneal/contracts";
import { schema, type Transaction } from "@anneal/db";
import { and, asc, eq, inArray, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";
import { appendEvents, type NewEvent } from "../append-events.ts";
import { type Claim, owned, staleAttempt } from "./fence.ts";

const { runs, attempts } = schema;
type RunRow = typeof runs.$inferSelect;

/** Statuses of a run in a worker's hands. */
export const held: RunStatus[] = ["running", "pausing", "cancelling"];

/** Whether a worker that no longer answers holds the run; the database's clock decides, never a worker's. */
export const leaseOver = sql<boolean>`(${runs.leaseExpiresAt} is null or ${runs.leaseExpiresAt} < now())`;

/** Runs that are owed an attempt: queued and due, or held by a worker that is gone. */
export const waiting = (): SQL | undefined =>
  or(
    and(eq(runs.status, "queued"), or(isNull(runs.notBefore), lte(runs.notBefore, sql`now()`))),
    and(inArray(runs.status, held), leaseOver),
  );
/** Runs whose folders lie in this home. */
export const ofHome = (home: string): SQL | undefined => or(isNull(runs.home), eq(runs.home, home));

async function endLostAttempt(tx: Transaction, row: RunRow, now: Date): Promise<number> {
  const [lost] = await tx
    .update(attempts)
    .set({ outcome: "lost", endedAt: now })
    .where(and(eq(attempts.runId, row.id), eq(attempts.attempt, row.attempt), eq(attempts.outcome, "running")))
    .returning({ progressed: attempts.progressed });
  if (!lost) return row.stalledAttempts;
  return lost.progressed ? 0 : row.stalledAttempts + 1;
}

export interface ClaimOptions {
  workerId: string;
  workerName: string;
  /** The worker's home (homeId): it takes no run whose folders it cannot see. */
  home: string;
  leaseSeconds: number;
  /** Broken attempts in a row without progress after which the run fails. */
  maxStalledAttempts: number;
  check: boolean;
}

/**
 * Takes a queued run, or one whose worker is gone: raises its attempt, so that every write of the former holder is refused.
 * Null when there is nothing to take (finished, held by a live worker, or settled here because it was stopping).
 */
export async function claimRun(
  ctx: Pick<ServiceContext, "db" | "now">,
  runId: string,
  options: ClaimOptions,
): Promise<{ claim: Claim; run: RunRow } | null> {
  return ctx.db.transaction(async (tx) => {
    const takeable = and(eq(runs.id, runId), waiting(), ofHome(options.home));
    const [row] = await tx.select().from(runs).where(takeable).for("update");
    if (!row) return null;
    const now = ctx.now();
    const stalledAttempts = await endLostAttempt(tx, row, now);

    // The holder died while stopping: what it was asked to do is done by not going on.
    if (row.status === "pausing" || row.status === "cancelling") {
      const status = row.status === "pausing" ? "paused" : "cancelled";
      const finishedAt = status === "cancelled" ? now : null;
      // The attempt rises here too: the former holder may wake up and must find itself shut out.
      const attempt = row.attempt + 1;
      await tx
        .update(runs)
        .set({ status, attempt, control: null, workerId: null, leaseExpiresAt: null, finishedAt })
        .where(eq(runs.id, runId));
      await appendEvents(tx, runId, attempt, [{ time: now, body: { type: "status", status, problem: null } }]);
      return null;
    }
    if (stalledAttempts >= options.maxStalledAttempts) {
      const problem = {
        code: "INTERNAL" as const,
        field: null,
        ...told({
          message: say`the run failed ${stalledAttempts} [time|times] in a row without progress`,
          remedy: say`see the last log lines of its attempts; a smaller micro-batch helps if memory ran out`,
        }),
      };
      const attempt = row.attempt + 1;
      await tx
        .update(runs)
        .set({
          status: "failed",
          attempt,
          problem,
          stalledAttempts,
          workerId: null,
          leaseExpiresAt: null,
          finishedAt: now,
        })
        .where(eq(runs.id, runId));
      await appendEvents(tx, runId, attempt, [{ time: now, body: { type: "status", status: "failed", problem } }]);
      return null;
    }

    const attempt = row.attempt + 1;
    const [run] = await tx
      .update(runs)
      .set({
        attempt,
        status: "running",
        stalledAttempts,
        problem: null,
        workerId: options.workerId,
        home: options.home,
        notBefore: null,
        leaseExpiresAt: sql`now() + make_interval(secs => ${options.leaseSeconds})`,
        startedAt: row.startedAt ?? now,
        finishedAt: null,
      })
      .where(eq(runs.id, runId))
      .returning();
    if (!run) return null;
    await tx.insert(attempts).values({
      runId,
      attempt,
      workerId: options.workerId,
      workerName: options.workerName,
      startedAt: now,
    });
    const events: NewEvent[] = [];
    if (row.status !== "running")
      events.push({ time: now, body: { type: "status", status: "running", problem: null } });
    await appendEvents(tx, runId, attempt, events);
    return { claim: { runId, attempt, check: options.check }, run };
  });
}

/**
 * Takes the run that waits longest, in the order that the queue shows: a message is only a nudge, so one that came for a run
 * that was cancelled meanwhile, or came out of order, costs nothing.
 */
export async function claimNextRun(
  ctx: Pick<ServiceContext, "db" | "now">,
  options: ClaimOptions,
): Promise<{ claim: Claim; run: RunRow } | null> {
  for (;;) {
    const [next] = await ctx.db
      .select({ id: runs.id })
      .from(runs)
      .where(and(waiting(), ofHome(options.home)))
      .orderBy(asc(runs.queuedAt), asc(runs.id))
      .limit(1);
    if (!next) return null;
    // Null: another worker was quicker, or the run was stopping and has been settled; look again.
    const taken = await claimRun(ctx, next.id, options);
    if (taken) return taken;
  }
}

/** Prolongs the lease; answers what a person has asked for meanwhile. Throws STALE_ATTEMPT when the run was taken over. */
export async function renewLease(
  ctx: Pick<ServiceContext, "db">,
  claim: Claim,
  leaseSeconds: number,
): Promise<{ control: RunRow["control"]; controlNumber: number }> {
  const [row] = await ctx.db
    .update(runs)
    .set({ leaseExpiresAt: sql`now() + make_interval(secs => ${leaseSeconds})` })
    .where(owned(claim))
    .returning({ control: runs.control, controlNumber: runs.controlNumber });
  if (!row) throw staleAttempt(claim, null);
  return row;
}

/** A control that was carried out is taken off the row, unless a newer one has come. */
export async function clearControl(ctx: Pick<ServiceContext, "db">, claim: Claim, number: number): Promise<void> {
  await ctx.db
    .update(runs)
    .set({ control: null })
    .where(and(owned(claim), eq(runs.controlNumber, number)));
}
