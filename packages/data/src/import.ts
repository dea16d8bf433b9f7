import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import {
  type BadLine,
  type ColumnMapping,
  type DatasetFormat,
  type ImportedVersion,
  ServiceError,
  say,
  type WorkProgress,
  wordsOf,
} from "@anneal/contracts";
import { isTextColumn } from "./detect.ts";
import { settle } from "./inspect.ts";
import type { Limits } from "./limits.ts";
import { isWhole } from "./open-version.ts";
import { printable } from "./outcome.ts";
import { jsonLinesToParquet } from "./parquet.ts";
import { openParquet } from "./parquet-rows.ts";
import { readRows } from "./rows.ts";
import { refuseUndecided, refuseUnknown, UnusedFields } from "./unused-fields.ts";
import { computeDigests, type VersionDigests, writeDigests } from "./version-digests.ts";
import { digestsPath, versionPath } from "./version-file.ts";

export interface ImportOptions {
  fileName: string;
  format?: DatasetFormat;
  mapping?: ColumnMapping | null;
  leaveOut?: readonly string[];
  skipBadLines: boolean;
  folder: string;
  limits?: Partial<Limits>;
  signal?: AbortSignal;
  onProgress?: (progress: WorkProgress) => void;
}

// Shares of the time that reading takes; writing the Parquet file and reading it back take the rest.
const readShare = 0.5;
const writeShare = 0.2;
const refusedLines = (first: BadLine, count: number) =>
  new ServiceError(
    "PRECONDITION_FAILED",
    count === 1
      ? say`1 bad line; line ${first.line}: ${wordsOf(first, "cause")}`
      : say`${count} bad [line|lines]; line ${first.line}: ${wordsOf(first, "cause")}`,
    {
      field: `line ${first.line}`,
      remedy: say`${wordsOf(first, "remedy")}; or continue without the bad lines (skipBadLines)`,
      details: { badLineCount: count },
    },
  );

function noRows(name: string, format: DatasetFormat, first: BadLine | null): ServiceError {
  if (first)
    return new ServiceError(
      "INVALID_INPUT",
      say`${name} has no good row as ${format}; line ${first.line}: ${wordsOf(first, "cause")}`,
      { field: "format", remedy: say`${wordsOf(first, "remedy")}; or choose another format` },
    );
  return new ServiceError("INVALID_INPUT", say`${name} has no row`, {
    field: "file",
    remedy: say`choose a file with rows; a header row alone is not enough`,
  });
}

async function writeCanonical(path: string, target: string, o: ImportOptions) {
  const { guess, ...settled } = await settle(path, { ...o, mapping: o.mapping ?? undefined });
  const { format, mapping } = settled;
  const unused = new UnusedFields();
  if ((format === "csv" || format === "tsv") && !mapping && !isTextColumn(guess.columns))
    throw new ServiceError("INVALID_INPUT", say`mapping: it is not clear which columns are question and answer`, {
      field: "mapping",
      remedy: say`choose the columns for user and assistant`,
    });
  const hash = createHash("sha256");
  const out = (await open(target, "wx", 0o600)).createWriteStream({ highWaterMark: 1 << 20 });
  out.on("error", () => undefined); // told by the next write, or by `finished`
  let rows = 0;
  let badLineCount = 0;
  let longestBytes = 0;
  let firstBad: BadLine | null = null;
  const fileBytes = (await stat(path)).size;
  let readBytes = 0;
  const onBytes = (bytes: number) => {
    readBytes += bytes;
  };
  try {
    for await (const batch of readRows(path, { ...settled, unused, signal: o.signal, onBytes })) {
      const lines: string[] = [];
      for (const outcome of batch)
        if ("bad" in outcome) {
          badLineCount++;
          firstBad ??= outcome.bad;
        } else {
          hash.update(outcome.canonical).update("\n");
          const line = `{"row":${rows++},${outcome.canonical.slice(1)}\n`;
          if (line.length * 3 > longestBytes) longestBytes = Math.max(longestBytes, Buffer.byteLength(line));
          lines.push(line);
        }
      if (out.errored) throw out.errored;
      if (lines.length > 0 && !out.write(lines.join(""))) await once(out, "drain", { signal: o.signal });
      o.onProgress?.({ fraction: readShare * Math.min(1, readBytes / Math.max(1, fileBytes)), rows });
    }
    out.end();
    await finished(out);
  } finally {
    out.destroy();
  }
  if (firstBad && !o.skipBadLines) throw refusedLines(firstBad, badLineCount);
  if (rows === 0) throw noRows(printable(o.fileName), format, firstBad);
  const fields = unused.list();
  refuseUndecided(fields, o.leaveOut ?? []);
  refuseUnknown(fields, o.leaveOut ?? [], guess.columns);
  const leftOut = fields.map(({ path }) => path);
  return { digest: `sha256:${hash.digest("hex")}`, rows, badLineCount, format, leftOut, longestBytes };
}

/** The digests of a Parquet file's rows, read back in full, and of the file. */
export async function digestOfVersion(
  path: string,
  signal?: AbortSignal,
  onRows?: (rows: number) => void,
): Promise<VersionDigests> {
  const reader = await openParquet(path);
  try {
    return await computeDigests(path, reader.all(), signal, onRows);
  } finally {
    await reader.close();
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const sizeOf = async (path: string): Promise<number | null> => {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
};

/**
 * Makes the immutable version of a file: canonical rows, their SHA-256, and a Parquet file named by it. What was written is
 * read back and must give the same digest before it gets its name; the same rows from any file end at the same name.
 */
export async function importVersion(path: string, o: ImportOptions): Promise<ImportedVersion> {
  await mkdir(o.folder, { recursive: true });
  const stem = join(o.folder, `.import-${randomUUID()}`);
  const lines = `${stem}.jsonl`;
  const fresh = `${stem}.parquet`;
  try {
    const { longestBytes, ...made } = await writeCanonical(path, lines, o);
    const target = versionPath(o.folder, made.digest);
    const there = await sizeOf(target);
    // A damaged one is mended by what is written below.
    if (there !== null && (await isWhole(target))) return { ...made, bytes: there, path: target };
    await jsonLinesToParquet(lines, fresh, longestBytes, `${stem}.spill`);
    const { rows } = made;
    const done = readShare + writeShare;
    o.onProgress?.({ fraction: done, rows });
    const written = await digestOfVersion(fresh, o.signal, (read) =>
      o.onProgress?.({ fraction: done + (1 - done) * Math.min(1, read / rows), rows }),
    );
    if (written.digest !== made.digest)
      throw new Error(`the rows of ${fresh} read back otherwise than they were written`);
    await syncFile(fresh);
    // The note of another file must never stand beside this one; without a note the rows themselves are proven.
    await rm(digestsPath(target), { force: true });
    await rename(fresh, target);
    await writeDigests(target, written);
    await syncFile(o.folder);
    return { ...made, bytes: (await stat(target)).size, path: target };
  } finally {
    for (const left of [lines, fresh, `${stem}.spill`]) await rm(left, { recursive: true, force: true });
  }
}
