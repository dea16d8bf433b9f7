import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { DatasetRow } from "@anneal/contracts";
import { seal, sha256OfFile, unseal } from "@anneal/data";
import { type EncodedRow, openShard, type Shard, writeShard } from "@anneal/text";
import { z } from "zod";
import { replaceFile } from "./run-directory/files.ts";

const Entry = z.object({
  digest: z.string(),
  rows: z.int().nonnegative(),
  tokens: z.int().nonnegative(),
  supervisedTokens: z.int().nonnegative(),
});
export interface CachedShard extends z.infer<typeof Entry> {
  shard: Shard;
  fromCache: boolean;
}

const keyOf = (madeOf: Record<string, unknown>) => createHash("sha256").update(JSON.stringify(madeOf)).digest("hex");

/**
 * Token shards, shared by all runs, found by what they are made of. An entry counts only when the file has the digest that
 * was noted when it was made; anything else is made again.
 */
export async function cachedShard(
  folder: string,
  madeOf: Record<string, unknown>,
  rows: () => AsyncIterable<EncodedRow>,
): Promise<CachedShard> {
  const key = keyOf(madeOf);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${key}.shard`);
  const note = join(folder, `${key}.json`);
  const known = await readEntry(path, note);
  if (known) {
    const now = new Date();
    utimesSync(note, now, now); // used again: see clearUnusedShards
    return { ...known, shard: openShard(path), fromCache: true };
  }
  const { digest, rows: count, tokens, supervisedTokens } = await writeShard(path, rows());
  const entry = { digest, rows: count, tokens, supervisedTokens };
  replaceFile(note, seal(entry));
  return { ...entry, shard: openShard(path), fromCache: false };
}

/** A value of that shape, sealed and cached as shards are. */
export async function cachedSealed<T>(
  folder: string,
  madeOf: Record<string, unknown>,
  shape: z.ZodType<T>,
  make: () => Promise<T>,
  ending = "sealed",
): Promise<T> {
  const path = join(folder, `${keyOf(madeOf)}.${ending}`);
  const known = shape.safeParse(existsSync(path) ? unseal(readFileSync(path, "utf8")) : null);
  if (known.success) {
    const now = new Date();
    utimesSync(path, now, now);
    return known.data;
  }
  const made = await make();
  mkdirSync(folder, { recursive: true });
  replaceFile(path, seal(made as Record<string, unknown>));
  return made;
}

/** Rows that are needed as they were written (held-out questions). */
export async function cachedRows(
  folder: string,
  madeOf: Record<string, unknown>,
  rows: () => Promise<DatasetRow[]>,
): Promise<DatasetRow[]> {
  const shape = z.object({ rows: z.custom<DatasetRow[]>(Array.isArray) }); // sealed: they are what was written
  return (await cachedSealed(folder, madeOf, shape, async () => ({ rows: await rows() }), "rows")).rows;
}

const keptDays = 30;

/** Removes shards that no run has used for a month. A run that has one open keeps it until it ends. */
export function clearUnusedShards(folder: string, now: Date): number {
  if (!existsSync(folder)) return 0;
  const before = now.getTime() - keptDays * 86_400_000;
  let removed = 0;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const note = name.endsWith(".shard") ? path.replace(/\.shard$/, ".json") : path;
    const used = statSync(existsSync(note) ? note : path, { throwIfNoEntry: false })?.mtimeMs ?? now.getTime();
    if (used >= before || name.endsWith(".json")) continue;
    rmSync(path, { force: true });
    rmSync(note, { force: true });
    removed++;
  }
  return removed;
}

async function readEntry(path: string, note: string): Promise<z.infer<typeof Entry> | null> {
  if (!existsSync(path) || !existsSync(note)) return null;
  const parsed = Entry.safeParse(unseal(readFileSync(note, "utf8"))); // null: altered, or an older Anneal's
  if (!parsed.success) return null;
  const digest = await sha256OfFile(path);
  return parsed.data.digest.replace(/^sha256:/, "") === digest ? parsed.data : null;
}
