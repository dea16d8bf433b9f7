import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type AdapterRef, type RunSpec, runAdapter, ServiceError, say, type Words } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, asc, eq, like } from "drizzle-orm";
import type { WorkContext } from "../context.ts";
import type { BaseSource, EngineAdapterInfo } from "../ports.ts";
import { Remembered } from "../remembered.ts";
import { artifactFile } from "../storage/run-file.ts";
import { adapterRefusal } from "./adapter-refusal.ts";
import { identityOf } from "./facts.ts";
import { foreignError } from "./foreign-error.ts";
import { realModelPath, requireOwnRun } from "./model-path.ts";

type Refuse = (code: "NOT_FOUND" | "INVALID_INPUT", message: Words, remedy: Words, cause?: unknown) => ServiceError;
const refusalAt =
  (field: string): Refuse =>
  (code, message, remedy, cause) =>
    new ServiceError(code, say`${field}: ${message}`, { field, remedy, cause });

type Context = Pick<WorkContext, "db" | "paths" | "engine" | "files">;

export interface FoundAdapter extends EngineAdapterInfo {
  dir: string;
}

async function folderOf(ctx: Context, ref: AdapterRef, refuse: Refuse): Promise<string> {
  const named = runAdapter(ref);
  if (!named) {
    const real = await realModelPath(ctx.paths, ref, "adapter", refuse);
    await requireOwnRun(ctx, real, () =>
      refuse("NOT_FOUND", say`${ref} does not exist or cannot be read`, say`check the path`),
    );
    return real;
  }
  const { artifacts } = schema;
  const { runId, adapter } = named;
  const rows = await ctx.db
    .select()
    .from(artifacts)
    .where(
      and(
        eq(artifacts.runId, runId),
        eq(artifacts.kind, "adapter"),
        adapter === null ? undefined : like(artifacts.name, `${adapter}/%`),
      ),
    )
    .orderBy(asc(artifacts.id)); // of several side by side the exported one was written first
  const [first] = rows;
  const folder = first && dirname(first.file);
  const files = rows.filter(({ file }) => dirname(file) === folder);
  const [path] = await Promise.all(files.map((row) => artifactFile(ctx, row)));
  if (path) return dirname(path);
  throw refuse("NOT_FOUND", say`${ref} has no adapter`, say`choose a run by LoRA that has ended well`);
}

const remembered = new Remembered<EngineAdapterInfo>(100);

/** The folder held against the base: all of its values are read once, then its files are known by sizes and times. */
async function inspect(ctx: Context, base: BaseSource, dir: string): Promise<EngineAdapterInfo> {
  const files = await Promise.all(
    ["adapter_config.json", "adapter_model.safetensors"].map((name) => stat(join(dir, name)).catch(() => null)),
  );
  const identity = [await identityOf(base), dir, ...files.map((f) => f && `${f.size}|${f.mtimeMs}|${f.ino}`)].join();
  return remembered.of(identity, () => ctx.engine.inspectAdapter(base, dir));
}

/** The PEFT folder that `run:ID` or a path stands for, and what it adapts in this base; refused by the spec's field. */
async function resolveAdapter(
  ctx: Context,
  base: BaseSource,
  { ref, field }: { ref: AdapterRef; field: string },
): Promise<FoundAdapter> {
  const dir = await folderOf(ctx, ref, refusalAt(field));
  try {
    return { dir, ...(await inspect(ctx, base, dir)) };
  } catch (error) {
    throw foreignError(adapterRefusal(error, field), field);
  }
}

/** What a run goes on from: the method's adapter, and those of the ones side by side, by name. */
export interface StartAdapters {
  adapter: FoundAdapter | null;
  adapters: Record<string, FoundAdapter>;
}

/** Every adapter that the spec names to go on from, held against the base. */
export async function resolveStartAdapters(
  ctx: Context,
  base: BaseSource,
  { method, adapters }: Pick<RunSpec, "method" | "adapters">,
): Promise<StartAdapters> {
  const found: StartAdapters = { adapter: null, adapters: {} };
  if (method.kind === "lora" && method.startFrom)
    found.adapter = await resolveAdapter(ctx, base, { ref: method.startFrom, field: "method.startFrom" });
  for (const [i, { name, startFrom }] of adapters.entries())
    if (startFrom)
      found.adapters[name] = await resolveAdapter(ctx, base, { ref: startFrom, field: `adapters.${i}.startFrom` });
  return found;
}

/** Their folders, as the engine's settings take them. */
export const startFolders = ({ adapter, adapters }: StartAdapters) => ({
  adapter: adapter?.dir ?? null,
  adapters: Object.fromEntries(Object.entries(adapters).map(([name, { dir }]) => [name, dir])),
});
