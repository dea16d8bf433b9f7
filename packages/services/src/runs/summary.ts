import type { Publication, RunStatus, RunSummary } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, desc, eq, getTableColumns, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { owed, queuePosition } from "../jobs/index.ts";
import { runKind } from "./execution/kind.ts";

const { attempts, deployments, models, runs, datasetVersions, datasets, workers } = schema;

// The plan is large (it holds example rows); lists leave it in the table, as what is for readers of events.
const { plan: _plan, inputs: _inputs, spec: _spec, metricSets: _metricSets, ...listColumns } = getTableColumns(runs);

const workedSeconds = sql<number>`(select coalesce(sum(extract(epoch from a.ended_at - a.started_at)), 0)::float8
  from ${attempts} a where a.run_id = ${runs.id} and a.ended_at is not null)`;
const workingSince = sql<
  string | null
>`(select max(a.started_at) from ${attempts} a where a.run_id = ${runs.id} and a.ended_at is null)`;

const base = sql<string>`${runs.spec}->>'base'`;
const baseName = sql<string | null>`(select m.name from ${models} m where ${base} = 'model:' || m.id)`;

const publications = sql<Publication[]>`(select coalesce(json_agg(json_build_object('id', d.id, 'name', d.name,
  'status', d.status, 'phase', d.phase, 'fraction', d.fraction, 'etaSeconds', d.eta_seconds) order by d.id desc), '[]')
  from ${deployments} d where d.run_id = ${runs.id})`;

// A worker writes its row every few seconds; one that was silent for half a minute is taken for gone.
const noWorker = sql<boolean>`(${runs.status} = 'queued' or ${owed(runKind)}) and not exists (
  select 1 from workers w where w.stopped_at is null and w.last_seen_at > now() - interval '30 seconds'
    and w.roles ? 'train' and (${runs.store} is null or w.store is null or w.store = ${runs.store}))`;

export const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

function selectRuns(db: ServiceContext["db"]) {
  return db
    .select({
      run: listColumns,
      datasetName: datasets.name,
      datasetNumber: datasetVersions.number,
      workerName: workers.name,
      queuePosition: queuePosition(runKind),
      workedSeconds,
      workingSince,
      base,
      methodKind: sql<RunSummary["methodKind"]>`${runs.spec}->'method'->>'kind'`,
      precision: sql<RunSummary["precision"]>`${runs.spec}->>'precision'`,
      baseName,
      publications,
      noWorker,
    })
    .from(runs)
    .innerJoin(datasetVersions, eq(datasetVersions.id, runs.datasetVersionId))
    .innerJoin(datasets, eq(datasets.id, datasetVersions.datasetId))
    .leftJoin(workers, eq(workers.id, runs.workerId));
}
type Row = Awaited<ReturnType<typeof selectRuns>>[number];

function toSummary({ run, datasetName, datasetNumber, workerName, queuePosition, ...rest }: Row): RunSummary {
  return {
    id: run.id,
    name: run.name,
    status: run.status,
    progress: run.progress,
    base: rest.base,
    baseName: rest.baseName,
    datasetName,
    datasetVersion: datasetNumber,
    methodKind: rest.methodKind,
    precision: rest.precision,
    lastLoss: run.lastLoss,
    accuracyBefore: run.evaluationBefore?.exactMatch ?? null,
    accuracyAfter: run.evaluationAfter?.exactMatch ?? null,
    queuePosition,
    workerName,
    problem: run.problem,
    createdAt: run.createdAt.toISOString(),
    startedAt: iso(run.startedAt),
    finishedAt: iso(run.finishedAt),
    workedSeconds: rest.workedSeconds,
    workingSince: rest.workingSince === null ? null : new Date(rest.workingSince).toISOString(),
    publications: rest.publications,
    noWorker: rest.noWorker,
  };
}

interface Sought {
  ids?: string[];
  status?: RunStatus[] | undefined;
  search?: string | undefined; // words that must all be found
  before?: string | undefined; // the id of the last run seen (ids sort by time)
}

// What a person remembers of a run. The base by its file or its name in the registry, not by the folder above it; an id by
// its beginning alone, as any other part of it is found by accident.
const searched = sql<string>`lower(concat_ws(' ', ${runs.name}, ${datasets.name} || ' v' || ${datasetVersions.number},
  (select d.name || ' v' || v.number from ${datasetVersions} v join ${datasets} d on d.id = v.dataset_id
    where v.id = ${runs.evaluationVersionId}),
  coalesce(${baseName}, regexp_replace(${base}, '^/.*/(?=[^/])', '')), ${runs.spec}->'method'->>'kind',
  ${runs.spec}->>'precision', ${runs.spec}->'objective'->>'kind', ${runs.spec}->'publish'->>'name'))`;

function conditionsOf({ ids, status, search, before }: Sought): SQL[] {
  const conditions: SQL[] = [];
  if (ids) conditions.push(inArray(runs.id, ids));
  if (status) conditions.push(inArray(runs.status, status));
  if (before) conditions.push(lt(runs.id, before));
  // strpos, not LIKE: what a person types is text, not a pattern.
  for (const word of (search ?? "").toLowerCase().split(/\s+/).filter(Boolean))
    conditions.push(
      sql`(strpos(${searched}, ${word}) > 0 or (length(${word}) >= 6 and starts_with(${runs.id}::text, ${word})))`,
    );
  return conditions;
}

/** Newest first. */
export async function findSummaries(
  db: ServiceContext["db"],
  { limit = 200, ...sought }: Sought & { limit?: number },
): Promise<RunSummary[]> {
  const rows = await selectRuns(db)
    .where(and(...conditionsOf(sought)))
    .orderBy(desc(runs.id))
    .limit(limit);
  return rows.map(toSummary);
}

/** How many runs there are in each status. */
export async function countByStatus(
  db: ServiceContext["db"],
  sought: Sought,
): Promise<Partial<Record<RunStatus, number>>> {
  const rows = await db
    .select({ status: runs.status, count: sql<number>`count(*)::int` })
    .from(runs)
    .innerJoin(datasetVersions, eq(datasetVersions.id, runs.datasetVersionId))
    .innerJoin(datasets, eq(datasets.id, datasetVersions.datasetId))
    .where(and(...conditionsOf(sought)))
    .groupBy(runs.status);
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}
