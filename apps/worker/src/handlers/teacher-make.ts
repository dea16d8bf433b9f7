import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { RunSpec, ServiceError, type TrainerStart, trainerProtocolVersion } from "@anneal/contracts";
import { models, teacherFiles } from "@anneal/services";
import { isDatabaseAway, untilStored } from "../database-retry.ts";
import { makeTeacherFile } from "../engine-host/make-teacher-file.ts";
import { problemOf } from "../problem.ts";
import { hostSettings } from "../trainer-start.ts";
import type { WorkerContext } from "../worker-context.ts";

const { claimTeacherFile, endTeacherFile, renewTeacherFile } = teacherFiles.execution;
type Taken = NonNullable<Awaited<ReturnType<typeof claimTeacherFile>>>;

/** A teacher's file, claimed and made by a trainer child; a worker or child that dies leaves it to be made from the start. */
export async function makeTeacher(context: WorkerContext, teacherFileId: string): Promise<void> {
  const { services, env, log, leaving } = context;
  const { leaseSeconds, maxStalledAttempts } = env;
  const what = `teacher file ${teacherFileId}`;
  const taken = await untilStored(
    () => claimTeacherFile(services, teacherFileId, { leaseSeconds, maxStalledAttempts }),
    { log, what: `${what}: claim`, signal: leaving },
  );
  if (!taken) return;
  try {
    const end = await make(context, taken);
    if (end) await untilStored(() => endTeacherFile(services, taken.claim, end), { log, what: `${what}: end` });
    log.info({ teacherFileId, status: end?.status ?? "making" }, "teacher file settled");
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === "STALE_ATTEMPT")) throw error;
    log.warn({ teacherFileId }, error.message);
  }
}

/** Null: it broke down, and whoever comes after the lease tries again. */
async function make(context: WorkerContext, taken: Taken): Promise<Parameters<typeof endTeacherFile>[2] | null> {
  const { services, env, leaving } = context;
  const { claim, dataset } = taken;
  const stop = new AbortController();
  const leave = () => stop.abort();
  if (leaving.aborted) leave();
  leaving.addEventListener("abort", leave);
  let rows = 0;
  const renew = () =>
    void renewTeacherFile(services, claim, { fraction: rows / Math.max(1, dataset.rows) }, env.leaseSeconds).catch(
      (error: unknown) => {
        if (!isDatabaseAway(error)) stop.abort(error); // taken over, or removed
      },
    );
  const timer = setInterval(renew, (env.leaseSeconds * 1000) / 4);
  try {
    const start = await teacherStart(context, taken);
    const made = await makeTeacherFile(start, hostSettings(context), stop.signal, (count) => {
      rows = count;
    });
    if (!made) {
      if (stop.signal.reason instanceof ServiceError) throw stop.signal.reason;
      return leaving.aborted ? { status: "pending" } : null;
    }
    const { type: _, ...file } = made;
    const path = start.task.kind === "teacher" ? start.task.path : "";
    return { status: "ready", path, ...file };
  } catch (error) {
    if (error instanceof ServiceError && error.code === "STALE_ATTEMPT") throw error;
    return { status: "failed", problem: problemOf(error) };
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
    task: { kind: "teacher", path: join(folder, "best.teacher"), topK, writer: writer.source },
    runId: row.id,
    attempt: claim.attempt,
    workerName: env.workerName,
    spec: RunSpec.parse({ base: model, dataset: row.datasetVersionId, ...settings }),
    base: teacher.source,
    baseName: teacher.name,
    baseDigest: teacher.digest,
    adapter: null,
    adapters: {},
    teacher: null,
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
