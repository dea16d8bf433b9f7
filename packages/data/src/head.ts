import { open, stat } from "node:fs/promises";
import { type Phrase, ServiceError, say } from "@anneal/contracts";
import type { Limits } from "./limits.ts";
import { printable } from "./outcome.ts";
import { type Encoding, encodingOf, utf8Decoder } from "./source/encoding.ts";

const headBytes = 256 * 1024;

export interface Head {
  bytes: number; // of the whole file
  encoding: Encoding;
  text: string; // its beginning, whole lines where it has several
  whole: boolean;
}

const asLines = say`convert it to JSON lines first`;
const chooseData = say`choose a file with rows: JSON lines, JSON, CSV, TSV or text`;
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
  { magic: [0x50, 0x41, 0x52, 0x31], name: say`a Parquet file`, remedy: asLines },
  { magic: [0x25, 0x50, 0x44, 0x46], name: say`a PDF`, remedy: say`extract its text first` },
  { magic: [0x7f, 0x45, 0x4c, 0x46], name: say`a program (ELF)`, remedy: chooseData },
  { magic: [0x4d, 0x5a, 0x90, 0x00], name: say`a program for Windows`, remedy: chooseData },
  { magic: [0x89, 0x50, 0x4e, 0x47], name: say`a picture`, remedy: chooseData },
  { magic: [0xff, 0xd8, 0xff], name: say`a picture`, remedy: chooseData },
  {
    magic: [0xd0, 0xcf, 0x11, 0xe0],
    name: say`an old Excel or Word file`,
    remedy: say`save the sheet as CSV UTF-8`,
  },
  { magic: [...Buffer.from("SQLite format 3")], name: say`a SQLite database`, remedy: asLines },
  { magic: [...Buffer.from("ARROW1")], name: say`an Arrow file`, remedy: asLines },
  { magic: [...Buffer.from("Obj\x01")], name: say`an Avro file`, remedy: asLines },
  { magic: [0x80, 0x02], name: say`a Python pickle`, remedy: asLines },
  { magic: [0x80, 0x03], name: say`a Python pickle`, remedy: asLines },
  { magic: [0x80, 0x04], name: say`a Python pickle`, remedy: asLines },
  { magic: [0x80, 0x05], name: say`a Python pickle`, remedy: asLines },
  {
    magic: [...Buffer.from("BZh")],
    name: say`a bzip2 file`,
    remedy: say`unpack it (bunzip2 FILE) and upload what is inside`,
  },
  {
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a],
    name: say`an xz file`,
    remedy: say`unpack it (unxz FILE) and upload what is inside`,
  },
  {
    magic: [0x37, 0x7a, 0xbc, 0xaf],
    name: say`a 7-Zip file`,
    remedy: say`unpack it (7z x FILE) and upload what is inside`,
  },
  { magic: [...Buffer.from("GGUF")], name: say`a model (GGUF)`, remedy: chooseData },
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
  const encoding = encodingOf(bytes);
  const whole = bytes.length === size;
  // In two bytes a character, a line ends wherever its text says.
  const lastLine = encoding === "utf-8" || encoding === "gb18030" ? bytes.lastIndexOf(0x0a) : -1;
  const end = whole || lastLine < 0 ? bytes.length : lastLine;
  const text = utf8Decoder(encoding)(bytes.subarray(0, end), true)
    .toString("utf8")
    .replace(/^\u{FEFF}/u, "");
  if (isBinary(text))
    throw new ServiceError("INVALID_INPUT", say`${name} holds binary data, not text`, {
      field: "file",
      remedy: say`export it as JSON lines or CSV with the encoding UTF-8`,
    });
  if (isData(name) && /^\s*(<!doctype html|<html|<\?xml|<head)/i.test(text))
    throw new ServiceError("INVALID_INPUT", say`${name} is a web page, not data`, {
      field: "file",
      remedy: say`download the file itself: the site may have asked to sign in`,
    });
  return { bytes: size, encoding, text, whole };
}

/** Whether a file's name promises rows of JSON or of a table. */
export const isData = (fileName: string): boolean => /\.(jsonl?|ndjson|csv|tsv|tab)$/i.test(fileName);

// Some NULs and broken characters are bad lines; where they are a good part of the text there is no text. Broken ones alone
// may be another encoding's letters.
function isBinary(text: string): boolean {
  let controls = 0;
  let broken = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0xfffd) broken++;
    else if (code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d && code !== 0x0c && code !== 0x1b)
      controls++;
  }
  return controls > text.length * 0.2 || (controls > text.length * 0.02 && broken > text.length * 0.02);
}
