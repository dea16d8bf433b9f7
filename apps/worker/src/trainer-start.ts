import { join } from "node:path";
import {
  readStoredSpec,
  ServiceError,
  say,
  type TrainerStart,
  type TrainerTask,
  trainerProtocolVersion,
} from "@anneal/contracts";
import { runs, teacherFiles } from "@anneal/services";
import { inputsOf } from "@anneal/services/worker";
import type { WorkerContext } from "./worker-context.ts";

type RunRow = Awaited<ReturnType<typeof runs.execution.findRun>>;

export const runFolder = (context: WorkerContext, runId: string): string => join(context.env.paths.runs, runId);

/** The order a trainer gets: all it reads and writes, resolved and absolute. */
export async function trainerStart(
  context: WorkerContext,
  run: RunRow,
  attempt: number,
  task: TrainerTask,
): Promise<TrainerStart> {
  const { env, services } = context;
  const spec = readStoredSpec(run.spec);
  const inputs = await inputsOf(services, run);
  const { base, teacher, adapter, adapters, adapterDigest } = inputs;
  const teacherFile = inputs.teacherFile ? await pinnedTeacherFile(services, inputs.teacherFile) : null;
  const versions = await runs.execution.runInputs(services, run);
  return {
    type: "start",
    version: trainerProtocolVersion,
    task,
    runId: run.id,
    attempt,
    workerName: env.workerName,
    spec,
    base: base.source,
    baseName: base.name,
    baseDigest: base.digest,
    adapter,
    adapters,
    adapterDigest,
    teacher: teacher?.source ?? null,
    teacherDigest: teacher?.digest ?? null,
    teacherFile,
    modelName: spec.publish?.name ?? run.name,
    ...versions,
    runDirectory: runFolder(context, run.id),
    shardDirectory: env.paths.shards,
    stored: { number: run.journalNumber, step: run.lastStep },
    planned: plannedOf(run),
    segmentSeconds: env.segmentSeconds,
    fenced: env.fenced,
  };
}

/** The file that the plan found: one that was made anew under its id with other content is another. */
async function pinnedTeacherFile(services: WorkerContext["services"], pinned: { id: string; digest: string }) {
  const found = await teacherFiles.findReady(services, pinned.id);
  if (found.digest === pinned.digest) return found;
  throw new ServiceError("CONFLICT", say`${say`the teacher file`} has changed: ${found.digest}, not ${pinned.digest}`, {
    field: "objective.teacherFile",
    remedy: say`start a new run on what has changed, or put the old files back`,
  });
}

function plannedOf({ plan }: RunRow): TrainerStart["planned"] {
  if (!plan?.secondsPerStep || plan.totalSeconds === null) return null;
  return { secondsPerStep: plan.secondsPerStep, totalSeconds: plan.totalSeconds };
}

export const hostSettings = ({ env }: WorkerContext) => ({
  leaseSeconds: env.leaseSeconds,
  hangSeconds: env.hangSeconds,
  hangFactor: env.hangFactor,
  trainer: env.trainer,
});
