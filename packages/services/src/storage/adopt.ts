import { existsSync } from "node:fs";
import { join } from "node:path";
import { versionPath } from "@anneal/data/version-file";
import { schema } from "@anneal/db";
import { and, eq, isNull } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { teacherPath } from "../teacher-files/rows.ts";
import { checkpointFiles } from "./checkpoint-files.ts";
import { runFilePath } from "./run-file.ts";
import { storeVersionFile } from "./version-file.ts";

const { artifacts, checkpoints, datasetVersions, teacherFiles } = schema;
type Context = Pick<ServiceContext, "db" | "files" | "paths" | "log">;

/** Brings files of this home that were made before there was a store into it. What lies in another home is left to its workers. */
export async function adoptFiles(ctx: Context): Promise<number> {
  const { db, files, paths } = ctx;
  let adopted = 0;
  for (const { id, digest } of await db.select().from(datasetVersions).where(isNull(datasetVersions.files))) {
    const path = versionPath(paths.datasets, digest);
    if (!existsSync(path)) continue;
    await db
      .update(datasetVersions)
      .set({ files: await storeVersionFile(ctx, path) })
      .where(eq(datasetVersions.id, id));
    adopted++;
  }
  const old = await db
    .select()
    .from(checkpoints)
    .where(and(isNull(checkpoints.files), eq(checkpoints.kept, true)));
  for (const { id, runId, folder, digest } of old) {
    const stored = await checkpointFiles(files.store, join(paths.runs, runId), { folder, digest });
    if (!stored) continue;
    await db.update(checkpoints).set({ files: stored }).where(eq(checkpoints.id, id));
    adopted++;
  }
  for (const row of await db.select().from(artifacts).where(eq(artifacts.stored, false))) {
    if (!row.runId || !(await adopt(ctx, runFilePath(ctx, row.runId, row.file), row.digest))) continue;
    await db.update(artifacts).set({ stored: true }).where(eq(artifacts.id, row.id));
    adopted++;
  }
  for (const { id, digest } of await db.select().from(teacherFiles).where(eq(teacherFiles.stored, false))) {
    if (!digest || !(await adopt(ctx, teacherPath(paths, id), digest))) continue;
    await db.update(teacherFiles).set({ stored: true }).where(eq(teacherFiles.id, id));
    adopted++;
  }
  return adopted;
}

/** A file that is no longer what its row says stays where it is, and is told. */
async function adopt({ files, log }: Context, path: string, digest: string): Promise<boolean> {
  if (!existsSync(path)) return false;
  const { digest: found } = await files.store.put(path);
  if (found === digest) return true;
  log.warn({ path, digest, found }, "not brought into the store: the file has been changed");
  return false;
}
