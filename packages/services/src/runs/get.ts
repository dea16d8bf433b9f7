import { api, type RunDetail, RunSpec } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { asc, desc, eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { notFound, verb } from "../verb.ts";
import { toArtifact, toCheckpoint, toDeployment } from "./rows.ts";
import { findSummaries, iso } from "./summary.ts";

const { runs, attempts, checkpoints, artifacts, deployments } = schema;

export async function runDetail(ctx: Pick<ServiceContext, "db">, runId: string): Promise<RunDetail> {
  const { db } = ctx;
  const [summary] = await findSummaries(db, { ids: [runId] });
  const [row] = await db
    .select({ spec: runs.spec, plan: runs.plan, before: runs.evaluationBefore, after: runs.evaluationAfter })
    .from(runs)
    .where(eq(runs.id, runId));
  if (!summary || !row) throw notFound("run", runId);
  const [attemptRows, checkpointRows, artifactRows, deploymentRows] = await Promise.all([
    db.select().from(attempts).where(eq(attempts.runId, runId)).orderBy(asc(attempts.epoch)),
    db.select().from(checkpoints).where(eq(checkpoints.runId, runId)).orderBy(desc(checkpoints.step)),
    db.select().from(artifacts).where(eq(artifacts.runId, runId)).orderBy(asc(artifacts.id)),
    db.select().from(deployments).where(eq(deployments.runId, runId)).orderBy(desc(deployments.id)),
  ]);
  return {
    ...summary,
    spec: RunSpec.parse(row.spec), // a run of an older version lacks what came later
    plan: row.plan,
    attempts: attemptRows.map((a) => ({
      epoch: a.epoch,
      workerName: a.workerName,
      startedAt: a.startedAt.toISOString(),
      endedAt: iso(a.endedAt),
      outcome: a.outcome,
      resumedFromStep: a.resumedFromStep,
      problem: a.problem,
    })),
    checkpoints: checkpointRows.map(toCheckpoint),
    artifacts: artifactRows.map(toArtifact),
    deployments: deploymentRows.map(toDeployment),
    evaluationBefore: row.before,
    evaluationAfter: row.after,
    reportArtifactId: artifactRows.findLast((a) => a.kind === "report" && a.checkpointId === null)?.id ?? null,
  };
}

export const get = verb(api.runs.get, (ctx, { runId }) => runDetail(ctx, runId));
