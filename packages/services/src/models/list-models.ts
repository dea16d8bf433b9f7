import { join, relative } from "node:path";
import { BaseModelRef, type ModelSummary } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, desc, eq, isNull } from "drizzle-orm";
import type { WorkContext } from "../context.ts";
import { runFilePath } from "../storage/run-file.ts";
import { describe } from "./describe.ts";
import { findModelFiles } from "./find-files.ts";

type Known = Parameters<typeof describe>[1];
const { artifacts, runs } = schema;
const mostOfRuns = 200;
const unregistered = { id: null, runId: null };

async function registered(ctx: WorkContext): Promise<Known[]> {
  const rows = await ctx.db.select().from(schema.models).orderBy(desc(schema.models.id));
  return rows.map(({ id, name, ref, source, runId, createdAt }) => ({
    id,
    ref: `model:${id}`,
    place: ref,
    name,
    source,
    runId,
    createdAt: createdAt.toISOString(),
  }));
}

/** What finished runs exported: a new run can start from it without a detour. */
async function ofRuns(ctx: WorkContext): Promise<Known[]> {
  const rows = await ctx.db
    .select({
      file: artifacts.file,
      type: artifacts.ggufType,
      runId: runs.id,
      runName: runs.name,
      createdAt: artifacts.createdAt,
    })
    .from(artifacts)
    .innerJoin(runs, eq(runs.id, artifacts.runId))
    .where(and(eq(artifacts.kind, "gguf"), isNull(artifacts.checkpointId), eq(runs.status, "succeeded")))
    .orderBy(desc(artifacts.id))
    .limit(mostOfRuns);
  return rows.map(({ file, type, runId, runName, createdAt }) => ({
    id: null,
    ref: runFilePath(ctx, runId, file),
    place: runFilePath(ctx, runId, file),
    name: `${runName} (${type ?? "GGUF"})`,
    source: "run",
    runId,
    createdAt: createdAt.toISOString(),
  }));
}

async function stored(ctx: WorkContext): Promise<Known[]> {
  const models = await ctx.ollama.listStored().catch((error: unknown) => {
    ctx.log.warn({ error: error instanceof Error ? error.message : String(error) }, "Ollama's store cannot be read");
    return [];
  });
  return models.map(({ name, modifiedAt }) => ({
    ...unregistered,
    ref: `ollama:${name}`,
    place: `ollama:${name}`,
    name,
    source: "ollama",
    createdAt: modifiedAt.toISOString(),
  }));
}

async function inFolders(ctx: WorkContext): Promise<Known[]> {
  const roots = [...new Set([...ctx.paths.modelDirectories, join(ctx.paths.home, "models")])];
  const lists = await Promise.all(
    roots.map(async (root) =>
      (await findModelFiles(root)).map(
        ({ path, source }): Known => ({
          ...unregistered,
          ref: path,
          place: path,
          name: relative(root, path) || path,
          source,
          createdAt: null,
        }),
      ),
    ),
  );
  return lists.flat();
}

/** The registry, then what runs made, Ollama's store and the model folders; each place once. One that cannot be a base says why. */
export async function listModels(ctx: WorkContext): Promise<ModelSummary[]> {
  const all = await registered(ctx);
  const found = [...(await ofRuns(ctx)), ...(await stored(ctx)), ...(await inFolders(ctx))];
  const places = new Set(all.map(({ place }) => place));
  for (const known of found) {
    // A name that could not be written as a reference cannot be chosen either.
    if (places.has(known.ref) || !BaseModelRef.safeParse(known.ref).success) continue;
    places.add(known.ref);
    all.push(known);
  }
  const summaries: ModelSummary[] = [];
  for (const known of all) summaries.push(await describe(ctx, known)); // headers one at a time: disks like it
  return summaries;
}
