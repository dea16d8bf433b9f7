import type { DatasetSummary, DatasetVersionSummary } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { asc, desc, eq, type SQL, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const { datasets, datasetVersions, runs } = schema;

const usedBy = sql<number>`(select count(*)::int from ${runs} r where exists (select 1 from ${datasetVersions} used
  where used.dataset_id = ${datasets.id} and used.id in (r.dataset_version_id, r.evaluation_version_id)))`;

export function toVersion(row: typeof datasetVersions.$inferSelect): DatasetVersionSummary {
  const { id, datasetId, digest, number, rows, bytes, format, badLineCount, sourceName, leftOut } = row;
  const createdAt = row.createdAt.toISOString();
  return { id, datasetId, digest, number, rows, bytes, format, badLineCount, sourceName, leftOut, createdAt };
}

/** Datasets with their versions, newest of each first. */
export async function findDatasets(db: ServiceContext["db"], where?: SQL): Promise<DatasetSummary[]> {
  const rows = await db
    .select({ dataset: datasets, version: datasetVersions, runs: usedBy })
    .from(datasets)
    .leftJoin(datasetVersions, eq(datasetVersions.datasetId, datasets.id))
    .where(where)
    .orderBy(desc(datasets.id), desc(datasetVersions.number), asc(datasetVersions.id));
  const found = new Map<string, DatasetSummary>();
  for (const { dataset, version, runs } of rows) {
    const { id, name } = dataset;
    const summary = found.get(id) ?? { id, name, createdAt: dataset.createdAt.toISOString(), runs, versions: [] };
    if (version) summary.versions.push(toVersion(version));
    found.set(id, summary);
  }
  return [...found.values()];
}
