import { existsSync } from "node:fs";
import { isDiskFull, ServiceError, say } from "@anneal/contracts";
import { jobs, runs } from "@anneal/services";
import { untilStored } from "../database-retry.ts";
import { type Hosted, hostRun } from "../engine-host/host-run.ts";
import { problemOf } from "../problem.ts";
import { publishRun } from "../publishing/publish-run.ts";
import { folderBytes } from "../run-directory/files.ts";
import { restoreRun } from "../run-directory/restore-run.ts";
import { hostSettings, runFolder, trainerStart } from "../trainer-start.ts";
import { claimOptions, type WorkerContext } from "../worker-context.ts";

const { claimNextRun, requeueNextRun, runsElsewhere, settleRun } = runs.execution;
type Taken = NonNullable<Awaited<ReturnType<typeof claimNextRun>>>;
type Settlement = Parameters<typeof settleRun>[2];

/**
 * One attempt at the run whose turn it is (the message may have come for another): claim, train, publish, settle. Whatever
 * happens, the row says what comes next.
 */
export async function advanceRun(context: WorkerContext, nudgedFor: string): Promise<void> {
  const { services, env, log } = context;
  try {
    await services.files.store.reach();
  } catch (error) {
    // The heartbeat sends for the run again; a claim now would only count as a failed attempt.
    log.warn({ error: String(error) }, "no run is taken: the store cannot be reached");
    return;
  }
  const taken = await untilStored(
    () => claimNextRun(services, { ...claimOptions(context), workerName: env.workerName, store: context.store }),
    { log, what: "claiming a run", signal: context.leaving },
  );
  if (!taken) {
    if (await runsElsewhere(services, nudgedFor, context.store)) await leaveAlone(context, nudgedFor);
    return;
  }
  const { claim } = taken;
  const runId = claim.id;
  context.current.runId = runId;
  log.info({ runId, attempt: claim.attempt }, "run claimed");
  try {
    const settlement = await attempt(context, taken);
    if (!settlement) {
      log.warn({ runId, attempt: claim.attempt }, "the run was taken over by a newer attempt; leaving it alone");
      return;
    }
    const status = await untilStored(() => settleRun(services, claim, settlement), {
      log,
      what: `run ${runId}: settle`,
    });
    log.info({ runId, attempt: claim.attempt, status, end: settlement.end }, "attempt settled");
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === "STALE_ATTEMPT")) throw error;
    log.warn({ runId, attempt: claim.attempt }, error.message);
  } finally {
    context.current.runId = null;
    if (!context.leaving.aborted)
      await requeueNextRun(services, context.store).catch((error: unknown) =>
        log.warn({ error: String(error) }, "could not send for the next run; the heartbeat does"),
      );
  }
}

const told = new Set<string>();

/** Says once in the run's log that this worker does not reach the run's files. */
async function leaveAlone({ services, env, store, log }: WorkerContext, runId: string): Promise<void> {
  log.warn({ runId, store }, "not taken: the run's files lie in another store; it waits for a worker of that one");
  if (told.has(runId)) return;
  told.add(runId);
  await runs.execution.tellOtherStore(services, runId, { name: env.workerName, store });
}

async function attempt(context: WorkerContext, { claim, run }: Taken): Promise<Settlement | null> {
  const { env, services, leaving } = context;
  try {
    await untilStored(() => restoreRun(services, run, context.home), {
      log: context.log,
      what: `run ${run.id}: files`,
      signal: leaving,
    });
    const start = await untilStored(() => trainerStart(context, run, claim.attempt, { kind: "run" }), {
      log: context.log,
      what: `run ${run.id}: inputs`,
      signal: leaving,
    });
    const end = await hostRun(services, claim, start, hostSettings(context), leaving);
    return await settlementOf(context, { claim, run }, end);
  } catch (error) {
    if (error instanceof ServiceError && error.code === "STALE_ATTEMPT") return null;
    if (isDiskFull(error)) return diskFull(context, run);
    context.log.error({ error, runId: run.id }, "the attempt broke");
    // A refusal of our own (a base that is gone, a file that changed) meets the next attempt just the same.
    const permanent = error instanceof ServiceError && error.code !== "UNAVAILABLE";
    return { end: "failed", problem: problemOf(error), permanent, retry: env.retry };
  }
}

async function diskFull(context: WorkerContext, run: Taken["run"]): Promise<Settlement> {
  const folder = runFolder(context, run.id);
  const problem = await runs.execution.diskFullProblem(
    existsSync(folder) ? folder : context.env.home,
    run.plan?.diskBytes ?? null,
    folderBytes(folder),
  );
  context.log.warn({ runId: run.id, ...problem.details }, "the disk is full; the run pauses");
  return { end: "diskFull", problem };
}

async function settlementOf(context: WorkerContext, { claim, run }: Taken, hosted: Hosted): Promise<Settlement | null> {
  const { retry } = context.env;
  if (hosted.end === "lost") return null;
  if (hosted.end === "diskFull") return diskFull(context, run);
  if (hosted.end === "failed") return { ...hosted, retry };
  if (hosted.end !== "succeeded") return { end: hosted.end };
  const end = (await publishRun(context, claim)) ?? "succeeded";
  if (end === "lost") return null;
  if (end !== "failed") return { end };
  const problem = jobs.limitProblem(say`run`, "running", run.runningLimitSeconds ?? 0);
  return { end, problem, permanent: true, retry };
}
