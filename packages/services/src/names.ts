import type { Names } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, asc, eq, inArray, sql } from "drizzle-orm";
import type { ServiceContext } from "./context.ts";

const { apiTokens, audit, checkpoints, datasets, datasetVersions, deployments, models, runs, teacherFiles } = schema;

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** The ids that stand anywhere in a value, each once. */
export const idsIn = (value: unknown): string[] => [...new Set((JSON.stringify(value) ?? "").match(uuid))];

/** What people call the things behind these ids, or called them before they were removed. */
export async function namesOf({ db }: Pick<ServiceContext, "db">, ids: readonly string[]): Promise<Names> {
  if (ids.length === 0) return {};
  const wanted = [...ids];
  const named = await Promise.all([
    db.select({ id: runs.id, name: runs.name }).from(runs).where(inArray(runs.id, wanted)),
    db.select({ id: models.id, name: models.name }).from(models).where(inArray(models.id, wanted)),
    db.select({ id: datasets.id, name: datasets.name }).from(datasets).where(inArray(datasets.id, wanted)),
    db
      .select({ id: teacherFiles.id, name: teacherFiles.name })
      .from(teacherFiles)
      .where(inArray(teacherFiles.id, wanted)),
    db.select({ id: deployments.id, name: deployments.name }).from(deployments).where(inArray(deployments.id, wanted)),
    db.select({ id: apiTokens.id, name: apiTokens.name }).from(apiTokens).where(inArray(apiTokens.id, wanted)),
    db
      .select({ id: datasetVersions.id, name: datasets.name, number: datasetVersions.number })
      .from(datasetVersions)
      .innerJoin(datasets, eq(datasets.id, datasetVersions.datasetId))
      .where(inArray(datasetVersions.id, wanted))
      .then((rows) => rows.map(({ id, name, number }) => ({ id, name: `${name} v${number}` }))),
    db
      .select({ id: checkpoints.id, name: runs.name, step: checkpoints.step })
      .from(checkpoints)
      .innerJoin(runs, eq(runs.id, checkpoints.runId))
      .where(inArray(checkpoints.id, wanted))
      .then((rows) => rows.map(({ id, name, step }) => ({ id, name: `${name}, ${step}` }))),
  ]);
  const names: Names = Object.fromEntries(named.flat().map(({ id, name }) => [id, name]));
  // What has been removed is remembered by the audit trail alone.
  const gone = wanted.filter((id) => !(id in names));
  if (gone.length > 0) {
    const rows = await db
      .select({ id: audit.subject, name: sql<string>`${audit.details}->>'name'` })
      .from(audit)
      .where(and(inArray(audit.subject, gone), sql`jsonb_typeof(${audit.details}->'name') = 'string'`))
      .orderBy(asc(audit.id));
    for (const { id, name } of rows) names[id] = name;
  }
  return names;
}
