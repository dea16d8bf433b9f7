import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ServiceError, say, wordsOfError } from "@anneal/contracts";
import { runs, type ServiceContext, storage } from "@anneal/services";
import { currentAttempt } from "./attempt-lock.ts";
import { syncFile, writeWhole } from "./files.ts";
import { encodeLine, journalPath } from "./journal-file.ts";

const { ranElsewhere, storedArtifacts, keptCheckpoints, toldLines } = runs.execution;

interface Run {
  id: string;
  attempt: number;
  journalNumber: number;
}

/**
 * Makes the run's folder on this machine what the database and the store say, where another host has worked at the run since this one
 * did: its checkpoints, what its trainers told, and its artifacts. What this host alone knew is older by then, and goes.
 */
export async function restoreRun(ctx: ServiceContext, run: Run, home: string): Promise<boolean> {
  const folder = join(ctx.paths.runs, run.id);
  const here = currentAttempt(folder);
  const lost = here === 0 && run.journalNumber > 0; // this host's folder is gone, or never was
  if (!lost && !(await ranElsewhere(ctx, { runId: run.id, here, attempt: run.attempt, home }))) return false;
  rmSync(folder, { recursive: true, force: true });
  await restoreCheckpoints(ctx, run);
  await writeJournal(ctx, run, folder);
  for (const artifact of await storedArtifacts(ctx, run.id)) await storage.artifactFile(ctx, artifact);
  ctx.log.info({ runId: run.id, attempt: run.attempt }, "another host worked at the run; its files are here now");
  return true;
}

async function restoreCheckpoints(ctx: ServiceContext, run: Run): Promise<void> {
  const kept = await keptCheckpoints(ctx, run.id);
  if (kept.length > 0 && kept.every(({ files }) => files === null))
    throw new ServiceError("PRECONDITION_FAILED", say`the run's checkpoints are not in the store`, {
      remedy: say`start a worker in the home that made them: it brings them into the store`,
    });
  let damage: unknown = null;
  let restored = 0;
  for (const { step, files } of kept) {
    if (!files) continue;
    // Those beside the checkpoints come with the newest of them.
    const places = Object.entries(files).filter(([place]) => restored === 0 || place.startsWith("checkpoints/"));
    try {
      for (const [place, { digest }] of places)
        await ctx.files.placeAt(digest, storage.runFilePath(ctx, run.id, place));
      restored++;
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code === "UNAVAILABLE") throw error;
      ctx.log.warn(
        { runId: run.id, step, error: error.message },
        "a checkpoint cannot be fetched; an older one is used",
      );
      damage ??= error;
    }
  }
  // Never back to step 0 in silence: what the checkpoints held would be trained again under metrics that are there already.
  if (restored === 0 && damage)
    throw new ServiceError("CONFLICT", say`no checkpoint of the run can be fetched: ${wordsOfError(damage)}`, {
      remedy: say`restore the store from a backup, then resume the run; or start a new run`,
      cause: damage,
    });
}

/** One file for all attempts before this one: a resumed trainer reads in it what need not be told again. */
async function writeJournal(ctx: ServiceContext, run: Run, folder: string): Promise<void> {
  const attempt = run.attempt - 1;
  const path = journalPath(folder, attempt);
  mkdirSync(dirname(path), { recursive: true });
  const handle = openSync(path, "wx", 0o600);
  try {
    writeWhole(handle, encodeLine({ attempt, after: 0, startedAt: ctx.now().toISOString() }));
    for await (const line of toldLines(ctx, run.id)) writeWhole(handle, encodeLine(line));
  } finally {
    closeSync(handle);
  }
  syncFile(path);
}
