import { readFileSync } from "node:fs";

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function isZombie(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    return status.slice(status.lastIndexOf(")") + 2, status.lastIndexOf(")") + 3) === "Z";
  } catch {
    return false; // no /proc (macOS): a zombie cannot be told apart there
  }
}

/** Whether a living process is the Postgres of this folder; a number in a stale pid file may be anybody's by now. */
export function isPostgresOf(pid: number, dataDir: string): boolean {
  if (!isAlive(pid)) return false;
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return (
      (words[0] ?? "").includes("postgres") && (words.includes(dataDir) || words.includes(`anneal.folder=${dataDir}`))
    );
  } catch {
    return true; // no /proc: trust the pid file
  }
}

export async function waitUntil(condition: () => boolean | Promise<boolean>, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  return condition();
}
