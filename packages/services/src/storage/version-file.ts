import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { digestsPath, versionPath } from "@anneal/data/version-file";
import type { schema } from "@anneal/db";
import type { ServiceContext } from "../context.ts";

type Files = schema.StoredFiles;
type Context = Pick<ServiceContext, "files" | "paths">;

/** A version's Parquet file on this machine, fetched from the store where it is not here. It may be missing in both. */
export async function versionFile(ctx: Context, version: { digest: string; files: Files | null }): Promise<string> {
  const path = versionPath(ctx.paths.datasets, version.digest);
  if (existsSync(path) || !version.files) return path;
  // The file last: where it is, its digests are.
  const names = Object.keys(version.files).sort((a, b) => b.length - a.length);
  for (const name of names) {
    const file = version.files[name];
    if (file) await ctx.files.placeAt(file.digest, join(ctx.paths.datasets, basename(name)));
  }
  return path;
}

/** Puts a version's file and the digests of its rows into the store; a damaged object is mended by it. */
export async function storeVersionFile(ctx: Pick<ServiceContext, "files">, path: string): Promise<Files> {
  const files: Files = {};
  for (const each of [path, digestsPath(path)])
    if (existsSync(each)) files[basename(each)] = await ctx.files.store.put(each, { mend: true });
  return files;
}
