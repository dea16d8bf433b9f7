import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { type Phrase, say } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import { type Encoding, type SourceFile, utf8Decoder } from "./encoding.ts";

/** A line of text, or the reason why it is none (then `text` is only an excerpt). */
export interface Line {
  line: number;
  text: string;
  end: string; // what ended it: a line break of a quoted field is part of its text
  refusal: Refusal | null;
}

const newline = 0x0a;
const excerptBytes = 512;

export const tooLong = (what: Phrase, cap: number): Refusal =>
  refuse(say`the ${what} is longer than ${cap} bytes`, say`split it into shorter rows`);
export const badText = (what: Phrase, encoding: Encoding): Refusal =>
  refuse(
    say`the ${what} is not valid ${encoding.toUpperCase()}`,
    say`save the file with the encoding UTF-8 and upload it again`,
  );

/** A file's bytes as UTF-8, without a byte order mark. */
export async function* readChunks(
  { path, encoding, onBytes }: SourceFile,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const decode = utf8Decoder(encoding);
  let first = true;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 17, signal })) {
    onBytes?.((chunk as Buffer).length);
    const bytes = decode(chunk as Buffer, false);
    const bom = first && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    first = false;
    yield bom ? bytes.subarray(3) : bytes;
  }
  const rest = decode(Buffer.alloc(0), true);
  if (rest.length > 0) yield rest;
}

function toLine(line: number, bytes: Buffer, encoding: Encoding): Line {
  const end = bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length;
  const body = bytes.subarray(0, end);
  const ending = end < bytes.length ? "\r\n" : "\n";
  return isUtf8(body)
    ? { line, text: body.toString("utf8"), end: ending, refusal: null }
    : {
        line,
        text: body.subarray(0, excerptBytes).toString("latin1"),
        end: ending,
        refusal: badText(say`line`, encoding),
      };
}

/** Lines in batches (one per piece read), without their ends. A line above the cap is skipped, not gathered. */
export async function* readLines(file: SourceFile, lineBytes: number, signal?: AbortSignal): AsyncGenerator<Line[]> {
  let number = 1;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let overflow: Buffer | null = null; // the beginning of a line that is too long
  const finish = (tail: Buffer): Line => {
    const line = number++;
    const start = overflow;
    const bytes = kept.length > 0 ? Buffer.concat([...kept, tail]) : tail;
    kept = [];
    keptBytes = 0;
    overflow = null;
    if (start || bytes.length > lineBytes)
      return {
        line,
        text: (start ?? bytes).subarray(0, excerptBytes).toString("utf8"),
        end: "\n",
        refusal: tooLong(say`line`, lineBytes),
      };
    return toLine(line, bytes, file.encoding);
  };
  for await (const chunk of readChunks(file, signal)) {
    const batch: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      batch.push(finish(chunk.subarray(from, at)));
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    if (overflow === null && rest.length > 0) {
      kept.push(rest);
      keptBytes += rest.length;
      if (keptBytes > lineBytes) {
        overflow = Buffer.concat(kept).subarray(0, excerptBytes);
        kept = [];
      }
    }
    yield batch;
  }
  if (keptBytes > 0) yield [finish(Buffer.alloc(0))];
}
