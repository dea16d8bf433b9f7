import { type DeploymentStatus, type Problem, readStoredSpec } from "@anneal/contracts";
import { newId, schema } from "@anneal/db";
import { and, eq, inArray, isNull, ne } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import type { ClaimOptions, JobClaim } from "../jobs/index.ts";
import { type Claim, lockOwned } from "../runs/execution/kind.ts";
import { deploymentLeases } from "./kind.ts";
import { underName } from "./name-taken.ts";
import { tellDeployments } from "./tell.ts";

const { deployments, artifacts } = schema;
type Row = typeof deployments.$inferSelect;

const busy: DeploymentStatus[] = ["pending", "publishing"];

/** The run's own publication, made once however often its attempts come to this stage. */
export async function openRunPublication(ctx: Pick<ServiceContext, "db" | "now">, claim: Claim): Promise<Row | null> {
  return ctx.db.transaction(async (tx) => {
    const run = await lockOwned(tx, claim);
    const { publish } = readStoredSpec(run.spec);
    if (!publish) return null;
    const [artifact] = await tx
      .select({ id: artifacts.id })
      .from(artifacts)
      .where(
        and(
          eq(artifacts.runId, run.id),
          eq(artifacts.kind, "gguf"),
          eq(artifacts.ggufType, publish.gguf),
          isNull(artifacts.checkpointId),
        ),
      );
    await tx
      .insert(deployments)
      .values({
        id: newId(),
        runId: run.id,
        artifactId: artifact?.id ?? null,
        name: publish.name,
        gguf: publish.gguf,
        system: publish.system,
        parameters: publish.parameters,
        origin: "run",
        createdAt: ctx.now(),
      })
      .onConflictDoNothing();
    const [row] = await tx
      .select()
      .from(deployments)
      .where(and(eq(deployments.runId, run.id), eq(deployments.origin, "run")));
    return row ?? null;
  });
}

/** Takes a pending deployment, or one whose publisher is gone (`evenHeld`: the run's owner takes its own back at once). */
export const claimDeployment = (
  ctx: Pick<ServiceContext, "db" | "now">,
  deploymentId: string,
  options: ClaimOptions & { evenHeld?: boolean },
): Promise<{ claim: JobClaim; row: Row } | null> => deploymentLeases.claim(ctx, deploymentId, options);

type Changes = Partial<
  Pick<
    Row,
    "phase" | "fraction" | "etaSeconds" | "artifactId" | "ollamaDigest" | "previousDigest" | "problem" | "finishedAt"
  > & { status: DeploymentStatus }
>;

/** Prolongs a publisher's hold while nothing new can be told. Fenced like every write. */
export const renewDeployment = (ctx: Pick<ServiceContext, "db">, claim: JobClaim, leaseSeconds: number) =>
  deploymentLeases.extend(ctx.db, claim, leaseSeconds);

/** Writes progress or an end and tells the run's watchers. Fenced by the deployment's attempt. */
export async function updateDeployment(
  ctx: Pick<ServiceContext, "db" | "now" | "queue">,
  claim: JobClaim,
  changes: Changes,
  leaseSeconds: number,
): Promise<Row> {
  const { status } = changes;
  return ctx.db.transaction(async (tx) => {
    const finished = status && !busy.includes(status) ? { finishedAt: changes.finishedAt ?? ctx.now() } : {};
    const row =
      status && status !== "publishing"
        ? await deploymentLeases.release(ctx, tx, claim, { ...changes, ...finished, status })
        : (await deploymentLeases.extend(tx, claim, leaseSeconds, changes)).row;
    // A name stands for one model: what was live under it before is superseded.
    const superseded =
      changes.status === "live"
        ? await tx
            .update(deployments)
            .set({ status: "superseded" })
            .where(
              and(underName(row.name), ne(deployments.id, row.id), inArray(deployments.status, ["live", "drifted"])),
            )
            .returning()
        : [];
    await tellDeployments(tx, ctx, [row, ...superseded]);
    return row;
  });
}

export interface LiveDeployment {
  id: string;
  name: string;
  digest: string;
  status: DeploymentStatus;
}

/** What the database believes Ollama serves. */
export async function liveDeployments(ctx: Pick<ServiceContext, "db">): Promise<LiveDeployment[]> {
  const rows = await ctx.db
    .select({
      id: deployments.id,
      name: deployments.name,
      digest: deployments.ollamaDigest,
      status: deployments.status,
    })
    .from(deployments)
    .where(inArray(deployments.status, ["live", "drifted"]));
  return rows.flatMap(({ digest, ...row }) => (digest ? [{ ...row, digest }] : []));
}

/** What reconcile found: a live deployment that Ollama no longer serves as published, or serves again. */
export async function markDrift(
  ctx: Pick<ServiceContext, "db" | "now">,
  deploymentId: string,
  status: "live" | "drifted",
  problem: Problem | null,
): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const [row] = await tx
      .update(deployments)
      .set({ status, problem })
      .where(and(eq(deployments.id, deploymentId), eq(deployments.status, status === "live" ? "drifted" : "live")))
      .returning();
    if (row) await tellDeployments(tx, ctx, [row]);
  });
}
