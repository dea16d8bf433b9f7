import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { schema } from "@anneal/db";
import { eq, lt } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { removeFile } from "./remove.ts";
import { uploadLifeMilliseconds } from "./upload-row.ts";

const { uploads, datasetVersions } = schema;

async function oldFiles(folder: string, before: number): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  const old: string[] = [];
  for (const name of names) {
    const info = await stat(join(folder, name)).catch(() => null); // gone meanwhile: nothing to clear
    if (info && info.mtimeMs < before) old.push(name);
  }
  return old;
}

/**
 * What nobody waits for any more: uploads past their day, files a broken-off upload or import left, and versions' files
 * without a row (a crash came between file and row). A person's own file is never touched.
 */
export async function clearExpired(ctx: Pick<ServiceContext, "db" | "now" | "paths">): Promise<{ removed: number }> {
  const now = ctx.now();
  const gone = await ctx.db.delete(uploads).where(lt(uploads.expiresAt, now)).returning();
  let removed = 0;
  for (const { owned, path, committedAt } of gone)
    if (owned && !committedAt) {
      await rm(path, { force: true });
      removed++;
    }
  // Twice an upload's life: no upload row can still name a file that old.
  const before = now.getTime() - 2 * uploadLifeMilliseconds;
  for (const name of await oldFiles(ctx.paths.uploads, before))
    if (name.endsWith(".upload")) {
      await rm(join(ctx.paths.uploads, name), { force: true });
      removed++;
    }
  for (const name of await oldFiles(ctx.paths.datasets, before)) {
    const path = join(ctx.paths.datasets, name);
    const hex = /^sha256-([0-9a-f]{64})\.parquet$/.exec(name)?.[1];
    if (name.startsWith(".import-")) await rm(path, { recursive: true, force: true });
    else if (hex) {
      const digest = `sha256:${hex}`;
      const [used] = await ctx.db
        .select({ id: datasetVersions.id })
        .from(datasetVersions)
        .where(eq(datasetVersions.digest, digest))
        .limit(1);
      if (used) continue;
      await removeFile(ctx, digest, path);
    } else continue;
    removed++;
  }
  return { removed };
}
