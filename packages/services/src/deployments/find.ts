import type { DeploymentSummary } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, desc, eq, getTableColumns, inArray, type SQL, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const { artifacts, audit, checkpoints, deployments, runs } = schema;

// A person's publication is in the audit trail under its own id, a run's own one under the run's.
const publishedBy = sql<string | null>`(select a.actor_name from ${audit} a
  where a.subject = case when ${deployments.origin} = 'run' then ${deployments.runId}::text else ${deployments.id}::text end
  and a.action in ('deployment.publish', 'run.create') order by a.id desc limit 1)`;

/** Publications with what they serve, newest first. */
export async function findDeployments(
  { db }: Pick<ServiceContext, "db">,
  where: { ids?: string[]; runId?: string },
): Promise<DeploymentSummary[]> {
  const conditions: SQL[] = [];
  if (where.ids) conditions.push(inArray(deployments.id, where.ids));
  if (where.runId) conditions.push(eq(deployments.runId, where.runId));
  const rows = await db
    .select({
      row: getTableColumns(deployments),
      runName: runs.name,
      step: checkpoints.step,
      fileName: artifacts.name,
      digest: artifacts.digest,
      bytes: artifacts.bytes,
      publishedBy,
    })
    .from(deployments)
    .leftJoin(runs, eq(runs.id, deployments.runId))
    .leftJoin(checkpoints, eq(checkpoints.id, deployments.checkpointId))
    .leftJoin(artifacts, eq(artifacts.id, deployments.artifactId))
    .where(and(...conditions))
    .orderBy(desc(deployments.id))
    .limit(1000);
  return rows.map(({ row, fileName, digest, bytes, ...found }) => ({
    id: row.id,
    name: row.name,
    status: row.status,
    phase: row.phase,
    fraction: row.fraction,
    etaSeconds: row.etaSeconds,
    runId: row.runId,
    ...found,
    gguf: row.gguf,
    artifactId: row.artifactId,
    file: fileName !== null && digest !== null && bytes !== null ? { name: fileName, digest, bytes } : null,
    ollamaDigest: row.ollamaDigest,
    previousDigest: row.previousDigest,
    problem: row.problem,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
  }));
}
