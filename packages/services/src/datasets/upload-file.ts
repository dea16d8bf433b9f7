import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { ServiceError, say } from "@anneal/contracts";
import type { StoragePaths } from "../ports.ts";
import { createDiskReserve, type DiskClaim } from "./disk-reserve.ts";

export const maxUploadBytes = 64 * 1024 ** 3;

/** The name is ours alone; the person's file name never becomes part of a path. */
export const uploadPath = (paths: StoragePaths, fileId: string) => join(paths.uploads, `${fileId}.upload`);

const tooLarge = (cap: number) =>
  new ServiceError("TOO_LARGE", say`the upload is larger than ${cap} bytes`, {
    field: "file",
    remedy: say`split the file, or put it below a folder of ANNEAL_DATA_DIRS and import its path`,
  });

// One for the process: uploads at once share what is free. A bundler may hold this module twice.
const key = Symbol.for("anneal.uploads.reserve");
const holder = globalThis as { [key]?: ReturnType<typeof createDiskReserve> };
holder[key] ??= createDiskReserve();
const processReserve = holder[key];

async function writeAll(
  file: FileHandle,
  body: AsyncIterable<Uint8Array>,
  claim: DiskClaim,
  cap: number,
  signal?: AbortSignal,
) {
  let bytes = 0;
  for await (const chunk of body) {
    signal?.throwIfAborted();
    bytes += chunk.byteLength;
    if (bytes > cap) throw tooLarge(cap);
    await claim.use(chunk.byteLength);
    await file.writeFile(chunk); // at the file's position, the whole chunk
    claim.wrote(chunk.byteLength);
  }
  signal?.throwIfAborted();
  return bytes;
}

export interface StoreOptions {
  maxBytes?: number;
  /** What the sender promises; room for it is kept from the start. */
  expectedBytes?: number;
  signal?: AbortSignal;
  reserve?: ReturnType<typeof createDiskReserve>;
}

/** Writes a body to the uploads folder, never more than the cap; leaves nothing behind when it breaks off. */
export async function storeBody(
  paths: StoragePaths,
  body: AsyncIterable<Uint8Array>,
  { maxBytes: cap = maxUploadBytes, expectedBytes = 0, signal, reserve = processReserve }: StoreOptions,
): Promise<{ path: string; bytes: number }> {
  await mkdir(paths.uploads, { recursive: true, mode: 0o700 });
  const claim = await reserve.claim(paths.uploads, expectedBytes);
  const path = uploadPath(paths, randomUUID());
  try {
    const file = await open(path, "wx", 0o600);
    try {
      return { path, bytes: await writeAll(file, body, claim, cap, signal) };
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    claim.release();
  }
}
