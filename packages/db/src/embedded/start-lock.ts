import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type FileLock, tryLockFile } from "./file-lock.ts";

async function take(path: string, patienceSeconds: number): Promise<FileLock> {
  await mkdir(dirname(path), { recursive: true });
  for (const end = Date.now() + patienceSeconds * 1000; ; await pause(200)) {
    const lock = await tryLockFile(path);
    if (lock) return lock;
    if (Date.now() > end)
      throw new Error(
        `another process has been starting Postgres for ${patienceSeconds} s (it holds ${path}); end it, then try again`,
      );
  }
}

/** Runs `work` while no other process does the same for this file; the kernel takes the lock from a process that died. */
export async function withStartLock<T>(path: string, work: () => Promise<T>, patienceSeconds = 60): Promise<T> {
  const lock = await take(path, patienceSeconds);
  try {
    return await work();
  } finally {
    lock.release();
  }
}
