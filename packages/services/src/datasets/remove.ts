import { api, ServiceError, say } from "@anneal/contracts";
import { removeVersionFile, versionPath } from "@anneal/data/version-file";
import { schema } from "@anneal/db";
import { acrossProjects } from "@anneal/db/across-projects";
import { count, eq, inArray, or } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { audit, notFound, verb } from "../verb.ts";
import { lockDigest } from "./version-lock.ts";

const { datasets, datasetVersions, runs } = schema;

/** Removes a version's file from this machine unless another dataset, of whichever project, has the same rows. The store clears itself. */
export async function removeFile(ctx: Pick<ServiceContext, "db">, digest: string, path: string): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    await lockDigest(tx, digest);
    const [other] = await acrossProjects(tx, (all) =>
      all.select({ id: datasetVersions.id }).from(datasetVersions).where(eq(datasetVersions.digest, digest)).limit(1),
    );
    if (!other) await removeVersionFile(path);
  });
}

/** A dataset with all versions and files, as long as no run was made from it. */
export const remove = verb(api.datasets.remove, async (ctx, { datasetId }) => {
  const versions = await ctx.db.transaction(async (tx) => {
    const [row] = await tx.select().from(datasets).where(eq(datasets.id, datasetId)).for("update");
    if (!row) throw notFound("dataset", datasetId);
    const found = await tx.select().from(datasetVersions).where(eq(datasetVersions.datasetId, datasetId)).for("update");
    const ids = found.map(({ id }) => id);
    if (ids.length > 0) {
      const [used] = await tx
        .select({ runs: count() })
        .from(runs)
        .where(or(inArray(runs.datasetVersionId, ids), inArray(runs.evaluationVersionId, ids)));
      if (used && used.runs > 0)
        throw new ServiceError(
          "PRECONDITION_FAILED",
          used.runs === 1 ? say`1 run uses this dataset` : say`${used.runs} [run uses|runs use] this dataset`,
          {
            field: "datasetId",
            remedy: say`remove those runs first`,
          },
        );
    }
    await audit(tx, ctx, "dataset.remove", datasetId, { name: row.name, digests: found.map(({ digest }) => digest) });
    await tx.delete(datasets).where(eq(datasets.id, datasetId));
    return found;
  });
  for (const { digest } of versions) await removeFile(ctx, digest, versionPath(ctx.paths.datasets, digest));
  return { removed: true };
});
