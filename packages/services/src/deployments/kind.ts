import { say } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq, inArray, isNull, or } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import { type JobKind, leases } from "../jobs/index.ts";
import { tellDeployments } from "./tell.ts";

const { deployments, runs } = schema;

export const deploymentKind: JobKind<typeof deployments> = {
  table: deployments,
  subject: say`deployment`,
  waiting: "pending",
  taken: "publishing",
  held: ["publishing"],
  enqueue: (queue, tx, deploymentId) => queue.enqueue(tx, "deployment.publish", { deploymentId }),
  // A run's own publication is its run's business until that has ended.
  requeued: or(
    eq(deployments.origin, "person"),
    isNull(deployments.runId),
    inArray(
      deployments.runId,
      new QueryBuilder()
        .select({ id: runs.id })
        .from(runs)
        .where(inArray(runs.status, ["succeeded", "failed"])),
    ),
  ),
  // What is rolled back was live since then, also where Ollama refuses the rollback.
  onClaimed: ({ finishedAt }) => ({ finishedAt }),
  onFailed: (tx, ctx, row) => tellDeployments(tx, ctx, [row]),
};
export const deploymentLeases = leases(deploymentKind);
