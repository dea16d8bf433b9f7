import type { RunSummary } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, desc, eq, getTableColumns, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const { attempts, runs, datasetVersions, datasets, workers } = schema;

// The plan is large (it holds example rows); lists leave it in the table.
const { plan: _plan, ...listColumns } = getTableColumns(runs);

const queuePosition = sql<number | null>`case when ${runs.status} = 'queued' then
  (select count(*)::int from runs ahead where ahead.status = 'queued' and (ahead.queued_at, ahead.id) <= (${runs.queuedAt}, ${runs.id})) end`;

const workedSeconds = sql<number>`(select coalesce(sum(extract(epoch from a.ended_at - a.started_at)), 0)::float8
  from ${attempts} a where a.run_id = ${runs.id} and a.ended_at is not null)`;
const workingSince = sql<
  string | null
>`(select max(a.started_at) from ${attempts} a where a.run_id = ${runs.id} and a.ended_at is null)`;

export const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

function selectRuns(db: ServiceContext["db"]) {
  return db
    .select({
      run: listColumns,
      datasetName: datasets.name,
      datasetNumber: datasetVersions.number,
      workerName: workers.name,
      queuePosition,
      workedSeconds,
      workingSince,
    })
    .from(runs)
    .innerJoin(datasetVersions, eq(datasetVersions.id, runs.datasetVersionId))
    .innerJoin(datasets, eq(datasets.id, datasetVersions.datasetId))
    .leftJoin(workers, eq(workers.id, runs.workerId));
}
type Row = Awaited<ReturnType<typeof selectRuns>>[number];

function toSummary({ run, datasetName, datasetNumber, workerName, queuePosition, ...worked }: Row): RunSummary {
  return {
    id: run.id,
    name: run.name,
    status: run.status,
    progress: run.progress,
    base: run.spec.base,
    datasetName,
    datasetVersion: datasetNumber,
    methodKind: run.spec.method.kind,
    precision: run.spec.precision,
    lastLoss: run.lastLoss,
    accuracyBefore: run.evaluationBefore?.exactMatch ?? null,
    accuracyAfter: run.evaluationAfter?.exactMatch ?? null,
    queuePosition,
    workerName,
    problem: run.problem,
    createdAt: run.createdAt.toISOString(),
    startedAt: iso(run.startedAt),
    finishedAt: iso(run.finishedAt),
    workedSeconds: worked.workedSeconds,
    workingSince: worked.workingSince === null ? null : new Date(worked.workingSince).toISOString(),
  };
}

/** Newest first; `before` is the id of the last run seen (ids sort by time). */
export async function findSummaries(
  db: ServiceContext["db"],
  where: { ids?: string[]; status?: RunSummary["status"][]; before?: string; limit?: number },
): Promise<RunSummary[]> {
  const conditions: SQL[] = [];
  if (where.ids) conditions.push(inArray(runs.id, where.ids));
  if (where.status) conditions.push(inArray(runs.status, where.status));
  if (where.before) conditions.push(lt(runs.id, where.before));
  const rows = await selectRuns(db)
    .where(and(...conditions))
    .orderBy(desc(runs.id))
    .limit(where.limit ?? 200);
  return rows.map(toSummary);
}
