import { isUtf8 } from "node:buffer";
import { jsonWords, type Phrase, say } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import type { SourceFile } from "./encoding.ts";
import { badText, type Line, readChunks, readLines, tooLong } from "./lines.ts";

/** A parsed value with the line it begins on; `text` is its source, for excerpts. */
export interface JsonValue {
  line: number;
  value: unknown;
  text: string;
  refusal: Refusal | null;
}

const open = (byte: number) => byte === 0x7b || byte === 0x5b;
const shut = (byte: number) => byte === 0x7d || byte === 0x5d;
const space = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** How deep brackets nest, looked at before parsing, so that no reader recurses deeper than the cap. */
export function jsonDepth(text: string, cap: number): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (open(c)) {
      depth++;
      if (depth > deepest) deepest = depth;
      if (deepest > cap) return deepest;
    } else if (shut(c)) depth--;
  }
  return deepest;
}

export function parseJson(line: number, text: string, depthCap: number): JsonValue {
  if (jsonDepth(text, depthCap) > depthCap) return { line, value: null, text, refusal: tooDeep(depthCap) };
  try {
    return { line, value: JSON.parse(text), text, refusal: null };
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/\s+/g, " ").slice(0, 120) : String(error);
    return {
      line,
      value: null,
      text,
      refusal: refuse(say`not valid JSON: ${jsonWords(detail)}`, say`correct the JSON of this row`),
    };
  }
}

const tooDeep = (cap: number) =>
  refuse(say`brackets nest deeper than ${cap}`, say`flatten the row; a conversation needs 4 levels`);

export async function* readJsonLines(
  file: SourceFile,
  limits: { lineBytes: number; jsonDepth: number },
  signal?: AbortSignal,
): AsyncGenerator<JsonValue[]> {
  const parse = ({ line, text, refusal }: Line): JsonValue =>
    refusal ? { line, value: null, text, refusal } : parseJson(line, text, limits.jsonDepth);
  for await (const lines of readLines(file, limits.lineBytes, signal))
    yield lines.filter(({ text }) => text.trim() !== "").map(parse);
}

/**
 * The values of one big JSON array, or values that follow one another over several lines. Only the value at hand is held;
 * brackets and strings are followed byte by byte, so a value that is too long or too deep is skipped to its end.
 */
export async function* readJsonStream(
  file: SourceFile,
  limits: { lineBytes: number; jsonDepth: number },
  signal?: AbortSignal,
): AsyncGenerator<JsonValue[]> {
  let line = 1;
  let inArray = false;
  let started = false; // the first bracket was seen
  let ended = false; // the array is closed
  let depth = 0; // inside the value at hand
  let inString = false;
  let escaped = false;
  let startLine = 0;
  let pieces: Buffer[] = [];
  let size = 0;
  let refusal: Refusal | null = null;
  let separated = true; // a comma stood before the next value
  let any = false; // a value was seen
  const take = (): JsonValue => {
    const bytes = Buffer.concat(pieces);
    const found = refusal ?? (isUtf8(bytes) ? null : badText(say`value`, file.encoding));
    pieces = [];
    size = 0;
    refusal = null;
    if (found) return { line: startLine, value: null, text: bytes.subarray(0, 512).toString("utf8"), refusal: found };
    return parseJson(startLine, bytes.toString("utf8"), limits.jsonDepth);
  };
  const stray = (byte: number, cause: Phrase): JsonValue => ({
    line,
    value: null,
    text: String.fromCharCode(byte),
    refusal: refuse(cause, say`make the file one JSON array of rows, or one row per line`),
  });
  for await (const chunk of readChunks(file, signal)) {
    const batch: JsonValue[] = [];
    let from = depth > 0 || inString ? 0 : -1;
    const keep = (end: number) => {
      if (from < 0) return;
      const piece = chunk.subarray(from, end);
      size += piece.length;
      if (size > limits.lineBytes) {
        refusal ??= tooLong(say`value`, limits.lineBytes);
        if (pieces.length === 0) pieces.push(Buffer.from(piece.subarray(0, 512)));
      } else if (!refusal) pieces.push(piece);
    };
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] ?? 0;
      if (byte === 0x0a) line++;
      if (depth > 0) {
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === 0x5c) escaped = true;
          else if (byte === 0x22) inString = false;
        } else if (byte === 0x22) inString = true;
        else if (open(byte)) {
          if (++depth > limits.jsonDepth) refusal ??= tooDeep(limits.jsonDepth);
        } else if (shut(byte) && --depth === 0) {
          keep(i + 1);
          from = -1;
          batch.push(take());
        }
        continue;
      }
      if (space(byte)) continue;
      if (ended) {
        batch.push(stray(byte, say`there is more text after the end of the array`));
        yield batch;
        return;
      }
      if (!started && byte === 0x5b) {
        started = inArray = true;
      } else if (open(byte)) {
        if (inArray && !separated) batch.push(stray(byte, say`a comma is missing between two values`));
        started = true;
        separated = false;
        any = true;
        depth = 1;
        startLine = line;
        from = i;
      } else if (byte === 0x2c && inArray) {
        if (separated) batch.push(stray(byte, say`a comma has no value before it`));
        separated = true;
      } else if (byte === 0x5d && inArray) {
        if (separated && any) batch.push(stray(byte, say`a comma has no value behind it`));
        ended = true;
      } else {
        batch.push(stray(byte, say`a row, an object in { }, should start here`));
        yield batch;
        return;
      }
    }
    keep(chunk.length);
    yield batch;
  }
  if (depth > 0) {
    refusal = refuse(say`the file ends inside this value`, say`the file is cut off: copy or upload it again`);
    yield [take()];
  } else if (inArray && !ended)
    yield [
      {
        line,
        value: null,
        text: "",
        refusal: refuse(say`the array is not closed`, say`the file is cut off: copy or upload it again`),
      },
    ];
}
