import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { isAlive } from "../process-alive.ts";
import { replaceFile } from "../run-directory/files.ts";

const PidFile = z.object({
  supervisor: z.object({ pid: z.int(), marker: z.string() }),
  url: z.string(),
  children: z.array(z.object({ pid: z.int(), marker: z.string() })),
});
type PidFile = z.infer<typeof PidFile>;

function read(path: string): PidFile | null {
  if (!existsSync(path)) return null;
  const parsed = PidFile.safeParse(JSON.parse(readFileSync(path, "utf8")));
  return parsed.success ? parsed.data : null;
}

/** Whether a process is the one we once started: its number may be anybody's by now. */
function isOurs(pid: number, marker: string): boolean {
  if (!isAlive(pid)) return false;
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    // Next gives its process a title of its own.
    return words.includes(marker) || (marker.includes("/next/") && words.startsWith("next-server"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return !existsSync("/proc/self");
    throw error;
  }
}

/** The supervisor that already runs for this home, if any. What a killed one left running is ended. */
export function findRunning(path: string): { pid: number; url: string } | null {
  const known = read(path);
  if (!known) return null;
  const { pid: supervisor, marker: program } = known.supervisor;
  if (supervisor !== process.pid && isOurs(supervisor, program)) return { pid: supervisor, url: known.url };
  for (const { pid, marker } of known.children) if (isOurs(pid, marker)) process.kill(pid, "SIGTERM");
  return null;
}

export function writePids(path: string, url: string, children: PidFile["children"]): void {
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(
    path,
    JSON.stringify({
      supervisor: { pid: process.pid, marker: process.argv[1] ?? "" },
      url,
      children,
    } satisfies PidFile),
  );
}

export const removePids = (path: string): void => rmSync(path, { force: true });
