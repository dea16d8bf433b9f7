import { createHash } from "node:crypto";
import { closeSync, createReadStream, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { syncDirectory } from "./epoch-lock.ts";

/** SHA-256 of a file in lower-case hex. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

/** Writes and waits until it is on the disk. The name may be torn by a crash; see replaceFile. */
export function writeDurably(path: string, data: string | Uint8Array): void {
  const handle = openSync(path, "w", 0o644);
  try {
    if (typeof data === "string") writeSync(handle, data);
    else for (let at = 0; at < data.length; ) at += writeSync(handle, data, at);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

export function syncFile(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The old content or the new one, never something between: temporary file, fsync, rename, fsync of the folder. */
export function replaceFile(path: string, data: string | Uint8Array): void {
  const temporary = `${path}.tmp-${process.pid}`;
  writeDurably(temporary, data);
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}
