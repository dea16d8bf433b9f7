import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type Phrase, say } from "@anneal/contracts";

/** Says what is wrong with the file. */
export type Damaged = (cause: Phrase) => never;

/** Opens a file for `read`; closed again when that refuses it. What cannot be opened, or is no file, is refused as damaged. */
export function openWith<T>(path: string, damaged: Damaged, read: (file: number) => T): T {
  const file = openFile(path, damaged);
  try {
    if (!fstatSync(file).isFile()) damaged(say`is no regular file`);
    return read(file);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function openFile(path: string, damaged: Damaged): number {
  try {
    // Without waiting: a FIFO in the file's place must not hang before it can be refused.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return damaged(
      say`cannot be opened: ${error instanceof Error && "code" in error ? String(error.code) : String(error)}`,
    );
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
