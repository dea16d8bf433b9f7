import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type Phrase, say } from "@anneal/contracts";

/** Says what is wrong with the file. */
export type Damaged = (cause: Phrase) => never;

/** Opens a file for `read`; closed again when that refuses it. */
export function openWith<T>(path: string, read: (file: number) => T): T {
  const file = openSync(path, "r");
  try {
    return read(file);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

export function readAt(file: number, position: number, length: number, damaged: Damaged): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const got = readSync(file, bytes, at, length - at, position + at);
    if (got === 0) damaged(say`ends too early`);
    at += got;
  }
  return bytes;
}

/** The footer of a file that begins and ends with its magic, which the footer's last bytes are; and the file's size. */
export function readFrame(
  file: number,
  { magic, footerBytes }: { magic: Buffer; footerBytes: number },
  damaged: Damaged,
): { footer: Buffer; size: number } {
  const { size } = fstatSync(file);
  if (size < magic.length + footerBytes) damaged(say`is too short to be one`);
  if (!readAt(file, 0, magic.length, damaged).equals(magic)) damaged(say`does not begin as one`);
  const footer = readAt(file, size - footerBytes, footerBytes, damaged);
  if (!footer.subarray(footerBytes - magic.length).equals(magic)) damaged(say`does not end as one`);
  return { footer, size };
}

export function readCount(footer: Buffer, at: number, damaged: Damaged): number {
  const value = footer.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) damaged(say`counts ${value} of something`);
  return Number(value);
}
