import { schema, type Transaction } from "@anneal/db";
import { and, eq, isNotNull, not } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";
import { type ClaimOptions as JobClaimOptions, owed } from "../../jobs/index.ts";
import { type Claim, ofStore, type RunRow, runKind, runLeases } from "./kind.ts";

const { runs, attempts } = schema;

export interface ClaimOptions extends JobClaimOptions {
  workerName: string;
  /** The identity of the worker's store: it takes no run whose files it cannot see. */
  store: string;
}
interface Taken {
  claim: Claim;
  run: RunRow;
}
type Context = Pick<ServiceContext, "db" | "now">;

const selection = (ctx: Context, { workerName, store, ...options }: ClaimOptions) => ({
  ...options,
  where: ofStore(store),
  set: { store },
  async onTaken(tx: Transaction, { id: runId, attempt }: RunRow) {
    await tx.insert(attempts).values({ runId, attempt, workerId: options.workerId, workerName, startedAt: ctx.now() });
  },
});

/**
 * Takes a queued run, or one whose worker is gone: raises its attempt, so that every write of the former holder is refused.
 * Null when there is nothing to take (finished, held by a live worker, or settled here because it was stopping).
 */
export async function claimRun(ctx: Context, runId: string, options: ClaimOptions): Promise<Taken | null> {
  const taken = await runLeases.claim(ctx, runId, selection(ctx, options));
  return taken && { claim: taken.claim, run: taken.row };
}

/** Takes the run whose turn it is, in the order that the queue shows. */
export async function claimNextRun(ctx: Context, options: ClaimOptions): Promise<Taken | null> {
  const taken = await runLeases.claimNext(ctx, selection(ctx, options));
  return taken && { claim: taken.claim, run: taken.row };
}

/** Prolongs the lease; answers what a person has asked for meanwhile. Throws STALE_ATTEMPT when the run was taken over. */
export async function renewLease(
  ctx: Pick<ServiceContext, "db">,
  claim: Claim,
  leaseSeconds: number,
): Promise<Pick<RunRow, "control" | "controlNumber" | "runningLimitSeconds"> & { overLimit: boolean }> {
  const { row, overLimit } = await runLeases.extend(ctx.db, claim, leaseSeconds);
  const { control, controlNumber, runningLimitSeconds } = row;
  return { control, controlNumber, runningLimitSeconds, overLimit };
}

/** A control that was carried out is taken off the row, unless a newer one has come. */
export async function clearControl(ctx: Pick<ServiceContext, "db">, claim: Claim, number: number): Promise<void> {
  await ctx.db
    .update(runs)
    .set({ control: null })
    .where(and(runLeases.owned(claim), eq(runs.controlNumber, number)));
}

type Sender = Pick<ServiceContext, "db" | "queue">;

/**
 * The runs table is the truth, the queue only a messenger that may forget (14 days) or lose a holder: every queued run, and
 * every run whose lease is over, gets a message again. The singleton key keeps that to one waiting message a run.
 */
export const requeueRuns = (ctx: Sender, store: string): Promise<string[]> =>
  runLeases.requeue(ctx, { where: ofStore(store) });

/** One message for the run whose turn it is, so that the worker that has just become free takes it at once. */
export const requeueNextRun = (ctx: Sender, store: string): Promise<string[]> =>
  runLeases.requeue(ctx, { where: ofStore(store), limit: 1 });

/** Whether the run waits for a worker of another store. */
export async function runsElsewhere(ctx: Pick<ServiceContext, "db">, runId: string, store: string): Promise<boolean> {
  const rows = await ctx.db
    .select({ id: runs.id })
    .from(runs)
    .where(and(eq(runs.id, runId), owed(runKind), isNotNull(runs.store), not(eq(runs.store, store))));
  return rows.length > 0;
}
