import { type DeploymentStatus, type Problem, ServiceError, say } from "@anneal/contracts";
import { newId, schema } from "@anneal/db";
import { and, eq, inArray, isNull, lt, ne, or, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { type Claim, lockOwned } from "../runs/execution/fence.ts";
import { underName } from "./name-taken.ts";
import { tellDeployments } from "./tell.ts";

const { deployments, artifacts, runs } = schema;
type Row = typeof deployments.$inferSelect;

/** A publisher's hold on a deployment: like a run's claim, each taking raises the attempt and shuts the former one out. */
export interface DeploymentClaim {
  deploymentId: string;
  attempt: number;
}

const busy: DeploymentStatus[] = ["pending", "publishing"];

/** The run's own publication, made once however often its attempts come to this stage. */
export async function openRunPublication(ctx: Pick<ServiceContext, "db" | "now">, claim: Claim): Promise<Row | null> {
  return ctx.db.transaction(async (tx) => {
    const run = await lockOwned(tx, claim);
    const { publish } = run.spec;
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

/** Takes a pending deployment, or one whose publisher is gone (`force`: the run's owner takes its own back at once). */
export async function claimDeployment(
  ctx: Pick<ServiceContext, "db">,
  deploymentId: string,
  options: { leaseSeconds: number; force?: boolean },
): Promise<{ claim: DeploymentClaim; row: Row } | null> {
  const free = options.force
    ? inArray(deployments.status, busy)
    : or(
        eq(deployments.status, "pending"),
        and(
          eq(deployments.status, "publishing"),
          or(isNull(deployments.leaseExpiresAt), lt(deployments.leaseExpiresAt, sql`now()`)),
        ),
      );
  const [row] = await ctx.db
    .update(deployments)
    .set({
      status: "publishing",
      attempt: sql`${deployments.attempt} + 1`,
      leaseExpiresAt: sql`now() + make_interval(secs => ${options.leaseSeconds})`,
    })
    .where(and(eq(deployments.id, deploymentId), free))
    .returning();
  return row ? { claim: { deploymentId, attempt: row.attempt }, row } : null;
}

type Changes = Partial<
  Pick<
    Row,
    "phase" | "fraction" | "etaSeconds" | "artifactId" | "ollamaDigest" | "previousDigest" | "problem" | "finishedAt"
  > & { status: DeploymentStatus }
>;

export const deploymentStale = (claim: DeploymentClaim) =>
  new ServiceError("STALE_ATTEMPT", say`deployment ${claim.deploymentId} has been taken over by another worker`, {
    remedy: say`nothing to do: the newer one continues`,
  });

/** Prolongs a publisher's hold while nothing new can be told. Fenced like every write. */
export async function renewDeployment(
  ctx: Pick<ServiceContext, "db">,
  claim: DeploymentClaim,
  leaseSeconds: number,
): Promise<void> {
  const rows = await ctx.db
    .update(deployments)
    .set({ leaseExpiresAt: sql`now() + make_interval(secs => ${leaseSeconds})` })
    .where(and(eq(deployments.id, claim.deploymentId), eq(deployments.attempt, claim.attempt)))
    .returning({ id: deployments.id });
  if (rows.length === 0) throw deploymentStale(claim);
}

/** Writes progress or an end and tells the run's watchers. Fenced by the deployment's attempt. */
export async function updateDeployment(
  ctx: Pick<ServiceContext, "db" | "now">,
  claim: DeploymentClaim,
  changes: Changes,
  leaseSeconds: number,
): Promise<Row> {
  const ends = changes.status !== undefined && !busy.includes(changes.status);
  return ctx.db.transaction(async (tx) => {
    const [row] = await tx
      .update(deployments)
      .set({
        ...changes,
        leaseExpiresAt: ends ? null : sql`now() + make_interval(secs => ${leaseSeconds})`,
        ...(ends ? { finishedAt: changes.finishedAt ?? ctx.now() } : {}),
      })
      .where(and(eq(deployments.id, claim.deploymentId), eq(deployments.attempt, claim.attempt)))
      .returning();
    if (!row) throw deploymentStale(claim);
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

/** Deployments that are owed work: their message or their publisher was lost. A run's own is its run's business. */
export async function requeueDeployments(ctx: Pick<ServiceContext, "db" | "queue">): Promise<number> {
  return ctx.db.transaction(async (tx) => {
    const rows = await tx
      .select({ id: deployments.id })
      .from(deployments)
      .leftJoin(runs, eq(runs.id, deployments.runId))
      .where(
        and(
          or(
            eq(deployments.status, "pending"),
            and(
              eq(deployments.status, "publishing"),
              or(isNull(deployments.leaseExpiresAt), lt(deployments.leaseExpiresAt, sql`now()`)),
            ),
          ),
          or(eq(deployments.origin, "person"), isNull(runs.id), inArray(runs.status, ["succeeded", "failed"])),
        ),
      );
    for (const { id } of rows) await ctx.queue.enqueue(tx, "deployment.publish", { deploymentId: id });
    return rows.length;
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
