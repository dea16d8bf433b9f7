import { existsSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { ServiceError, say } from "@anneal/contracts";
import { sha256OfFile } from "@anneal/data";
import { deployments, runs, storage } from "@anneal/services";
import { exportFiles } from "../engine-host/export-files.ts";
import { newestCheckpoint } from "../run-directory/newest-checkpoint.ts";
import { runFolder, trainerStart } from "../trainer-start.ts";
import type { WorkerContext } from "../worker-context.ts";

type Row = NonNullable<Awaited<ReturnType<typeof deployments.execution.claimDeployment>>>["row"];
type PublishedFile = NonNullable<Awaited<ReturnType<typeof deployments.execution.deploymentFile>>>;

/** The GGUF of a deployment, proven by its digest; exported first from its checkpoint where it is not there yet. */
export async function fileToPublish(
  context: WorkerContext,
  row: Row,
  onProgress: (phase: string, fraction: number) => void,
  signal: AbortSignal,
): Promise<PublishedFile & { path: string }> {
  const { services } = context;
  const known = await deployments.execution.deploymentFile(services, row);
  if (known) {
    const path = await storage.artifactFile(services, known).catch(() => null); // lost in the store too: exported again
    if (path && (await isIntact({ path, digest: known.digest }))) return { ...known, path };
  }
  if (!row.runId)
    throw new ServiceError("NOT_FOUND", say`the file of ${row.name} is gone, and the run that made it too`, {
      remedy: say`publish another model under that name`,
    });
  onProgress("export", 0);
  const run = await runs.execution.findRun(services, row.runId);
  const checkpointPath = await checkpointOf(context, row);
  const start = await trainerStart(context, run, Math.max(1, run.attempt), {
    kind: "export",
    checkpointPath,
    gguf: [row.gguf],
  });
  const [file] = await exportFiles(start, context.env.trainer, signal);
  if (!file) throw new Error("the trainer exported nothing");
  await services.files.store.put(file.path, { digest: file.digest, mend: true, signal });
  const stored = await deployments.execution.storeDeploymentFile(services, row, {
    kind: "gguf",
    name: basename(file.path),
    ggufType: row.gguf,
    digest: file.digest,
    bytes: file.bytes,
    file: relative(runFolder(context, row.runId), file.path),
  });
  return { ...stored, path: file.path };
}

/** Whether a file still has the digest that it was exported with. */
export async function isIntact(file: { path: string; digest: string }): Promise<boolean> {
  try {
    return `sha256:${await sha256OfFile(file.path)}` === file.digest;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function checkpointOf(context: WorkerContext, row: Row): Promise<string> {
  if (row.checkpointId) {
    const checkpoint = await deployments.execution.findCheckpoint(context.services, row.checkpointId);
    if (checkpoint?.kept) return placedCheckpoint(context, checkpoint);
    throw new ServiceError("PRECONDITION_FAILED", say`that checkpoint has been removed meanwhile`, {
      remedy: say`publish one that is still kept`,
    });
  }
  const [stored] = row.runId ? await runs.execution.keptCheckpoints(context.services, row.runId) : [];
  if (stored) await placedCheckpoint(context, stored);
  const newest = row.runId ? await newestCheckpoint(runFolder(context, row.runId)) : null;
  if (!newest)
    throw new ServiceError("PRECONDITION_FAILED", say`the run keeps no checkpoint to export from`, {
      remedy: say`publish a type that the run has exported`,
    });
  return newest.path;
}

type CheckpointRow = NonNullable<Awaited<ReturnType<typeof deployments.execution.findCheckpoint>>>;

/** A checkpoint's folder on this machine, fetched from the store where it is not here. */
async function placedCheckpoint({ services }: WorkerContext, row: CheckpointRow): Promise<string> {
  const folder = storage.runFilePath(services, row.runId, row.folder);
  for (const [place, { digest }] of Object.entries(row.files ?? {})) {
    const path = storage.runFilePath(services, row.runId, place);
    if (path.startsWith(join(folder, "/")) && !existsSync(path)) await services.files.placeAt(digest, path);
  }
  return folder;
}
