import { type Problem, ServiceError, say, type WorkKind, type WorkProgress, workCatalogue } from "@anneal/contracts";
import { channels, type Database, newId, schema } from "@anneal/db";
import { and, asc, eq, exists, gt, inArray, isNotNull, isNull, lt, notExists, or, type SQL, sql } from "drizzle-orm";
import { digestOfJson } from "../canonical-json.ts";
import { inSeconds } from "../sql-time.ts";
import { aliveSince } from "../workers/rows.ts";
import type { Asker } from "./port.ts";

// The rows of work_requests: a lease and an attempt's number, as every job has them.

const { workRequests, workers } = schema;
export type WorkRequest = typeof workRequests.$inferSelect;
type Context = { db: Database };

export const wantedSeconds = 20; // a caller that says nothing for so long has gone
const mostAttempts = 3;
const finishedSeconds = 60; // long enough for the caller to read the answer
const listedSeconds = 3600; // what the jobs list still shows

const notify = (channel: string, payload: string) => sql`select pg_notify(${channel}, ${payload})`;
const underWay = inArray(workRequests.status, ["waiting", "running"]);

/** The request that answers this question: one under way, one answered lately that still holds, or a new one. */
export async function openRequest(
  { db }: Context,
  asker: Asker,
  kind: WorkKind,
  input: unknown,
  { title = null, worker = null }: { title?: string | null; worker?: string | null },
): Promise<string> {
  const { actor, projectId } = asker;
  const digest = digestOfJson([kind, input, worker, projectId, actor.kind, actor.id]);
  const id = newId();
  return db.transaction(async (tx) => {
    if (workCatalogue[kind].keepSeconds > 0) {
      const [kept] = await tx
        .select({ id: workRequests.id })
        .from(workRequests)
        .where(
          and(eq(workRequests.digest, digest), eq(workRequests.status, "done"), gt(workRequests.keepUntil, sql`now()`)),
        )
        .limit(1);
      if (kept) return kept.id;
    }
    const wantedUntil = inSeconds(wantedSeconds);
    const [row] = await tx
      .insert(workRequests)
      .values({ id, projectId, kind, digest, input, actor, title, forWorkerId: worker, wantedUntil })
      .onConflictDoUpdate({ target: workRequests.digest, targetWhere: underWay, set: { wantedUntil } })
      .returning({ id: workRequests.id });
    await tx.execute(notify(channels.work, kind));
    return row?.id ?? id;
  });
}

/** Says that these are still waited for. */
export async function keepWanted({ db }: Context, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db
    .update(workRequests)
    .set({ wantedUntil: inSeconds(wantedSeconds) })
    .where(and(inArray(workRequests.id, [...ids]), underWay));
}

/** The caller has gone; whoever else waits says so again within seconds. */
export async function dropWanted({ db }: Context, id: string): Promise<void> {
  await db
    .update(workRequests)
    .set({ wantedUntil: sql`now()` })
    .where(and(eq(workRequests.id, id), underWay));
  await db.execute(notify(channels.work, id));
}

export async function findRequest({ db }: Context, id: string): Promise<WorkRequest | null> {
  const [row] = await db.select().from(workRequests).where(eq(workRequests.id, id));
  return row ?? null;
}

/** Whether a worker that takes this kind of work has been heard of lately. */
export async function someWorkerTakes({ db }: Context, kind: WorkKind): Promise<boolean> {
  const role = JSON.stringify([workCatalogue[kind].role]);
  const [row] = await db
    .select({ id: workers.id })
    .from(workers)
    .where(and(aliveSince(), sql`${workers.roles} @> ${role}::jsonb`))
    .limit(1);
  return row !== undefined;
}

const takeable = (kinds: readonly WorkKind[], workerId: string): SQL | undefined =>
  and(
    inArray(workRequests.kind, [...kinds]),
    or(
      isNull(workRequests.forWorkerId),
      eq(workRequests.forWorkerId, workerId),
      notExists(sql`(select 1 from ${workers} where ${workers.id} = ${workRequests.forWorkerId} and ${aliveSince()})`),
    ),
    or(
      and(eq(workRequests.status, "waiting"), gt(workRequests.wantedUntil, sql`now()`)),
      and(
        eq(workRequests.status, "running"),
        or(
          lt(workRequests.leaseExpiresAt, sql`now()`),
          exists(sql`(select 1 from ${workers} w where w.id = ${workRequests.workerId} and w.stopped_at is not null)`),
        ),
      ),
    ),
  );

/** Takes the oldest request of these kinds that waits, or whose worker has died; raises its attempt. */
export async function claimRequest(
  { db }: Context,
  kinds: readonly WorkKind[],
  worker: { workerId: string; leaseSeconds: number },
): Promise<WorkRequest | null> {
  if (kinds.length === 0) return null;
  const next = db
    .select({ id: workRequests.id })
    .from(workRequests)
    .where(takeable(kinds, worker.workerId))
    .orderBy(asc(workRequests.createdAt), asc(workRequests.id))
    .limit(1)
    .for("update", { skipLocked: true });
  const [row] = await db
    .update(workRequests)
    .set({
      status: "running",
      attempt: sql`${workRequests.attempt} + 1`,
      workerId: worker.workerId,
      leaseExpiresAt: inSeconds(worker.leaseSeconds),
      startedAt: sql`coalesce(${workRequests.startedAt}, now())`,
    })
    .where(eq(workRequests.id, next))
    .returning();
  if (!row) return null;
  if (row.attempt <= mostAttempts) return row;
  const { problem } = new ServiceError(
    "INTERNAL",
    say`the worker died ${mostAttempts} [time|times] while it did this`,
    {
      remedy: say`look into the worker's log; it may lack memory for this`,
    },
  );
  await endRequest({ db }, row, { status: "failed", problem });
  return claimRequest({ db }, kinds, worker);
}

const mine = ({ id, attempt }: Pick<WorkRequest, "id" | "attempt">) =>
  and(eq(workRequests.id, id), eq(workRequests.attempt, attempt), eq(workRequests.status, "running"));

/** Prolongs the lease and says how far it is. What the worker must do: go on, stop (nobody waits, a person's cancel), or let go. */
export async function renewRequest(
  { db }: Context,
  request: WorkRequest,
  leaseSeconds: number,
  progress: WorkProgress | null,
): Promise<"go on" | "stop" | "lost"> {
  const [row] = await db
    .update(workRequests)
    .set({ leaseExpiresAt: inSeconds(leaseSeconds), ...(progress ? { progress } : {}) })
    .where(mine(request))
    .returning({
      wanted: sql<boolean>`${workRequests.wantedUntil} > now()`,
      cancelled: sql<boolean>`${workRequests.cancelRequestedAt} is not null`,
    });
  if (!row) return "lost";
  if (progress) await db.execute(notify(channels.answer, request.id));
  return row.wanted && !row.cancelled ? "go on" : "stop";
}

export type RequestEnd =
  | { status: "done"; output: unknown }
  | { status: "failed"; problem: Problem }
  | { status: "cancelled" }
  | { status: "waiting" }; // handed back by a worker that leaves

/** Stores how it ended; false where another attempt has taken it. */
export async function endRequest({ db }: Context, request: WorkRequest, end: RequestEnd): Promise<boolean> {
  const over = end.status !== "waiting";
  const keepSeconds = end.status === "done" ? workCatalogue[request.kind].keepSeconds : 0;
  const listed = workCatalogue[request.kind].listed ? listedSeconds : 0;
  return db.transaction(async (tx) => {
    const rows = await tx
      .update(workRequests)
      .set({
        ...end,
        leaseExpiresAt: null,
        ...(over
          ? {
              finishedAt: sql`now()`,
              keepUntil: inSeconds(Math.max(finishedSeconds, keepSeconds, listed)),
            }
          : { attempt: sql`${workRequests.attempt} - 1`, workerId: null }),
      })
      .where(mine(request))
      .returning({ id: workRequests.id });
    if (rows.length === 0) return false;
    await tx.execute(notify(over ? channels.answer : channels.work, over ? request.id : request.kind));
    return true;
  });
}

/** Removes answers that nobody reads any more, and questions that nobody waits for. */
export async function clearRequests({ db }: Context): Promise<void> {
  await db
    .delete(workRequests)
    .where(
      or(
        and(isNotNull(workRequests.keepUntil), lt(workRequests.keepUntil, sql`now()`)),
        and(eq(workRequests.status, "waiting"), isNull(workRequests.title), lt(workRequests.wantedUntil, sql`now()`)),
      ),
    );
}

/** A person's cancel: one that waits is over at once, one in a worker's hands is told. False: it had ended. */
export async function cancelRequest({ db }: Context, id: string): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [row] = await tx
      .update(workRequests)
      .set({
        cancelRequestedAt: sql`now()`,
        status: sql`case when ${workRequests.status} = 'waiting' then 'cancelled' else ${workRequests.status} end`,
        finishedAt: sql`case when ${workRequests.status} = 'waiting' then now() end`,
        keepUntil: sql`case when ${workRequests.status} = 'waiting' then ${inSeconds(listedSeconds)} end`,
      })
      .where(and(eq(workRequests.id, id), underWay))
      .returning({ id: workRequests.id });
    if (!row) return false;
    await tx.execute(notify(channels.work, id));
    await tx.execute(notify(channels.answer, id));
    return true;
  });
}
