import { ServiceError } from "@anneal/contracts";
import { deployments } from "@anneal/services";
import { untilStored } from "../database-retry.ts";
import { publishClaimed } from "../publishing/publish-claimed.ts";
import { claimOptions, type WorkerContext } from "../worker-context.ts";

/** "Publish this one", "publish again", rollback: a person's deployment, claimed and carried out. */
export async function publishDeployment(context: WorkerContext, deploymentId: string): Promise<void> {
  const { services, log, leaving } = context;
  const taken = await untilStored(
    () => deployments.execution.claimDeployment(services, deploymentId, claimOptions(context)),
    { log, what: `deployment ${deploymentId}: claim`, signal: leaving },
  );
  if (!taken) return;
  try {
    const status = await publishClaimed(context, taken, leaving);
    // Cut off: free for the next worker at once.
    if (status === "publishing")
      await deployments.execution.updateDeployment(services, taken.claim, { status: "pending" }, 0);
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === "STALE_ATTEMPT")) throw error;
    log.warn({ deploymentId }, error.message);
  }
}
