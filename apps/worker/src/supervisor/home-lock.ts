import { join } from "node:path";
import { type FileLock, tryLockFolder } from "@anneal/db/embedded";
import { readPids } from "./pid-file.ts";

export const pidFileOf = (home: string) => join(home, "anneal.pid.json");

/** One supervisor a home: the lock is the kernel's, on the folder itself, and ends with the process that holds it. */
export async function lockHome(home: string): Promise<FileLock> {
  const lock = await tryLockFolder(home, "anneal.lock");
  if (lock) return lock;
  const running = readPids(pidFileOf(home));
  const where = running ? ` (process ${running.supervisor.pid}, ${running.url})` : "";
  throw new Error(
    `Anneal already runs for ${home}${where}. Stop that one first, or set ANNEAL_HOME to another folder.`,
  );
}
