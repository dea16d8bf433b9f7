import { readFileSync } from "node:fs";
import { mkdir, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { isAlive, waitUntil } from "./processes.ts";

/** Runs `work` while no other process does the same for this file; the lock of a dead process is taken over. */
export async function withStartLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const take = async () => {
    try {
      const file = await open(path, "wx", 0o600);
      await file.writeFile(String(process.pid));
      await file.close();
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    try {
      const text = readFileSync(path, "utf8");
      // An empty file is being written this moment.
      if (text !== "" && !isAlive(Number(text))) await unlink(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    return false;
  };
  if (!(await waitUntil(take, 60)))
    throw new Error(`another process has been starting Postgres for a minute; if none is, remove ${path}`);
  try {
    return await work();
  } finally {
    await unlink(path);
  }
}
