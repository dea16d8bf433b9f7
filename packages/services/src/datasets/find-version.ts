import { access } from "node:fs/promises";
import { ServiceError, say } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { versionFile } from "../storage/version-file.ts";

const { datasetVersions } = schema;
export type VersionRow = typeof datasetVersions.$inferSelect & { path: string };

/** A version's row; its file is on this machine, at `path`. `field` is what a refusal names. */
export async function findVersion(
  ctx: Pick<ServiceContext, "db" | "files" | "paths">,
  versionId: string,
  field: string,
): Promise<VersionRow> {
  const [row] = await ctx.db.select().from(datasetVersions).where(eq(datasetVersions.id, versionId));
  if (!row)
    throw new ServiceError("NOT_FOUND", say`${field}: there is no dataset version ${versionId}`, {
      field,
      remedy: say`list the datasets and choose one of their versions`,
    });
  const path = await versionFile(ctx, row);
  await access(path).catch((cause: unknown) => {
    throw new ServiceError("UNAVAILABLE", say`${field}: the file of dataset version ${versionId} cannot be read`, {
      field,
      remedy: say`put the file back from a backup, or upload the dataset again`,
      cause,
    });
  });
  return { ...row, path };
}
