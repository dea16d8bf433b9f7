import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, open, readFile, rename, rm, stat } from "node:fs/promises";
import { type DatasetRow, ServiceError, say } from "@anneal/contracts";
import { canonicalLine } from "./canonical.ts";
import { seal, unseal } from "./sealed.ts";
import { sha256OfFile } from "./sha256-of-file.ts";
import { digestsPath } from "./version-file.ts";

// Beside a version's Parquet file lies what its bytes and its rows must be: the file's SHA-256, held when it is opened, and one
// for every so many rows, held when they are read; so the rows that somebody gets are the rows that were proven.
export const blockRows = 1024;

export interface VersionDigests {
  digest: string; // of all canonical rows: the version's name
  rows: number;
  file: string; // SHA-256 of the Parquet file
  blocks: string[]; // SHA-256 of each `blockRows` canonical rows
}

export const damaged = (path: string, cause?: unknown): ServiceError =>
  new ServiceError("CONFLICT", say`the dataset file ${path} is damaged: it is not what was stored`, {
    field: "dataset",
    remedy: say`import the same rows again to repair it, or restore the file from a backup`,
    cause,
  });

export const blockDigest = (rows: readonly DatasetRow[]): string => {
  const hash = createHash("sha256");
  for (const row of rows) hash.update(canonicalLine(row)).update("\n");
  return hash.digest("hex");
};

/** The digests of rows as they come, block by block, and of the file they came from. */
export async function computeDigests(
  path: string,
  rows: AsyncIterable<DatasetRow>,
  signal?: AbortSignal,
  onRows?: (rows: number) => void,
): Promise<VersionDigests> {
  const all = createHash("sha256");
  const blocks: string[] = [];
  let block = createHash("sha256");
  let count = 0;
  for await (const row of rows) {
    const line = `${canonicalLine(row)}\n`;
    all.update(line);
    block.update(line);
    if (++count % blockRows > 0) continue;
    blocks.push(block.digest("hex"));
    block = createHash("sha256");
    signal?.throwIfAborted();
    onRows?.(count);
  }
  if (count % blockRows > 0) blocks.push(block.digest("hex"));
  return { digest: `sha256:${all.digest("hex")}`, rows: count, file: await sha256OfFile(path), blocks };
}

/** The note beside the file, or null where there is none (a version of an older Anneal) or it was altered. */
export async function readDigests(path: string, digest: string): Promise<VersionDigests | null> {
  let text: string;
  try {
    text = await readFile(digestsPath(path), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  const value = unseal(text) as VersionDigests | null; // sealed: it is what writeDigests wrote
  return value?.digest === digest ? value : null;
}

export async function writeDigests(path: string, digests: VersionDigests): Promise<void> {
  const fresh = `${digestsPath(path)}.${randomUUID()}.tmp`;
  let file: FileHandle | null = null;
  try {
    file = await open(fresh, "wx", 0o600);
    await file.writeFile(seal(digests));
    await file.sync();
    await file.close();
    file = null;
    await rename(fresh, digestsPath(path));
  } catch (error) {
    await file?.close();
    await rm(fresh, { force: true });
    throw error;
  }
}

/** What tells a file from the one that was there before under its name; the change time cannot be set back by anyone. */
export async function identityOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}
