import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { isAlive } from "../process-alive.ts";
import { replaceFile } from "../run-directory/files.ts";

const PidFile = z.object({
  supervisor: z.object({ pid: z.int() }),
  url: z.string(),
  children: z.array(z.object({ pid: z.int().positive(), marker: z.string().min(1) })),
});
type PidFile = z.infer<typeof PidFile>;

/** What the file says; null when there is none or it is damaged: the home's lock decides who runs, this only tells of them. */
export function readPids(path: string): PidFile | null {
  try {
    return PidFile.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return null;
  }
}

/** Whether a process is the one we once started: its number may be anybody's by now. */
function isOurs(pid: number, marker: string): boolean {
  if (!isAlive(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(marker);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return !existsSync("/proc/self");
    throw error;
  }
}

/** Ends what a killed supervisor left running. Only who has the home's lock may call it. */
export function endLeftovers(path: string): void {
  for (const { pid, marker } of readPids(path)?.children ?? []) if (isOurs(pid, marker)) process.kill(pid, "SIGTERM");
}

export function writePids(path: string, url: string, children: PidFile["children"]): void {
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, JSON.stringify({ supervisor: { pid: process.pid }, url, children } satisfies PidFile));
}

export const removePids = (path: string): void => rmSync(path, { force: true });
