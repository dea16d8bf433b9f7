import { api, readStoredSpec, ServiceError, say } from "@anneal/contracts";
import { newId, schema, type Transaction } from "@anneal/db";
import { and, eq, isNull } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { statusWords } from "../runs/status-words.ts";
import { audit, notFound, verb } from "../verb.ts";
import { findDeployments } from "./find.ts";
import { tellDeployments } from "./tell.ts";

const { deployments, runs, checkpoints, artifacts } = schema;
type Row = typeof deployments.$inferSelect;

async function lockDeployment(tx: Transaction, deploymentId: string): Promise<Row> {
  const [row] = await tx.select().from(deployments).where(eq(deployments.id, deploymentId)).for("update");
  if (!row) throw notFound("deployment", deploymentId);
  return row;
}

async function summaryOf(ctx: ServiceContext, deploymentId: string) {
  const [summary] = await findDeployments(ctx, { ids: [deploymentId] });
  if (!summary) throw notFound("deployment", deploymentId);
  return summary;
}

/** "Publish this one", "publish again" under another name: a deployment row, and a nudge for a worker that serves. */
export const publish = verb(api.deployments.publish, async (ctx, { runId, checkpointId, name, gguf, system }) => {
  const row = await ctx.db.transaction(async (tx) => {
    const [run] = await tx
      .select({ id: runs.id, status: runs.status, spec: runs.spec })
      .from(runs)
      .where(eq(runs.id, runId));
    if (!run) throw notFound("run", runId);
    const spec = readStoredSpec(run.spec);
    let artifactId: string | null = null;
    if (checkpointId) {
      const [checkpoint] = await tx
        .select()
        .from(checkpoints)
        .where(and(eq(checkpoints.id, checkpointId), eq(checkpoints.runId, runId)));
      if (!checkpoint) throw notFound("checkpoint", checkpointId);
      if (!checkpoint.kept)
        throw new ServiceError("PRECONDITION_FAILED", say`the checkpoint of step ${checkpoint.step} has been removed`, {
          field: "checkpointId",
          remedy: say`choose one that is still kept; checkpoints.keepLast says how many are`,
        });
    } else {
      if (run.status !== "succeeded")
        throw new ServiceError(
          "PRECONDITION_FAILED",
          say`the run is ${statusWords[run.status]}; it has no finished model`,
          {
            field: "runId",
            remedy: say`choose one of its checkpoints, or wait until it has finished`,
          },
        );
      const [artifact] = await tx
        .select({ id: artifacts.id })
        .from(artifacts)
        .where(
          and(
            eq(artifacts.runId, runId),
            eq(artifacts.kind, "gguf"),
            eq(artifacts.ggufType, gguf),
            isNull(artifacts.checkpointId),
          ),
        );
      artifactId = artifact?.id ?? null; // null: the worker exports that type first
    }
    const [made] = await tx
      .insert(deployments)
      .values({
        id: newId(),
        runId,
        checkpointId: checkpointId ?? null,
        artifactId,
        name,
        gguf,
        system: system ?? spec.publish?.system ?? null,
        parameters: spec.publish?.parameters ?? {},
        createdAt: ctx.now(),
      })
      .returning();
    if (!made) throw new Error("insert returned no row");
    await audit(tx, ctx, "deployment.publish", made.id, { runId, checkpointId: checkpointId ?? null, name, gguf });
    await ctx.queue.enqueue(tx, "deployment.publish", { deploymentId: made.id });
    await tellDeployments(tx, ctx, [made]);
    return made;
  });
  return summaryOf(ctx, row.id);
});

async function again(ctx: ServiceContext, deploymentId: string, action: "publish" | "rollback") {
  await ctx.db.transaction(async (tx) => {
    const row = await lockDeployment(tx, deploymentId);
    if (row.status === "pending" || row.status === "publishing")
      throw new ServiceError("CONFLICT", say`${row.name} is being published`, { remedy: say`wait until it has ended` });
    if (action === "rollback" && (row.status !== "live" || !row.previousDigest))
      throw new ServiceError(
        "PRECONDITION_FAILED",
        row.status === "live" ? say`${row.name} replaced no other model` : say`${row.name} is not live`,
        { field: "deploymentId", remedy: say`publish the model you want under that name instead` },
      );
    const [changed] = await tx
      .update(deployments)
      .set({
        status: "pending",
        action,
        phase: null,
        fraction: null,
        etaSeconds: null,
        problem: null,
        stalledAttempts: 0,
        notBefore: null,
        queuedAt: ctx.now(),
        // What is to be rolled back is served until it is.
        ...(action === "publish" ? { finishedAt: null } : {}),
      })
      .where(eq(deployments.id, deploymentId))
      .returning();
    if (!changed) throw notFound("deployment", deploymentId);
    await audit(tx, ctx, action === "publish" ? "deployment.retry" : "deployment.rollback", deploymentId, {
      name: row.name,
    });
    await ctx.queue.enqueue(tx, "deployment.publish", { deploymentId });
    await tellDeployments(tx, ctx, [changed]);
  });
  return summaryOf(ctx, deploymentId);
}

export const retry = verb(api.deployments.retry, (ctx, { deploymentId }) => again(ctx, deploymentId, "publish"));

export const rollback = verb(api.deployments.rollback, (ctx, { deploymentId }) => again(ctx, deploymentId, "rollback"));
