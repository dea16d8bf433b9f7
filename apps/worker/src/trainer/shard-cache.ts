import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type EncodedRow, openShard, type Shard, writeShard } from "@anneal/text";
import { z } from "zod";
import { replaceFile, sha256OfFile } from "../run-directory/files.ts";

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

/**
 * Token shards, shared by all runs, found by what they are made of. An entry counts only when the file has the digest that
 * was noted when it was made; anything else is made again.
 */
export async function cachedShard(
  folder: string,
  madeOf: Record<string, unknown>,
  rows: () => AsyncIterable<EncodedRow>,
): Promise<CachedShard> {
  const key = createHash("sha256").update(JSON.stringify(madeOf)).digest("hex");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${key}.shard`);
  const note = join(folder, `${key}.json`);
  const known = await readEntry(path, note);
  if (known) return { ...known, shard: openShard(path), fromCache: true };
  const { digest, rows: count, tokens, supervisedTokens } = await writeShard(path, rows());
  const entry = { digest, rows: count, tokens, supervisedTokens };
  replaceFile(note, JSON.stringify(entry));
  return { ...entry, shard: openShard(path), fromCache: false };
}

async function readEntry(path: string, note: string): Promise<z.infer<typeof Entry> | null> {
  if (!existsSync(path) || !existsSync(note)) return null;
  const parsed = Entry.safeParse(JSON.parse(readFileSync(note, "utf8")));
  if (!parsed.success) return null;
  const digest = await sha256OfFile(path);
  return parsed.data.digest.replace(/^sha256:/, "") === digest ? parsed.data : null;
}
