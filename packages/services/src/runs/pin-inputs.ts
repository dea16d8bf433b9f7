import { type PinnedModel, type RunInputs, readStoredSpec, ServiceError, say } from "@anneal/contracts";
import { adapterFiles, digestOfFiles, fileStamps, modelFiles } from "@anneal/data";
import { schema } from "@anneal/db";
import { and, eq, isNotNull, sql } from "drizzle-orm";
import type { ServiceContext, WorkContext } from "../context.ts";
import { startFolders } from "../models/resolve-adapter.ts";
import type { ResolvedBase } from "../ports.ts";
import { type Planned, resolveInputs } from "./planning/make-plan.ts";

const { runs } = schema;
type Needs = Pick<ServiceContext, "db">;

/** A digest that an earlier run of these very files found; hashing a large model takes a while. */
async function knownDigest(
  { db }: Needs,
  { source }: ResolvedBase,
  files: PinnedModel["files"],
): Promise<string | null> {
  for (const role of ["base", "teacher"] as const) {
    const pinned = sql`${runs.inputs}->${role}`;
    const [row] = await db
      .select({ digest: sql<string>`${pinned}->>'digest'` })
      .from(runs)
      .where(
        and(
          isNotNull(runs.inputs),
          sql`${pinned}->'source' = ${JSON.stringify(source)}::jsonb`,
          sql`${pinned}->'files' = ${JSON.stringify(files)}::jsonb`,
        ),
      )
      .limit(1);
    if (row) return row.digest;
  }
  return null;
}

async function pinModel(ctx: Needs, model: ResolvedBase, field: string): Promise<PinnedModel> {
  const { name, source } = model;
  // Ollama names a file by its digest.
  if (model.digest) return { name, source, digest: model.digest.replace(/^(sha256[:-])?/, "sha256:"), files: [] };
  try {
    const paths = modelFiles(source);
    const files = fileStamps(paths);
    const digest = (await knownDigest(ctx, model, files)) ?? (await digestOfFiles(paths, source.kind === "gguf"));
    return { name, source, digest, files };
  } catch (cause) {
    throw new ServiceError("UNAVAILABLE", say`${field}: the files of ${name} cannot be read`, {
      field,
      remedy: say`see that they are whole and may be read, then try again`,
      cause,
    });
  }
}

const pinVersion = ({ id, digest, rows }: Planned["dataset"]) => ({ id, digest, rows });

/** What the spec's names stand for now, by content. */
export async function pinInputs(ctx: Needs, resolved: Omit<Planned, "plan">): Promise<RunInputs> {
  const { base, dataset, evaluation, teacher, teacherFile } = resolved;
  const starts = startFolders(resolved.starts);
  const adapters = adapterFiles([...(starts.adapter ? [starts.adapter] : []), ...Object.values(starts.adapters)]);
  return {
    base: await pinModel(ctx, base, "base"),
    dataset: pinVersion(dataset),
    evaluation: evaluation && pinVersion(evaluation),
    ...starts,
    adapterDigest: adapters.length === 0 ? null : await digestOfFiles(adapters, false),
    teacher: teacher && (await pinModel(ctx, teacher, "objective.teacher")),
    teacherFile: teacherFile && { id: teacherFile.id, digest: teacherFile.digest },
  };
}

/** The inputs of a run, as they were found when it was planned. A run of an older version is resolved at its first start. */
export async function inputsOf(
  ctx: WorkContext,
  run: Pick<typeof runs.$inferSelect, "id" | "inputs" | "spec">,
): Promise<RunInputs> {
  if (run.inputs) return run.inputs;
  const inputs = await pinInputs(ctx, await resolveInputs(ctx, readStoredSpec(run.spec)));
  await ctx.db
    .update(runs)
    .set({ inputs })
    .where(and(eq(runs.id, run.id), sql`${runs.inputs} is null`));
  return inputs;
}
