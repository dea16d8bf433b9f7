import type { JobRetry, Phrase, Problem } from "@anneal/contracts";
import type { Transaction } from "@anneal/db";
import { and, asc, eq, inArray, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { ServiceContext } from "../context.ts";

type Columns =
  | "id"
  | "status"
  | "attempt"
  | "workerId"
  | "leaseExpiresAt"
  | "claimedAt"
  | "queuedAt"
  | "notBefore"
  | "stalledAttempts"
  | "workedSeconds"
  | "priority"
  | "waitingLimitSeconds"
  | "runningLimitSeconds"
  | "retry"
  | "finishedAt"
  | "problem";

/** A table with `jobColumns()`, an id, a status, a problem and the time of its end. */
export type JobTable = PgTable & { [K in Columns]: PgColumn };
/** Its rows, with the types of the columns that all jobs have. */
export type JobRow<T extends JobTable> = T["$inferSelect"] & {
  id: string;
  status: string;
  attempt: number;
  claimedAt: Date | null;
  notBefore: Date | null;
  stalledAttempts: number;
  workedSeconds: number;
  waitingLimitSeconds: number | null;
  runningLimitSeconds: number | null;
  retry: JobRetry | null;
};

type Now = Pick<ServiceContext, "now">;

/** What one kind of job adds to its table: its words, its statuses, and what it records beside the row. */
export interface JobKind<T extends JobTable> {
  table: T;
  subject: Phrase; // "run"
  waiting: string; // the status of a job in the queue
  taken: string; // the status that a claim sets
  held: readonly string[]; // statuses of a job in a worker's hands; `taken` is one of them
  /** Sends the message that makes a worker look at the table. */
  enqueue(queue: ServiceContext["queue"], tx: Transaction, id: string): Promise<void>;
  /** Limits what `requeue` sends for; jobs beyond it are somebody else's business. */
  requeued?: SQL | undefined;
  /** More columns that a claim sets. */
  onClaimed?(row: JobRow<T>, now: Date): Record<string, unknown>;
  /** After a claim, in its transaction; `before`: the status it had. */
  onTaken?(tx: Transaction, ctx: Now, row: JobRow<T>, before: string): Promise<void>;
  /** The holder is gone: records that, and answers how many attempts in a row have stalled. */
  onLost?(tx: Transaction, ctx: Now, row: JobRow<T>): Promise<number>;
  /** Where the lost holder was stopping anyway: what the row becomes instead of being taken. */
  stopped?(row: JobRow<T>, now: Date): ({ status: string } & Record<string, unknown>) | null;
  onStopped?(tx: Transaction, ctx: Now, row: JobRow<T>): Promise<void>;
  /** It failed without a worker: given up, or waited for too long. */
  onFailed?(tx: Transaction, ctx: Now, row: JobRow<T>, problem: Problem): Promise<void>;
}

/** Whether a worker that no longer answers holds the job; the database's clock decides, never a worker's. */
export const leaseOver = (table: JobTable): SQL<boolean> =>
  sql`(${table.leaseExpiresAt} is null or ${table.leaseExpiresAt} < now())`;

/** Jobs that are owed an attempt: queued and due, or held by a worker that is gone. */
export const owed = <T extends JobTable>({ table, waiting, held }: JobKind<T>): SQL | undefined =>
  or(
    and(eq(table.status, waiting), or(isNull(table.notBefore), lte(table.notBefore, sql`now()`))),
    and(inArray(table.status, [...held]), leaseOver(table)),
  );

export const waitsTooLong = <T extends JobTable>({ table, waiting }: JobKind<T>): SQL | undefined =>
  and(
    eq(table.status, waiting),
    sql`${table.queuedAt} + make_interval(secs => ${table.waitingLimitSeconds}) < now()`, // null: never
  );

// Who must wait after a breakdown stands behind those who need not; then the higher priority, then who came first.
const dueAt = (table: JobTable): SQL =>
  sql`case when ${table.notBefore} > now() then ${table.notBefore} else '-infinity' end`;

/** The one order of a queue: it is served in it, sent for in it and shown in it. */
export const queueOrder = (table: JobTable): SQL[] => [
  asc(dueAt(table)),
  asc(sql`-${table.priority}`),
  asc(table.queuedAt),
  asc(table.id),
];

/** The place of a waiting job in its queue, from 1; null where it does not wait. */
export const queuePosition = <T extends JobTable>({ table, waiting }: JobKind<T>): SQL<number | null> =>
  sql`case when ${table.status} = ${waiting} then (select count(*)::int from ${table} ahead
    where ahead.status = ${waiting} and (case when ahead.not_before > now() then ahead.not_before else '-infinity' end,
      -ahead.priority, ahead.queued_at, ahead.id) <= (${dueAt(table)}, -${table.priority}, ${table.queuedAt}, ${table.id})) end`;
