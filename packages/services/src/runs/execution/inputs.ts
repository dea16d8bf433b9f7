import type { TrainerDataset } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";
import { versionFile } from "../../storage/version-file.ts";
import { notFound } from "../../verb.ts";

const { runs, datasets, datasetVersions } = schema;
type RunRow = typeof runs.$inferSelect;

/** The dataset versions a run reads: where their files lie, and by which digest they are known. */
export async function runInputs(
  ctx: Pick<ServiceContext, "db" | "files" | "paths">,
  run: Pick<RunRow, "datasetVersionId" | "evaluationVersionId">,
): Promise<{ dataset: TrainerDataset; evaluationDataset: TrainerDataset | null }> {
  const find = async (id: string): Promise<TrainerDataset> => {
    const [row] = await ctx.db
      .select({
        files: datasetVersions.files,
        digest: datasetVersions.digest,
        rows: datasetVersions.rows,
        dataset: datasets.name,
        number: datasetVersions.number,
      })
      .from(datasetVersions)
      .innerJoin(datasets, eq(datasets.id, datasetVersions.datasetId))
      .where(eq(datasetVersions.id, id));
    if (!row) throw notFound("dataset version", id);
    const { dataset, number, files, ...facts } = row;
    const path = await versionFile(ctx, { digest: facts.digest, files });
    return { ...facts, path, name: `${dataset} v${number}` };
  };
  return {
    dataset: await find(run.datasetVersionId),
    evaluationDataset: run.evaluationVersionId ? await find(run.evaluationVersionId) : null,
  };
}

/** A run's row as a publisher of its checkpoints needs it. */
export async function findRun(ctx: Pick<ServiceContext, "db">, runId: string): Promise<RunRow> {
  const [row] = await ctx.db.select().from(runs).where(eq(runs.id, runId));
  if (!row) throw notFound("run", runId);
  return row;
}
