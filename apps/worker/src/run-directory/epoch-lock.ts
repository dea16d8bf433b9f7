import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ServiceError, say } from "@anneal/contracts";

const marker = /^\d{9}$/;

/** The attempt that holds a run's folder: the highest marker file. Markers are only ever added, so none can be undone. */
export function currentEpoch(runDirectory: string): number {
  try {
    const names = readdirSync(join(runDirectory, "epochs")).filter((name) => marker.test(name));
    return names.reduce((highest, name) => Math.max(highest, Number(name)), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
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

/** Takes the folder for an attempt. Throws STALE_EPOCH when a newer one has it. */
export function takeEpoch(runDirectory: string, epoch: number, check: boolean): void {
  const folder = join(runDirectory, "epochs");
  mkdirSync(folder, { recursive: true });
  closeSync(openSync(join(folder, String(epoch).padStart(9, "0")), "a", 0o600));
  syncDirectory(folder);
  if (check) requireEpoch(runDirectory, epoch);
}

/** Called right before every commit to the folder: an attempt that was taken over must not write any more. */
export function requireEpoch(runDirectory: string, epoch: number): void {
  const current = currentEpoch(runDirectory);
  if (current !== epoch)
    throw new ServiceError("STALE_EPOCH", say`attempt ${epoch} has been taken over by attempt ${current}`, {
      remedy: say`nothing to do: the newer attempt continues`,
    });
}
