import { randomUUID } from "node:crypto";
import { mkdir, open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ServiceError, say } from "@anneal/contracts";
import type { StoragePaths } from "../ports.ts";

export const maxUploadBytes = 64 * 1024 ** 3;
// An upload may not fill the disk that checkpoints need.
const spareBytes = 512 * 1024 ** 2;

/** The name is ours alone; the person's file name never becomes part of a path. */
export const uploadPath = (paths: StoragePaths, fileId: string) => join(paths.uploads, `${fileId}.upload`);

const tooLarge = (cap: number) =>
  new ServiceError("TOO_LARGE", say`the upload is larger than ${cap} bytes`, {
    field: "file",
    remedy: say`split the file, or put it below a folder of ANNEAL_DATA_DIRS and import its path`,
  });

/** Writes a body to the uploads folder, never more than the cap; leaves nothing behind when it breaks off. */
export async function storeBody(
  paths: StoragePaths,
  body: AsyncIterable<Uint8Array>,
  options: { maxBytes?: number; signal?: AbortSignal },
): Promise<{ path: string; bytes: number }> {
  await mkdir(paths.uploads, { recursive: true });
  const { bavail, bsize } = await statfs(paths.uploads);
  const free = bavail * bsize - spareBytes;
  const cap = Math.min(options.maxBytes ?? maxUploadBytes, Math.max(0, free));
  const path = uploadPath(paths, randomUUID());
  let bytes = 0;
  async function* counted(source: AsyncIterable<Uint8Array>) {
    for await (const chunk of source) {
      bytes += chunk.byteLength;
      if (bytes > cap) throw tooLarge(cap);
      yield chunk;
    }
  }
  // Opened before the first byte: a stream that opens by itself may still make the file after a broken body removed it.
  const file = await open(path, "wx", 0o600);
  try {
    await pipeline(body, counted, file.createWriteStream(), { signal: options.signal });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return { path, bytes };
}
