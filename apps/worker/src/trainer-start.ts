import { join } from "node:path";
import { storedSpec, type TrainerStart, type TrainerTask, trainerProtocolVersion } from "@anneal/contracts";
import { models, runs, teacherFiles } from "@anneal/services";
import { resolveStartAdapters, startFolders } from "@anneal/services/worker";
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
  const base = await models.resolveBase(services, run.spec.base);
  const spec = storedSpec(run.spec);
  const { objective } = spec;
  const starts = await resolveStartAdapters(services, base.source, spec);
  const learns = objective.kind === "distill" ? objective : null;
  const teacher = learns?.teacher ? await models.resolveBase(services, learns.teacher) : null;
  const teacherFile = learns?.teacherFile ? await teacherFiles.findReady(services, learns.teacherFile) : null;
  const inputs = await runs.execution.runInputs(services, run);
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
    ...startFolders(starts),
    teacher: teacher?.source ?? null,
    teacherFile,
    modelName: run.spec.publish?.name ?? run.name,
    ...inputs,
    runDirectory: runFolder(context, run.id),
    shardDirectory: env.paths.shards,
    stored: { number: run.journalNumber, step: run.lastStep },
    planned: plannedOf(run),
    segmentSeconds: env.segmentSeconds,
    fenced: env.fenced,
  };
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
