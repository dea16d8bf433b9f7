import { mkdirSync } from "node:fs";
import { RunSpec, ServiceError, say, type TrainerStart, trainerProtocolVersion } from "@anneal/contracts";
import { jobs, models, teacherFiles } from "@anneal/services";
import { isDatabaseAway, untilStored } from "../database-retry.ts";
import { makeTeacherFile } from "../engine-host/make-teacher-file.ts";
import { problemOf } from "../problem.ts";
import { untilReached } from "../run-directory/keep-files.ts";
import { hostSettings } from "../trainer-start.ts";
import { claimOptions, type WorkerContext } from "../worker-context.ts";

const { claimTeacherFile, endTeacherFile, renewTeacherFile } = teacherFiles.execution;
type TeacherEnd = Parameters<typeof endTeacherFile>[2];
type Taken = NonNullable<Awaited<ReturnType<typeof claimTeacherFile>>>;

/** A teacher's file, claimed and made by a trainer child; a worker or child that dies leaves it to be made from the start. */
export async function makeTeacher(context: WorkerContext, teacherFileId: string): Promise<void> {
  const { services, log, leaving } = context;
  const what = `teacher file ${teacherFileId}`;
  const taken = await untilStored(() => claimTeacherFile(services, teacherFileId, claimOptions(context)), {
    log,
    what: `${what}: claim`,
    signal: leaving,
  });
  if (!taken) return;
  try {
    const settlement = await make(context, taken);
    const { status } = await untilStored(() => endTeacherFile(services, taken.claim, settlement), {
      log,
      what: `${what}: end`,
    });
    log.info({ teacherFileId, status, end: settlement.end }, "teacher file settled");
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === "STALE_ATTEMPT")) throw error;
    log.warn({ teacherFileId }, error.message);
  }
}

async function make(context: WorkerContext, taken: Taken): Promise<TeacherEnd> {
  const { services, env, leaving } = context;
  const { claim, dataset, row } = taken;
  const { retry } = env;
  const stop = new AbortController();
  const leave = () => stop.abort();
  if (leaving.aborted) leave();
  leaving.addEventListener("abort", leave);
  let rows = 0;
  const renew = async () => {
    try {
      const changes = { fraction: rows / Math.max(1, dataset.rows) };
      const { overLimit } = await renewTeacherFile(services, claim, changes, env.leaseSeconds);
      if (overLimit) stop.abort("over its limit");
    } catch (error) {
      if (!isDatabaseAway(error)) stop.abort(error); // taken over, or removed
    }
  };
  const timer = setInterval(() => void renew(), (env.leaseSeconds * 1000) / 4);
  try {
    const start = await teacherStart(context, taken);
    const made = await makeTeacherFile(start, hostSettings(context), stop.signal, (count) => {
      rows = count;
    });
    if (!made) {
      if (stop.signal.reason instanceof ServiceError) throw stop.signal.reason;
      if (leaving.aborted) return { end: "yielded" };
      const problem = stop.signal.aborted
        ? jobs.limitProblem(say`teacher file`, "running", row.runningLimitSeconds ?? 0)
        : problemOf(
            new ServiceError("INTERNAL", say`the trainer ended before the file was made`, {
              remedy: say`look at trainer.log in its folder; a smaller microBatchTokens helps if memory ran out`,
            }),
          );
      return { end: "failed", problem, permanent: stop.signal.aborted, retry };
    }
    const { type: _, ...file } = made;
    const path = teacherFiles.teacherPath(env.paths, row.id);
    await untilReached(() => services.files.store.put(path, { digest: file.digest, mend: true }), {
      log: context.log,
      what: `teacher file ${row.id}: storing it`,
      signal: stop.signal,
    });
    return { end: "succeeded", made: file };
  } catch (error) {
    if (error instanceof ServiceError && error.code === "STALE_ATTEMPT") throw error;
    return { end: "failed", problem: problemOf(error), permanent: true, retry };
  } finally {
    clearInterval(timer);
    leaving.removeEventListener("abort", leave);
  }
}

async function teacherStart(context: WorkerContext, { claim, row, dataset }: Taken): Promise<TrainerStart> {
  const { env, services } = context;
  const { model, base, topK, maxSequenceTokens, microBatchTokens, precision, threads } = row.input;
  const teacher = await models.resolveBase(services, model);
  const writer = base ? await models.resolveBase(services, base) : teacher;
  const folder = teacherFiles.teacherFolder(env.paths, row.id);
  mkdirSync(folder, { recursive: true });
  const settings = { maxSequenceTokens, microBatchTokens, precision, threads };
  return {
    type: "start",
    version: trainerProtocolVersion,
    task: { kind: "teacher", path: teacherFiles.teacherPath(env.paths, row.id), topK, writer: writer.source },
    runId: row.id,
    attempt: claim.attempt,
    workerName: env.workerName,
    spec: RunSpec.parse({ base: model, dataset: row.datasetVersionId, ...settings }),
    base: teacher.source,
    baseName: teacher.name,
    baseDigest: teacher.digest,
    adapter: null,
    adapters: {},
    adapterDigest: null,
    teacher: null,
    teacherDigest: null,
    teacherFile: null,
    modelName: row.name,
    dataset,
    evaluationDataset: null,
    runDirectory: folder,
    shardDirectory: env.paths.shards,
    stored: { number: 0, step: 0 },
    planned: null,
    segmentSeconds: env.segmentSeconds,
    fenced: env.fenced,
  };
}
