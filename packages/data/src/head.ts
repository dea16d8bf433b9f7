import { open, stat } from "node:fs/promises";
import { type Phrase, ServiceError, say } from "@anneal/contracts";
import type { Limits } from "./limits.ts";
import { printable } from "./outcome.ts";

const headBytes = 256 * 1024;

export interface Head {
  bytes: number; // of the whole file
  text: string; // its beginning, whole lines where it has several
  whole: boolean;
}

const binaries: { magic: number[]; name: Phrase; remedy: Phrase }[] = [
  { magic: [0x1f, 0x8b], name: say`a gzip file`, remedy: say`unpack it (gunzip FILE) and upload what is inside` },
  {
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    name: say`a zstd file`,
    remedy: say`unpack it (unzstd FILE) and upload what is inside`,
  },
  {
    magic: [0x50, 0x4b, 0x03, 0x04],
    name: say`a zip or Excel file`,
    remedy: say`unpack it, or save the sheet as CSV UTF-8`,
  },
  { magic: [0x50, 0x41, 0x52, 0x31], name: say`a Parquet file`, remedy: say`write it out as JSON lines first` },
  { magic: [0x25, 0x50, 0x44, 0x46], name: say`a PDF`, remedy: say`extract its text first` },
  { magic: [0xff, 0xfe], name: say`UTF-16 text`, remedy: say`save it with the encoding UTF-8` },
  { magic: [0xfe, 0xff], name: say`UTF-16 text`, remedy: say`save it with the encoding UTF-8` },
];

/** Size and beginning of a file; refuses what is no text. */
export async function readHead(path: string, fileName: string, limits: Limits): Promise<Head> {
  const name = printable(fileName);
  const info = await stat(path);
  if (!info.isFile())
    throw new ServiceError("INVALID_INPUT", say`${name} is not a plain file`, {
      field: "path",
      remedy: say`choose a file`,
    });
  if (info.size === 0)
    throw new ServiceError("INVALID_INPUT", say`${name} is empty`, {
      field: "file",
      remedy: say`choose a file with rows`,
    });
  if (info.size > limits.fileBytes)
    throw new ServiceError("INVALID_INPUT", say`${name} has ${info.size} bytes; ${limits.fileBytes} are the most`, {
      field: "file",
      remedy: say`split it into several datasets`,
    });
  const buffer = Buffer.alloc(Math.min(headBytes, info.size));
  const handle = await open(path, "r");
  try {
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return toHead(buffer.subarray(0, filled), info.size, name);
  } finally {
    await handle.close();
  }
}

function toHead(bytes: Buffer, size: number, name: string): Head {
  const binary = binaries.find(({ magic }) => magic.every((byte, i) => bytes[i] === byte));
  if (binary)
    throw new ServiceError("INVALID_INPUT", say`${name} is ${binary.name}`, { field: "file", remedy: binary.remedy });
  // A few NULs are bad lines; a file full of them is no text.
  let nuls = 0;
  for (let at = bytes.indexOf(0); at >= 0 && nuls <= 64; at = bytes.indexOf(0, at + 1)) nuls++;
  if (nuls > 64)
    throw new ServiceError("INVALID_INPUT", say`${name} holds binary data, not text`, {
      field: "file",
      remedy: say`export it as JSON lines or CSV with the encoding UTF-8`,
    });
  const whole = bytes.length === size;
  const lastLine = bytes.lastIndexOf(0x0a);
  const end = whole || lastLine < 0 ? bytes.length : lastLine;
  return {
    bytes: size,
    text: bytes
      .subarray(0, end)
      .toString("utf8")
      .replace(/^\u{FEFF}/u, ""),
    whole,
  };
}
