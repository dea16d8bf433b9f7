import { createHash, randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

const bufferBytes = 1 << 20;

export interface Written<T> {
  digest: string; // sha256:...
  bytes: number;
  result: T;
}

/** Writes what `fill` puts beside the path and renames when all is on the disk: a file under its path is whole. */
export async function writeWhole<T>(
  path: string,
  fill: (put: (bytes: Buffer) => Promise<void>) => Promise<T>,
): Promise<Written<T>> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const hash = createHash("sha256");
  const file = await open(temporary, "wx");
  try {
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    let total = 0;
    const flush = async () => {
      const bytes = Buffer.concat(pending);
      pending = [];
      pendingBytes = 0;
      hash.update(bytes);
      for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
    };
    const result = await fill(async (bytes) => {
      pending.push(bytes);
      pendingBytes += bytes.length;
      total += bytes.length;
      if (pendingBytes >= bufferBytes) await flush();
    });
    await flush();
    await file.sync();
    await file.close();
    await rename(temporary, path);
    await syncFolder(dirname(path));
    return { digest: `sha256:${hash.digest("hex")}`, bytes: total, result };
  } catch (error) {
    await file.close().catch(() => undefined); // already closed, or failing as the write did
    await rm(temporary, { force: true });
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
