import { type JobOptions, ServiceError, say } from "@anneal/contracts";
import { schema, type Transaction } from "@anneal/db";
import { and, eq } from "drizzle-orm";
import { digestOfJson } from "../canonical-json.ts";
import type { ServiceContext } from "../context.ts";
import type { JobKind, JobTable } from "./kind.ts";

const { idempotencyKeys } = schema;

export interface IdempotencyKey {
  scope: string; // verb and actor, so that two people may use the same key
  key: string;
  hash: string; // of the input, without the job's options: those of the first request count
}

/** The key of a request, null where it has none. */
export const idempotencyKey = (
  ctx: Pick<ServiceContext, "actor">,
  action: string,
  key: string | undefined,
  input: unknown,
): IdempotencyKey | null =>
  key === undefined
    ? null
    : {
        scope: `${action} ${ctx.actor.kind} ${ctx.actor.id}`,
        key,
        hash: digestOfJson(input),
      };

export interface KeyedJob {
  id: string;
  status: string;
}
/** A key's job answers for it while it waits, runs or has succeeded; one of these statuses gives the key to a new job. */
const over: readonly string[] = ["cancelling", "cancelled", "failed"];
export const answers = (job: KeyedJob | null): job is KeyedJob => job !== null && !over.includes(job.status);

/** The job that this key stands for; null where it was removed. A key that stands for another input is refused. */
export async function jobOfKey(
  db: Pick<ServiceContext["db"] | Transaction, "select">,
  table: JobTable,
  { scope, key, hash }: IdempotencyKey,
): Promise<KeyedJob | null> {
  const [row] = await db
    .select({ inputHash: idempotencyKeys.inputHash, id: table.id, status: table.status })
    .from(idempotencyKeys)
    .innerJoin(table, eq(table.id, idempotencyKeys.resultId))
    .where(and(eq(idempotencyKeys.scope, scope), eq(idempotencyKeys.key, key)));
  if (!row) return null;
  if (row.inputHash !== hash)
    throw new ServiceError("CONFLICT", say`this idempotency key stands for another request`, {
      field: "idempotencyKey",
      remedy: say`use a new key for a new request`,
    });
  return { id: String(row.id), status: String(row.status) };
}

export interface Opening {
  answer: string | null; // the job that answers for the key
  replaces: KeyedJob | null; // the ended job that the key stood for until now
}

/** Lets the key stand for the new job, unless it stands for one that answers for it. Removing a job frees its key. */
export async function takeKey(
  tx: Transaction,
  table: JobTable,
  key: IdempotencyKey | null,
  id: string,
  now: Date,
): Promise<Opening> {
  if (!key) return { answer: null, replaces: null };
  // A second request with the key waits here for the first one's end, and then sees its job.
  const values = { inputHash: key.hash, resultId: id, createdAt: now };
  const mine = await tx
    .insert(idempotencyKeys)
    .values({ scope: key.scope, key: key.key, ...values })
    .onConflictDoNothing()
    .returning({ key: idempotencyKeys.key });
  if (mine.length > 0) return { answer: null, replaces: null };
  const row = and(eq(idempotencyKeys.scope, key.scope), eq(idempotencyKeys.key, key.key));
  await tx.select({ key: idempotencyKeys.key }).from(idempotencyKeys).where(row).for("update");
  const before = await jobOfKey(tx, table, key);
  if (answers(before)) return { answer: before.id, replaces: null };
  const taken = await tx.update(idempotencyKeys).set(values).where(row).returning({ key: idempotencyKeys.key });
  // None: its job was removed just now, and the key with it.
  return taken.length > 0 ? { answer: null, replaces: before } : takeKey(tx, table, key, id, now);
}

/** Frees the key of a job that is removed: whoever asks again with it wants a new one. */
export const freeKey = async (tx: Transaction, id: string): Promise<void> => {
  await tx.delete(idempotencyKeys).where(eq(idempotencyKeys.resultId, id));
};

/** The columns that a new job's row gets. */
export type NewJob = JobOptions & { id: string; createdAt: Date; queuedAt: Date };

/**
 * The one door for jobs of every kind: a key makes the same request twice one job, `insert` writes the row (its columns of the
 * job come as `values`), and the message exists exactly when the row does. Answers the id of the job that stands for the request.
 */
export async function openJob<T extends JobTable>(
  ctx: Pick<ServiceContext, "now" | "queue">,
  tx: Transaction,
  kind: JobKind<T>,
  job: { id: string; key: IdempotencyKey | null; options: JobOptions },
  insert: (values: NewJob) => Promise<void>,
): Promise<{ id: string; replaces: KeyedJob | null }> {
  const now = ctx.now();
  const { answer, replaces } = await takeKey(tx, kind.table, job.key, job.id, now);
  if (answer) return { id: answer, replaces: null };
  await insert({ ...job.options, id: job.id, createdAt: now, queuedAt: now });
  await kind.enqueue(ctx.queue, tx, job.id);
  return { id: job.id, replaces };
}
