import { type JobRetry, type Phrase, type Problem, ServiceError, say } from "@anneal/contracts";
import type { Database, Transaction } from "@anneal/db";
import { and, eq, getTableColumns, inArray, type SQL, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { inSeconds } from "../sql-time.ts";
import { type JobKind, type JobRow, type JobTable, owed, queueOrder, waitsTooLong } from "./kind.ts";
import { limitProblem, stalledProblem } from "./problems.ts";

/** A worker's hold on a job: each claim raises the attempt and shuts the former holder out. */
export interface JobClaim {
  id: string;
  attempt: number;
  fenced: boolean; // false only in the negative control of the tests
}

export interface ClaimOptions {
  workerId: string;
  leaseSeconds: number;
  /** Where the job's own row says nothing else. */
  retry: JobRetry;
  fenced: boolean;
}
interface Selection<Row> extends ClaimOptions {
  where?: SQL | undefined;
  evenHeld?: boolean; // its owner takes its own back at once, whoever holds it
  set?: Changes; // more columns to write with the claim
  /** More to write with it, in its transaction. */
  onTaken?: (tx: Transaction, row: Row) => Promise<void>;
}

type Connection = Pick<Database | Transaction, "select" | "update">;
type Changes = Record<string, unknown>;

/** Claim, extend, fence, release and requeue over one table of jobs: the row decides who works, its attempt who may write. */
export function leases<T extends JobTable>(kind: JobKind<T>) {
  type Row = JobRow<T>;
  const { subject } = kind;
  const table: JobTable = kind.table;
  const stale = (claim: JobClaim, current: number | null = null): ServiceError =>
    new ServiceError("STALE_ATTEMPT", staleWords(subject, claim, current), {
      remedy: say`nothing to do: the newer attempt continues`,
    });
  const owned = (claim: JobClaim): SQL | undefined =>
    claim.fenced ? and(eq(table.id, claim.id), eq(table.attempt, claim.attempt)) : eq(table.id, claim.id);
  // Of an attempt whose worker is gone, up to when its lease ended at the latest.
  const workedSoFar = sql`${table.workedSeconds} + greatest(0, coalesce(extract(epoch from
    least(now(), coalesce(${table.leaseExpiresAt}, now())) - ${table.claimedAt}), 0))`;
  const released = { workerId: null, leaseExpiresAt: null, claimedAt: null, workedSeconds: workedSoFar };

  async function change(db: Connection, where: SQL | undefined, changes: Changes): Promise<Row | null> {
    const [row] = await db.update(table).set(changes).where(where).returning();
    return (row as Row | undefined) ?? null;
  }

  /** Fails a job that the caller has locked, and raises its attempt: a holder that wakes up must find itself shut out. */
  async function give(tx: Transaction, ctx: Pick<ServiceContext, "now">, row: Row, problem: Problem): Promise<void> {
    const { stalledAttempts } = row;
    const changes = {
      ...released,
      status: "failed",
      attempt: row.attempt + 1,
      stalledAttempts,
      notBefore: null,
      problem,
    };
    const failed = await change(tx, eq(table.id, row.id), { ...changes, finishedAt: ctx.now() });
    if (failed) await kind.onFailed?.(tx, ctx, failed, problem);
  }

  async function claimOne(
    ctx: Pick<ServiceContext, "db" | "now">,
    where: SQL | undefined,
    options: Selection<Row>,
    skipLocked: boolean,
  ): Promise<{ claim: JobClaim; row: Row } | "settled" | null> {
    return ctx.db.transaction(async (tx) => {
      const [found] = await tx
        .select({ row: getTableColumns(table), overdue: sql<boolean>`coalesce(${waitsTooLong(kind)}, false)` })
        .from(table)
        .where(where)
        .orderBy(...queueOrder(table))
        .limit(1)
        .for("update", skipLocked ? { skipLocked } : {});
      if (!found) return null;
      const { overdue } = found;
      const row = found.row as Row;
      const lost = kind.held.includes(row.status) && !options.evenHeld;
      const stalled = !lost ? row.stalledAttempts : ((await kind.onLost?.(tx, ctx, row)) ?? row.stalledAttempts + 1);
      const stopped = lost ? (kind.stopped?.(row, ctx.now()) ?? null) : null;
      const attempt = row.attempt + 1;
      if (stopped) {
        const settled = await change(tx, eq(table.id, row.id), { ...released, ...stopped, attempt });
        if (settled) await kind.onStopped?.(tx, ctx, settled);
        return "settled";
      }
      const { attempts } = row.retry ?? options.retry;
      if (stalled >= attempts) {
        await give(tx, ctx, { ...row, stalledAttempts: stalled }, stalledProblem(subject, stalled));
        return "settled";
      }
      if (!lost && overdue) {
        await give(tx, ctx, row, limitProblem(subject, "waiting", row.waitingLimitSeconds ?? 0));
        return "settled";
      }
      const taken = await change(tx, eq(table.id, row.id), {
        ...released,
        finishedAt: null,
        ...kind.onClaimed?.(row, ctx.now()),
        ...options.set,
        status: kind.taken,
        attempt,
        workerId: options.workerId,
        claimedAt: sql`now()`,
        leaseExpiresAt: inSeconds(options.leaseSeconds),
        stalledAttempts: stalled,
        notBefore: null,
        problem: null,
      });
      if (!taken) return null;
      await options.onTaken?.(tx, taken);
      await kind.onTaken?.(tx, ctx, taken, row.status);
      return { claim: { id: row.id, attempt, fenced: options.fenced }, row: taken };
    });
  }

  return {
    kind,
    stale,
    owned,

    /** Takes one job by its id; null when there is nothing to take. */
    async claim(
      ctx: Pick<ServiceContext, "db" | "now">,
      id: string,
      options: Selection<Row>,
    ): Promise<{ claim: JobClaim; row: Row } | null> {
      const due = options.evenHeld ? inArray(table.status, [kind.waiting, ...kind.held]) : owed(kind);
      const taken = await claimOne(ctx, and(eq(table.id, id), due, options.where), options, false);
      return taken === "settled" ? null : taken;
    },

    /** Takes the job whose turn it is, in the order that the queue shows; a message is only a nudge. */
    async claimNext(
      ctx: Pick<ServiceContext, "db" | "now">,
      options: Selection<Row>,
    ): Promise<{ claim: JobClaim; row: Row } | null> {
      for (;;) {
        const taken = await claimOne(ctx, and(owed(kind), options.where), options, true);
        if (taken !== "settled") return taken;
      }
    },

    /** Prolongs the hold, writes `changes` along, and says whether the job has run longer than it may. Throws STALE_ATTEMPT. */
    async extend(db: Connection, claim: JobClaim, leaseSeconds: number, changes: Changes = {}) {
      const worked = sql`${table.workedSeconds} + coalesce(extract(epoch from now() - ${table.claimedAt}), 0)`;
      const [found] = await db
        .update(table)
        .set({ ...changes, leaseExpiresAt: inSeconds(leaseSeconds) })
        .where(owned(claim))
        .returning({
          ...getTableColumns(table),
          overLimit: sql<boolean>`coalesce(${worked} > ${table.runningLimitSeconds}, false)`,
        });
      if (!found) throw stale(claim);
      const { overLimit, ...row } = found;
      return { row: row as Row, overLimit: overLimit === true };
    },

    /** Takes the row's lock and refuses a claim that is not the newest; every larger write of a worker starts with it. */
    async lock(tx: Transaction, claim: JobClaim): Promise<Row> {
      const [found] = await tx.select().from(table).where(eq(table.id, claim.id)).for("update");
      const row = found as Row | undefined;
      if (!row) throw stale(claim);
      if (claim.fenced && row.attempt !== claim.attempt) throw stale(claim, row.attempt);
      return row;
    },

    /** Gives the job up: into a status of its end, or back into the queue. Fenced. */
    async release(
      ctx: Pick<ServiceContext, "queue">,
      tx: Transaction,
      claim: JobClaim,
      changes: Changes & { status: string },
    ): Promise<Row> {
      const row = await change(tx, owned(claim), { ...released, ...changes });
      if (!row) throw stale(claim);
      if (row.status === kind.waiting && row.notBefore === null) await kind.enqueue(ctx.queue, tx, row.id);
      return row;
    },

    /** Sends again for jobs that are owed an attempt: their message or their worker was lost. In the order of the queue. */
    async requeue(
      ctx: Pick<ServiceContext, "db" | "queue">,
      options: { where?: SQL | undefined; limit?: number } = {},
    ): Promise<string[]> {
      return ctx.db.transaction(async (tx) => {
        const rows = await tx
          .select({ id: table.id })
          .from(table)
          .where(and(owed(kind), kind.requeued, options.where))
          .orderBy(...queueOrder(table))
          .limit(options.limit ?? 1000);
        const ids = rows.map(({ id }) => String(id));
        for (const id of ids) await kind.enqueue(ctx.queue, tx, id);
        return ids;
      });
    },

    /** Fails jobs that have waited longer than they may. */
    async failOverdue(ctx: Pick<ServiceContext, "db" | "now" | "queue">): Promise<string[]> {
      return ctx.db.transaction(async (tx) => {
        const rows = await tx.select().from(table).where(waitsTooLong(kind)).for("update", { skipLocked: true });
        for (const row of rows as Row[])
          await give(tx, ctx, row, limitProblem(subject, "waiting", row.waitingLimitSeconds ?? 0));
        return (rows as Row[]).map(({ id }) => id);
      });
    },

    /** Ends the leases of workers that are gone, so that nobody waits for them to run out. */
    async expire(tx: Transaction, workerIds: string[]): Promise<void> {
      await tx
        .update(table)
        .set({ leaseExpiresAt: sql`now() - interval '1 second'` })
        .where(and(inArray(table.workerId, workerIds), inArray(table.status, [...kind.held])));
    },
  };
}
export type Leases<T extends JobTable> = ReturnType<typeof leases<T>>;

function staleWords(subject: Phrase, { id, attempt }: JobClaim, current: number | null): Phrase {
  return current === null
    ? say`attempt ${attempt} of ${subject} ${id} has been taken over`
    : say`attempt ${attempt} of ${subject} ${id} has been taken over by attempt ${current}`;
}

const longestPauseSeconds = 300;

/** What follows a broken attempt: whether the job is given up, and how long the next one is waited for. */
export function afterFailure(
  row: { stalledAttempts: number; retry: JobRetry | null },
  broken: { progressed: boolean; permanent: boolean; retry: JobRetry },
): { giveUp: boolean; stalledAttempts: number; waitSeconds: number; notBefore: SQL | null } {
  const { attempts, waitSeconds } = row.retry ?? broken.retry;
  const stalledAttempts = broken.progressed ? 0 : row.stalledAttempts + 1;
  const giveUp = broken.permanent || stalledAttempts >= attempts;
  // What broke at once will mostly break at once again: a file that is away for a moment.
  const wait =
    giveUp || stalledAttempts === 0
      ? 0
      : Math.min(Math.max(longestPauseSeconds, waitSeconds), waitSeconds * 4 ** (stalledAttempts - 1));
  return { giveUp, stalledAttempts, waitSeconds: wait, notBefore: wait > 0 ? inSeconds(wait) : null };
}
