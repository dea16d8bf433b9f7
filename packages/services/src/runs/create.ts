import {
  api,
  type JobOptions,
  type PlannedRun,
  plainJob,
  type RunCreated,
  type RunSpec,
  RunStatus,
  ServiceError,
  say,
} from "@anneal/contracts";
import { newId, schema, type Transaction } from "@anneal/db";
import { eq, inArray } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { homeId } from "../home-id.ts";
import {
  answers,
  type IdempotencyKey,
  jobOfKey,
  type KeyedJob,
  idempotencyKey as keyOf,
  type NewJob,
  openJob,
} from "../jobs/index.ts";
import { audit, verb } from "../verb.ts";
import { appendEvents } from "./append-events.ts";
import { runKind } from "./execution/kind.ts";
import { runDetail } from "./get.ts";

const { runs, datasets, datasetVersions } = schema;

async function defaultName(tx: Transaction, { base, dataset }: PlannedRun): Promise<string> {
  const [row] = await tx.select({ name: datasets.name }).from(datasets).where(eq(datasets.id, dataset.datasetId));
  return `${base.name} on ${row?.name ?? "dataset"}`.slice(0, 80);
}

/** Row, first event, audit and message in one transaction. Returns the run's id: an older one's when that answers for the key. */
async function insertRun(
  ctx: ServiceContext,
  spec: RunSpec,
  planned: PlannedRun,
  job: { key: IdempotencyKey | null; options: JobOptions },
): Promise<{ id: string; replaces: KeyedJob | null }> {
  const insert = async (tx: Transaction, values: NewJob) => {
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
      ...values,
      name,
      spec,
      plan: planned.plan,
      datasetVersionId: planned.dataset.id,
      evaluationVersionId: planned.evaluation?.id ?? null,
      home: homeId(ctx.paths.home),
      createdBy: ctx.actor.id,
    });
    await audit(tx, ctx, "run.create", values.id, { name, base: spec.base, dataset: spec.dataset });
    const status = { type: "status", status: "queued", problem: null } as const;
    await appendEvents(tx, values.id, 0, [{ time: values.createdAt, body: status }]);
  };
  return ctx.db.transaction((tx) => openJob(ctx, tx, runKind, { id: newId(), ...job }, (values) => insert(tx, values)));
}

export const create = verb(api.runs.create, async (ctx, { spec, idempotencyKey, job }): Promise<RunCreated> => {
  const key = keyOf(ctx, "runs.create", idempotencyKey, spec);
  // A repetition is answered before anything is weighed again: the machine may be fuller by now.
  const before = key ? await jobOfKey(ctx.db, runs, key) : null;
  if (answers(before)) return { ...(await runDetail(ctx, before.id)), replaces: null };
  const planned = await ctx.work.ask(ctx, "run.plan", { spec, waitForSpeedMilliseconds: 0 });
  const [problem] = planned.plan.problems;
  if (problem)
    throw new ServiceError(problem.code, problem.message, {
      field: problem.field ?? undefined,
      remedy: problem.remedy ?? undefined,
      details: { ...problem.details, problems: planned.plan.problems },
    });
  const { id, replaces } = await insertRun(ctx, spec, planned, { key, options: job ?? plainJob });
  return {
    ...(await runDetail(ctx, id)),
    replaces: replaces && { runId: replaces.id, status: RunStatus.parse(replaces.status) },
  };
});
