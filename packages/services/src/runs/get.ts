import { api, isMainReport, type RunDetail, readStoredSpec } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, asc, desc, eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { findDeployments } from "../deployments/find.ts";
import { idsIn, namesOf } from "../names.ts";
import { notFound, verb } from "../verb.ts";
import { toArtifact, toCheckpoint } from "./rows.ts";
import { findSummaries, iso } from "./summary.ts";

const { runs, attempts, checkpoints, artifacts, runEvents } = schema;

/** The last that was told of each stage. */
async function stagesTold(db: ServiceContext["db"], runId: string): Promise<RunDetail["stages"]> {
  const rows = await db
    .select({ body: runEvents.body })
    .from(runEvents)
    .where(and(eq(runEvents.runId, runId), eq(runEvents.type, "stage")))
    .orderBy(asc(runEvents.seq));
  const last = new Map(rows.flatMap(({ body }) => (body.type === "stage" ? [[body.stage, body.state] as const] : [])));
  return [...last].map(([stage, state]) => ({ stage, state }));
}

export async function runDetail(ctx: Pick<ServiceContext, "db">, runId: string): Promise<RunDetail> {
  const { db } = ctx;
  const [summary] = await findSummaries(db, { ids: [runId] });
  const [row] = await db
    .select({
      spec: runs.spec,
      inputs: runs.inputs,
      plan: runs.plan,
      before: runs.evaluationBefore,
      after: runs.evaluationAfter,
    })
    .from(runs)
    .where(eq(runs.id, runId));
  if (!summary || !row) throw notFound("run", runId);
  const [attemptRows, checkpointRows, artifactRows, deployments, stages, names] = await Promise.all([
    db.select().from(attempts).where(eq(attempts.runId, runId)).orderBy(asc(attempts.attempt)),
    db.select().from(checkpoints).where(eq(checkpoints.runId, runId)).orderBy(desc(checkpoints.step)),
    db.select().from(artifacts).where(eq(artifacts.runId, runId)).orderBy(asc(artifacts.id)),
    findDeployments(ctx, { runId }),
    stagesTold(db, runId),
    namesOf(ctx, idsIn(row.spec)),
  ]);
  const stepOf = new Map(checkpointRows.map(({ id, step }) => [id, step]));
  return {
    ...summary,
    spec: readStoredSpec(row.spec),
    inputs: row.inputs,
    plan: row.plan,
    attempts: attemptRows.map((a) => ({
      attempt: a.attempt,
      workerName: a.workerName,
      startedAt: a.startedAt.toISOString(),
      endedAt: iso(a.endedAt),
      outcome: a.outcome,
      resumedFromStep: a.resumedFromStep,
      problem: a.problem,
    })),
    checkpoints: checkpointRows.map(toCheckpoint),
    artifacts: artifactRows.map((row) => toArtifact(row, stepOf.get(row.checkpointId ?? "") ?? null)),
    deployments,
    evaluationBefore: row.before,
    evaluationAfter: row.after,
    reportArtifactId:
      artifactRows.findLast((a) => a.kind === "report" && a.checkpointId === null && isMainReport(a.name))?.id ?? null,
    stages,
    names,
  };
}

export const get = verb(api.runs.get, (ctx, { runId }) => runDetail(ctx, runId));
