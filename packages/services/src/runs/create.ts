import {
  api,
  type PlannedRun,
  type RunCreated,
  type RunSpec,
  type RunStatus,
  ServiceError,
  say,
} from "@anneal/contracts";
import { newId, schema, type Transaction } from "@anneal/db";
import { and, eq, inArray } from "drizzle-orm";
import { digestOfJson } from "../canonical-json.ts";
import type { ServiceContext } from "../context.ts";
import { homeId } from "../home-id.ts";
import { audit, verb } from "../verb.ts";
import { appendEvents } from "./append-events.ts";
import { runDetail } from "./get.ts";

const { runs, datasets, datasetVersions, idempotencyKeys } = schema;

const scopeOf = (ctx: ServiceContext) => `runs.create ${ctx.actor.kind} ${ctx.actor.id}`;

interface Key {
  scope: string;
  key: string;
  hash: string;
}
type KeyedRun = NonNullable<RunCreated["replaces"]>;

// Such a run trains no more: a key that stands for it starts another.
const over: readonly RunStatus[] = ["cancelling", "cancelled", "failed"];
const answers = (run: KeyedRun | null): run is KeyedRun => run !== null && !over.includes(run.status);

/** The run that this key stands for; null where it was removed. A key that stands for another spec is refused. */
async function runOfKey(db: ServiceContext["db"] | Transaction, { scope, key, hash }: Key): Promise<KeyedRun | null> {
  const [row] = await db
    .select({ inputHash: idempotencyKeys.inputHash, runId: runs.id, status: runs.status })
    .from(idempotencyKeys)
    .innerJoin(runs, eq(runs.id, idempotencyKeys.resultId))
    .where(and(eq(idempotencyKeys.scope, scope), eq(idempotencyKeys.key, key)));
  if (!row) return null;
  if (row.inputHash !== hash)
    throw new ServiceError("CONFLICT", say`this idempotency key has made a run of another spec`, {
      field: "idempotencyKey",
      remedy: say`use a new key for a new run`,
    });
  return { runId: row.runId, status: row.status };
}

/** Lets the key stand for the new run, unless it stands for one that answers for it: then that one is returned. */
async function takeKey(tx: Transaction, key: Key, runId: string, now: Date): Promise<RunOfKey> {
  // A second request with the key waits here for the first one's end, and then sees its run.
  const values = { inputHash: key.hash, resultId: runId, createdAt: now };
  const mine = await tx
    .insert(idempotencyKeys)
    .values({ scope: key.scope, key: key.key, ...values })
    .onConflictDoNothing()
    .returning({ key: idempotencyKeys.key });
  if (mine.length > 0) return { answer: null, replaces: null };
  const row = and(eq(idempotencyKeys.scope, key.scope), eq(idempotencyKeys.key, key.key));
  await tx.select({ key: idempotencyKeys.key }).from(idempotencyKeys).where(row).for("update");
  const before = await runOfKey(tx, key);
  if (answers(before)) return { answer: before.runId, replaces: null };
  const taken = await tx.update(idempotencyKeys).set(values).where(row).returning({ key: idempotencyKeys.key });
  // None: its run was removed just now, and the key with it.
  return taken.length > 0 ? { answer: null, replaces: before } : takeKey(tx, key, runId, now);
}
interface RunOfKey {
  answer: string | null;
  replaces: KeyedRun | null;
}

async function defaultName(tx: Transaction, { base, dataset }: PlannedRun): Promise<string> {
  const [row] = await tx.select({ name: datasets.name }).from(datasets).where(eq(datasets.id, dataset.datasetId));
  return `${base.name} on ${row?.name ?? "dataset"}`.slice(0, 80);
}

/** Row, first event, audit and message in one transaction. Returns the run's id: an older one's when that answers for the key. */
async function insertRun(
  ctx: ServiceContext,
  spec: RunSpec,
  planned: PlannedRun,
  key: Key | null,
): Promise<{ runId: string; replaces: KeyedRun | null }> {
  const runId = newId();
  const now = ctx.now();
  return ctx.db.transaction(async (tx) => {
    const { answer, replaces } = key ? await takeKey(tx, key, runId, now) : { answer: null, replaces: null };
    if (answer) return { runId: answer, replaces: null };
    // Held until the end: a dataset that is being removed meanwhile must not lose its rows under the run.
    const versions = [planned.dataset.id, ...(planned.evaluation ? [planned.evaluation.id] : [])];
    const there = await tx
      .select({ id: datasetVersions.id })
      .from(datasetVersions)
      .where(inArray(datasetVersions.id, versions))
      .for("key share");
    if (there.length !== new Set(versions).size)
      throw new ServiceError("NOT_FOUND", say`dataset: it was removed meanwhile`, {
        field: "dataset",
        remedy: say`choose another`,
      });
    const name = spec.name ?? (await defaultName(tx, planned));
    await tx.insert(runs).values({
      id: runId,
      name,
      spec,
      plan: planned.plan,
      datasetVersionId: planned.dataset.id,
      evaluationVersionId: planned.evaluation?.id ?? null,
      home: homeId(ctx.paths.home),
      createdBy: ctx.actor.id,
      createdAt: now,
      queuedAt: now,
    });
    await audit(tx, ctx, "run.create", runId, { name, base: spec.base, dataset: spec.dataset });
    await appendEvents(tx, runId, 0, [{ time: now, body: { type: "status", status: "queued", problem: null } }]);
    await ctx.queue.enqueue(tx, "run.advance", { runId });
    return { runId, replaces };
  });
}

export const create = verb(api.runs.create, async (ctx, { spec, idempotencyKey }): Promise<RunCreated> => {
  const key = idempotencyKey ? { scope: scopeOf(ctx), key: idempotencyKey, hash: digestOfJson(spec) } : null;
  // A repetition is answered before anything is weighed again: the machine may be fuller by now.
  const before = key ? await runOfKey(ctx.db, key) : null;
  if (answers(before)) return { ...(await runDetail(ctx, before.runId)), replaces: null };
  const planned = await ctx.work.ask(ctx, "run.plan", { spec, waitForSpeedMilliseconds: 0 });
  const [problem] = planned.plan.problems;
  if (problem)
    throw new ServiceError(problem.code, problem.message, {
      field: problem.field ?? undefined,
      remedy: problem.remedy ?? undefined,
      details: { ...problem.details, problems: planned.plan.problems },
    });
  const { runId, replaces } = await insertRun(ctx, spec, planned, key);
  return { ...(await runDetail(ctx, runId)), replaces };
});
