import { createHash } from "node:crypto";
import { api, type RunDetail, type RunSpec, ServiceError, say } from "@anneal/contracts";
import { newId, schema, type Transaction } from "@anneal/db";
import { and, eq, inArray } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { audit, verb } from "../verb.ts";
import { appendEvents } from "./append-events.ts";
import { runDetail } from "./get.ts";
import { makePlan, type Planned } from "./planning/make-plan.ts";

const { runs, datasets, datasetVersions, idempotencyKeys } = schema;

// Keys sorted, so that the same spec written in another order is the same spec.
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
const hashOf = (spec: RunSpec) =>
  createHash("sha256")
    .update(JSON.stringify(sorted(spec)))
    .digest("hex");

const scopeOf = (ctx: ServiceContext) => `runs.create ${ctx.actor.kind} ${ctx.actor.id}`;

/** The run that this key made; a key that stands for another spec is refused. */
async function runOfKey(db: ServiceContext["db"] | Transaction, scope: string, key: string, inputHash: string) {
  const [row] = await db
    .select()
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.scope, scope), eq(idempotencyKeys.key, key)));
  if (row && row.inputHash !== inputHash)
    throw new ServiceError("CONFLICT", say`this idempotency key has made a run of another spec`, {
      field: "idempotencyKey",
      remedy: say`use a new key for a new run`,
    });
  return row?.resultId ?? null;
}

async function defaultName(tx: Transaction, { base, dataset }: Planned): Promise<string> {
  const [row] = await tx.select({ name: datasets.name }).from(datasets).where(eq(datasets.id, dataset.datasetId));
  return `${base.name} on ${row?.name ?? "dataset"}`.slice(0, 80);
}

/** Row, first event, audit and message in one transaction. Returns the run's id: an older one's when the key was used. */
async function insertRun(
  ctx: ServiceContext,
  spec: RunSpec,
  planned: Planned,
  key: { scope: string; key: string; hash: string } | null,
): Promise<string> {
  const runId = newId();
  const now = ctx.now();
  return ctx.db.transaction(async (tx) => {
    if (key) {
      // A second request with the key waits here for the first one's end, and then sees its run.
      const mine = await tx
        .insert(idempotencyKeys)
        .values({ scope: key.scope, key: key.key, inputHash: key.hash, resultId: runId, createdAt: now })
        .onConflictDoNothing()
        .returning({ key: idempotencyKeys.key });
      if (mine.length === 0) {
        const theirs = await runOfKey(tx, key.scope, key.key, key.hash);
        if (theirs) return theirs;
        throw new ServiceError("CONFLICT", say`the same request is being worked on`, { remedy: say`try again` });
      }
    }
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
      createdBy: ctx.actor.id,
      createdAt: now,
      queuedAt: now,
    });
    await audit(tx, ctx, "run.create", runId, { name, base: spec.base, dataset: spec.dataset });
    await appendEvents(tx, runId, 0, [{ time: now, body: { type: "status", status: "queued", problem: null } }]);
    await ctx.queue.enqueue(tx, "run.advance", { runId });
    return runId;
  });
}

export const create = verb(api.runs.create, async (ctx, { spec, idempotencyKey }): Promise<RunDetail> => {
  const key = idempotencyKey ? { scope: scopeOf(ctx), key: idempotencyKey, hash: hashOf(spec) } : null;
  // A repetition is answered before anything is weighed again: the machine may be fuller by now.
  const before = key ? await runOfKey(ctx.db, key.scope, key.key, key.hash) : null;
  if (before) return runDetail(ctx, before);
  const planned = await makePlan(ctx, spec, { waitForSpeedMilliseconds: 0 });
  const [problem] = planned.plan.problems;
  if (problem)
    throw new ServiceError(problem.code, problem.message, {
      field: problem.field ?? undefined,
      remedy: problem.remedy ?? undefined,
      details: { ...problem.details, problems: planned.plan.problems },
    });
  return runDetail(ctx, await insertRun(ctx, spec, planned, key));
});
