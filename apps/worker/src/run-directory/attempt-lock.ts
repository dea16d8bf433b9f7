import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ServiceError, say } from "@anneal/contracts";

const marker = /^\d{9}$/;

const folders = ["attempts", "epochs"]; // the second where an older Anneal wrote

/** The attempt that holds a run's folder: the highest marker file. Markers are only ever added, so none can be undone. */
export function currentAttempt(runDirectory: string): number {
  const names = folders.flatMap((folder) => namesIn(join(runDirectory, folder))).filter((name) => marker.test(name));
  return names.reduce((highest, name) => Math.max(highest, Number(name)), 0);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

export function syncDirectory(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Takes the folder for an attempt. Throws STALE_ATTEMPT when a newer one has it. */
export function takeAttempt(runDirectory: string, attempt: number, check: boolean): void {
  const folder = join(runDirectory, "attempts");
  mkdirSync(folder, { recursive: true });
  closeSync(openSync(join(folder, String(attempt).padStart(9, "0")), "a", 0o600));
  syncDirectory(folder);
  if (check) requireAttempt(runDirectory, attempt);
}

/** Called right before every commit to the folder: an attempt that was taken over must not write any more. */
export function requireAttempt(runDirectory: string, attempt: number): void {
  const current = currentAttempt(runDirectory);
  if (current !== attempt)
    throw new ServiceError("STALE_ATTEMPT", say`attempt ${attempt} has been taken over by attempt ${current}`, {
      remedy: say`nothing to do: the newer attempt continues`,
    });
}
