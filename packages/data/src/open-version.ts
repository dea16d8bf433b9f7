import { basename } from "node:path";
import { type DatasetRow, ServiceError } from "@anneal/contracts";
import { type DatasetReader, openParquet, unreadable } from "./parquet-rows.ts";
import { sha256OfFile } from "./sha256-of-file.ts";
import {
  blockDigest,
  blockRows,
  computeDigests,
  damaged,
  identityOf,
  readDigests,
  type VersionDigests,
  writeDigests,
} from "./version-digests.ts";

// A file is proven once as long as it stays the same one; its rows are held to their digests at every reading.
const proven = new Map<string, { identity: string; digests: VersionDigests }>();
const mostProven = 200;

/** Opens a version's Parquet file, which its name tells the digest of. Damage is found before a row is given out. */
export async function openVersion(path: string): Promise<DatasetReader> {
  const digests = await prove(path);
  const reader = await openParquet(path);
  if (reader.rows === digests.rows) return held(reader, digests, path);
  await reader.close();
  throw damaged(path);
}

/** Whether the file at this path holds, byte for byte, what was stored; never from memory. */
export async function isWhole(path: string): Promise<boolean> {
  proven.delete(path);
  try {
    await prove(path);
    return true;
  } catch (error) {
    if (error instanceof ServiceError) return false;
    throw error;
  }
}

async function prove(path: string): Promise<VersionDigests> {
  const hex = /^sha256-([0-9a-f]{64})\.parquet$/.exec(basename(path))?.[1];
  if (!hex) throw unreadable(path, new Error("its name tells no digest"));
  let identity: string;
  try {
    identity = await identityOf(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  const before = proven.get(path);
  if (before?.identity === identity) return before.digests;
  const digests = (await byNote(path, `sha256:${hex}`)) ?? (await byRows(path, `sha256:${hex}`));
  proven.delete(path);
  proven.set(path, { identity, digests });
  for (const oldest of proven.keys()) {
    if (proven.size <= mostProven) break;
    proven.delete(oldest);
  }
  return digests;
}

async function byNote(path: string, digest: string): Promise<VersionDigests | null> {
  const digests = await readDigests(path, digest);
  if (digests && (await sha256OfFile(path)) !== digests.file) throw damaged(path);
  return digests;
}

/** Where there is no note yet: all rows against the version's own digest; then the note is made. */
async function byRows(path: string, digest: string): Promise<VersionDigests> {
  const reader = await openParquet(path);
  let digests: VersionDigests;
  try {
    digests = await computeDigests(path, reader.all());
  } catch (error) {
    throw damaged(path, error);
  } finally {
    await reader.close();
  }
  if (digests.digest !== digest) throw damaged(path);
  await writeDigests(path, digests).catch((error: NodeJS.ErrnoException) => {
    // A folder that is only read, or a disk without room: the rows are proven all the same, and are again next time.
    if (!["EACCES", "EROFS", "EPERM", "ENOSPC", "EDQUOT"].includes(error.code ?? "")) throw error;
  });
  return digests;
}

/** The reader, giving out only whole blocks that have their digest. */
function held(reader: DatasetReader, digests: VersionDigests, path: string): DatasetReader {
  const check = (number: number, rows: readonly DatasetRow[]): void => {
    if (blockDigest(rows) !== digests.blocks[number]) throw damaged(path);
  };
  const orDamaged = (error: unknown) => (error instanceof ServiceError ? error : damaged(path, error));
  return {
    rows: reader.rows,
    async read(offset, limit) {
      if (!(offset >= 0 && limit >= 0)) return reader.read(offset, limit); // which says what is wrong with them
      const first = Math.floor(offset / blockRows);
      const end = Math.min(Math.ceil((offset + limit) / blockRows) * blockRows, reader.rows);
      let rows: DatasetRow[];
      try {
        rows = await reader.read(first * blockRows, Math.max(0, end - first * blockRows));
      } catch (error) {
        throw orDamaged(error);
      }
      if (rows.length !== Math.max(0, end - first * blockRows)) throw damaged(path);
      for (let at = 0; at < rows.length; at += blockRows) check(first + at / blockRows, rows.slice(at, at + blockRows));
      return rows.slice(offset - first * blockRows, offset - first * blockRows + limit);
    },
    async *all() {
      let block: DatasetRow[] = [];
      let number = 0;
      try {
        for await (const row of reader.all()) {
          block.push(row);
          if (block.length < blockRows) continue;
          check(number++, block);
          yield* block;
          block = [];
        }
        if (block.length > 0) check(number, block);
      } catch (error) {
        throw orDamaged(error);
      }
      yield* block;
    },
    close: () => reader.close(),
  };
}
