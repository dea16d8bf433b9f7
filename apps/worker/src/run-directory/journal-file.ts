import { createReadStream, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { JournalHeader, JournalLine } from "@anneal/contracts";

// A journal file belongs to one attempt. Each line is "CRC32 of the JSON in 8 hex digits, space, JSON"; the first is the
// header. A line whose check sum does not fit ends the file: it is the torn tail of a killed writer.

export const journalFolder = (runDirectory: string) => join(runDirectory, "journal");
const fileName = /^attempt-(\d{9})\.jsonl$/;
export const journalPath = (runDirectory: string, attempt: number) =>
  join(journalFolder(runDirectory), `attempt-${String(attempt).padStart(9, "0")}.jsonl`);

const checkSum = (json: string) => crc32(json).toString(16).padStart(8, "0");

export function encodeLine(value: object): string {
  const json = JSON.stringify(value);
  return `${checkSum(json)} ${json}\n`;
}

export function decodeLine(text: string): unknown | undefined {
  if (text.length < 11 || text[8] !== " ") return undefined;
  const json = text.slice(9);
  if (text.slice(0, 8) !== checkSum(json)) return undefined;
  return JSON.parse(json);
}

/** Whole lines of a file, up to the first that is torn. The last piece without a line end counts as torn. */
export async function* intactLines(path: string): AsyncGenerator<unknown> {
  let rest = "";
  const stream = createReadStream(path, { encoding: "utf8", highWaterMark: 1 << 20 });
  for await (const chunk of stream) {
    rest += chunk;
    let start = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
      const value = decodeLine(rest.slice(start, end));
      if (value === undefined) return;
      yield value;
      start = end + 1;
    }
    rest = rest.slice(start);
  }
}

export function journalAttempts(runDirectory: string): number[] {
  const folder = journalFolder(runDirectory);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => Number(fileName.exec(name)?.[1] ?? Number.NaN))
    .filter((attempt) => Number.isInteger(attempt))
    .sort((a, b) => a - b);
}

async function readHeader(path: string): Promise<JournalHeader | null> {
  for await (const value of intactLines(path)) {
    const parsed = JournalHeader.safeParse(value);
    return parsed.success ? parsed.data : null;
  }
  return null;
}

/**
 * The run's journal as attempts up to `attempt` left it, in order, numbers after `afterNumber` only. A later attempt's header
 * cuts off what earlier ones wrote behind it (a stopped writer that woke up).
 */
export async function* readJournal(
  runDirectory: string,
  options: { attempt: number; afterNumber?: number },
): AsyncGenerator<JournalLine> {
  const attempts: { path: string; after: number; cut: number }[] = [];
  for (const attempt of journalAttempts(runDirectory)) {
    if (attempt > options.attempt) break;
    const path = journalPath(runDirectory, attempt);
    const header = await readHeader(path);
    if (!header) continue; // killed before its header was whole: nothing was told
    for (const earlier of attempts) earlier.cut = Math.min(earlier.cut, header.after);
    attempts.push({ path, after: header.after, cut: Number.POSITIVE_INFINITY });
  }
  const from = options.afterNumber ?? 0;
  for (const { path, after, cut } of attempts) {
    if (cut <= Math.max(after, from)) continue;
    let expected = after + 1;
    let isHeader = true;
    for await (const value of intactLines(path)) {
      if (isHeader) {
        isHeader = false;
        continue;
      }
      const line = JournalLine.parse(value);
      if (line.number !== expected) break; // never written by us: numbers follow each other
      expected++;
      if (line.number > cut) break;
      if (line.number > from) yield line;
    }
  }
}
