import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";

export interface FileLock {
  release(): void;
}

const held = 75; // what the programs below end with when another process has the lock

// Node has no flock(2), but a program that gets our open file takes the lock for us: it belongs to the open file, stays
// after the program ended, and the kernel lets it go when this process ends, in whatever way. No number of a process is guessed.
const programs: [string, string[]][] = [
  ["flock", ["-n", "-E", String(held), "3"]],
  // macOS has no flock program; perl comes along there.
  [
    "perl",
    ["-MFcntl=:flock", "-e", `open(F,"+<&=3")||open(F,"<&=3")||exit 71;exit(flock(F,6)?0:$!{EWOULDBLOCK}?${held}:71)`],
  ],
];

function end(program: string, args: string[], file: number): Promise<number | "missing"> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "ignore", file] });
    child.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" ? resolve("missing") : reject(error),
    );
    child.once("exit", (code) => resolve(code ?? -1));
  });
}

async function lockOpen(file: number): Promise<"locked" | "held" | "impossible"> {
  for (const [program, args] of programs) {
    const code = await end(program, args, file);
    if (code === 0) return "locked";
    if (code === held) return "held";
    if (code !== "missing") return "impossible"; // the file system cannot lock this kind of file
  }
  throw new Error("neither flock nor perl is installed, and a folder cannot be locked without; install util-linux");
}

async function lock(path: string, flags: "r" | "a+"): Promise<FileLock | "held" | "impossible"> {
  const file = openSync(path, flags, 0o600);
  let state: Awaited<ReturnType<typeof lockOpen>> = "impossible";
  try {
    state = await lockOpen(file);
  } finally {
    if (state !== "locked") closeSync(file);
  }
  return state === "locked" ? { release: () => closeSync(file) } : state;
}

const cannot = (path: string) =>
  new Error(`${path} lies on a file system that cannot lock files; set ANNEAL_HOME to a local disk`);

/** The lock of a file, made when it is missing; null while somebody else has it. */
export async function tryLockFile(path: string): Promise<FileLock | null> {
  const taken = await lock(path, "a+");
  if (taken === "impossible") throw cannot(path);
  return taken === "held" ? null : taken;
}

/**
 * The lock of a folder itself: whatever path leads to it, and whatever is removed in it. Where a file system locks only what
 * is open for writing (NFS), the lock of a file inside.
 */
export async function tryLockFolder(folder: string, nameInside: string): Promise<FileLock | null> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const taken = await lock(folder, "r");
  if (taken === "impossible") return tryLockFile(join(folder, nameInside));
  return taken === "held" ? null : taken;
}
