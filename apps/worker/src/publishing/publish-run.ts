import { type DeploymentStatus, type Phrase, say } from "@anneal/contracts";
import { deployments, runs } from "@anneal/services";
import { untilStored } from "../database-retry.ts";
import { keepLease, type LeaseEnd } from "../lease-keeper.ts";
import { claimOptions, type WorkerContext } from "../worker-context.ts";
import { publishClaimed } from "./publish-claimed.ts";

const { tellStage } = runs.execution;
type Claim = Parameters<typeof tellStage>[1];

const ends: Record<DeploymentStatus, Phrase> = {
  pending: say`pending`,
  publishing: say`publishing`,
  live: say`live`,
  failed: say`failed`,
  unreachable: say`unreachable`,
  superseded: say`superseded`,
  drifted: say`drifted`,
  rolled_back: say`rolled back`,
};

/**
 * The run's last stage. The run ends well whatever becomes of its publication: the files are kept, the deployment says what
 * is wrong, and "publish again" works. Answers why it stopped early, or null.
 */
export async function publishRun(context: WorkerContext, claim: Claim): Promise<LeaseEnd | null> {
  const { services, log } = context;
  const stored = <T>(what: string, work: () => Promise<T>) =>
    untilStored(work, { log, what: `run ${claim.id}: ${what}` });
  const lease = keepLease(context, claim);
  try {
    const row = await stored("open the publication", () => deployments.execution.openRunPublication(services, claim));
    if (!row) {
      await stored("skip publishing", () => tellStage(services, claim, "publish", "skipped", say`no name was given`));
      return null;
    }
    await stored("start publishing", () => tellStage(services, claim, "publish", "started"));
    // The run's owner is the only one who publishes for it, so a publication that an earlier attempt left is free.
    const taken = await stored("claim the publication", () =>
      deployments.execution.claimDeployment(services, row.id, { ...claimOptions(context), evenHeld: true }),
    );
    const end = taken ? await publishClaimed(context, taken, lease.signal) : row.status;
    if (lease.ended()) return lease.ended();
    const failed = end === "failed" || end === "unreachable";
    await stored("end publishing", () =>
      tellStage(services, claim, "publish", failed ? "failed" : "finished", ends[end]),
    );
    return null;
  } finally {
    lease.release();
  }
}
