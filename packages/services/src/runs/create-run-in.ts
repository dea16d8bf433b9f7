import {
  type JobOptions,
  type PlannedRun,
  plainJob,
  type RunInputs,
  type RunSpec,
  ServiceError,
  say,
  storeSpec,
} from "@anneal/contracts";
import { newId, schema, type Transaction } from "@anneal/db";
import { eq, inArray } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { type IdempotencyKey, type KeyedJob, type NewJob, openJob } from "../jobs/index.ts";
import { audit } from "../verb.ts";
import { appendEvents } from "./append-events.ts";
import { runKind } from "./execution/kind.ts";
import { planFor } from "./planning/plan-for.ts";

const { runs, datasets, datasetVersions } = schema;

/** A run that may begin: planned, its inputs pinned. */
export interface PreparedRun {
  spec: RunSpec;
  planned: PlannedRun;
  inputs: RunInputs;
}

/** Weighs a spec before any transaction; what speaks against the run is thrown, all problems in the details. */
export async function prepareRun(ctx: ServiceContext, spec: RunSpec): Promise<PreparedRun> {
  const planned = await planFor(ctx, spec, { waitForSpeedMilliseconds: 0, pin: true });
  const { problems } = planned.plan;
  const [problem] = problems;
  if (problem) throw ServiceError.of(problem, { details: { ...problem.details, problems } });
  if (!planned.inputs) throw new Error("a plan without problems has its inputs");
  return { spec, planned, inputs: planned.inputs };
}

async function defaultName(tx: Transaction, { base, dataset }: PlannedRun): Promise<string> {
  const [row] = await tx.select({ name: datasets.name }).from(datasets).where(eq(datasets.id, dataset.datasetId));
  return `${base.name} on ${row?.name ?? "dataset"}`.slice(0, 80);
}

/**
 * Row, first event, audit and message, in the transaction of whoever wants the run. Returns its id: an older one's when that
 * answers for the key.
 */
export async function createRunIn(
  tx: Transaction,
  ctx: ServiceContext,
  { spec, planned, inputs }: PreparedRun,
  job: { key: IdempotencyKey | null; options: JobOptions } = { key: null, options: plainJob },
): Promise<{ id: string; replaces: KeyedJob | null }> {
  return openJob(ctx, tx, runKind, { id: newId(), ...job }, async (values: NewJob) => {
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
      spec: storeSpec(spec),
      inputs,
      plan: planned.plan,
      datasetVersionId: planned.dataset.id,
      evaluationVersionId: planned.evaluation?.id ?? null,
      store: await ctx.files.store.id(),
      createdBy: ctx.actor.id,
    });
    await audit(tx, ctx, "run.create", values.id, { name, base: spec.base, dataset: spec.dataset });
    const status = { type: "status", status: "queued", problem: null } as const;
    await appendEvents(tx, values.id, 0, [{ time: values.createdAt, body: status }]);
  });
}
