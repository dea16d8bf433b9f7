import { ServiceError } from "@anneal/contracts";
import { runs } from "@anneal/services";
import { untilStored } from "../database-retry.ts";
import { type AttemptEnd, hostRun } from "../engine-host/host-run.ts";
import { problemOf } from "../problem.ts";
import { publishRun } from "../publishing/publish-run.ts";
import { hostSettings, trainerStart } from "../trainer-start.ts";
import type { WorkerContext } from "../worker-context.ts";

const { claimRun, settleRun } = runs.execution;
type Taken = NonNullable<Awaited<ReturnType<typeof claimRun>>>;
type Settlement = Parameters<typeof settleRun>[2];

/** One attempt at a run: claim, train, publish, settle. Whatever happens, the row says what comes next. */
export async function advanceRun(context: WorkerContext, runId: string): Promise<void> {
  const { services, env, log } = context;
  const taken = await untilStored(
    () =>
      claimRun(services, runId, {
        workerId: context.workerId,
        workerName: env.workerName,
        leaseSeconds: env.leaseSeconds,
        maxStalledAttempts: env.maxStalledAttempts,
        check: env.checkEpoch,
      }),
    { log, what: `run ${runId}: claim`, signal: context.leaving },
  );
  if (!taken) return;
  const { claim } = taken;
  context.current.runId = runId;
  log.info({ runId, epoch: claim.epoch }, "run claimed");
  try {
    const settlement = await attempt(context, taken);
    if (!settlement) {
      log.warn({ runId, epoch: claim.epoch }, "the run was taken over by a newer attempt; leaving it alone");
      return;
    }
    const status = await untilStored(() => settleRun(services, claim, settlement), {
      log,
      what: `run ${runId}: settle`,
    });
    log.info({ runId, epoch: claim.epoch, status, end: settlement.kind }, "attempt settled");
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === "STALE_EPOCH")) throw error;
    log.warn({ runId, epoch: claim.epoch }, error.message);
  } finally {
    context.current.runId = null;
  }
}

async function attempt(context: WorkerContext, { claim, run }: Taken): Promise<Settlement | null> {
  const { env, services, leaving } = context;
  const maxStalledAttempts = env.maxStalledAttempts;
  try {
    const start = await untilStored(() => trainerStart(context, run, claim.epoch, { kind: "run" }), {
      log: context.log,
      what: `run ${run.id}: inputs`,
      signal: leaving,
    });
    const end = await hostRun(services, claim, start, hostSettings(context), leaving);
    return await settlementOf(context, claim, end);
  } catch (error) {
    if (error instanceof ServiceError && error.code === "STALE_EPOCH") return null;
    context.log.error({ error, runId: run.id }, "the attempt broke");
    // A refusal of our own (a base that is gone, a file that changed) meets the next attempt just the same.
    const permanent = error instanceof ServiceError && error.code !== "UNAVAILABLE";
    return { kind: "broken", problem: problemOf(error), permanent, maxStalledAttempts };
  }
}

async function settlementOf(
  context: WorkerContext,
  claim: Taken["claim"],
  end: AttemptEnd,
): Promise<Settlement | null> {
  if (end.kind === "stale") return null;
  if (end.kind === "broken") return { ...end, maxStalledAttempts: context.env.maxStalledAttempts };
  if (end.kind === "paused" || end.kind === "cancelled" || end.kind === "handBack") return { kind: end.kind };
  const stopped = await publishRun(context, claim);
  if (stopped === "stale") return null;
  if (stopped === "pause") return { kind: "paused" };
  if (stopped === "cancel") return { kind: "cancelled" };
  if (stopped === "handBack") return { kind: "handBack" };
  return { kind: "succeeded", report: null };
}
