import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { syncDirectory } from "./attempt-lock.ts";

/** Writes all of it: a disk that is nearly full takes a part without an error, and only the next write fails. */
export function writeWhole(handle: number, data: string | Uint8Array): void {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
}

/** Writes and waits until it is on the disk. The name may be torn by a crash; see replaceFile. */
export function writeDurably(path: string, data: string | Uint8Array): void {
  const handle = openSync(path, "w", 0o600);
  try {
    writeWhole(handle, data);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Bytes of all files below a folder; 0 where there is none. */
export function folderBytes(folder: string): number {
  if (!existsSync(folder)) return 0;
  let sum = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) sum += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return sum;
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
