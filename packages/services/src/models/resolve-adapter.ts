import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type AdapterRef, type RunSpec, runAdapter, ServiceError, say, type Words } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, asc, eq } from "drizzle-orm";
import { z } from "zod";
import type { ServiceContext } from "../context.ts";
import { isBelow } from "../datasets/allowed-path.ts";
import { adaptedModules } from "./adapter-modules.ts";
import { modelRoots } from "./resolve-base.ts";

const maxConfigBytes = 1024 ** 2;
type Refuse = (code: "NOT_FOUND" | "INVALID_INPUT", message: Words, remedy: Words, cause?: unknown) => ServiceError;
const refusalAt =
  (field: string): Refuse =>
  (code, message, remedy, cause) =>
    new ServiceError(code, say`${field}: ${message}`, { field, remedy, cause });

// What PEFT's adapter_config.json says of an adapter's shape.
const Config = z.object({
  r: z.int(),
  lora_alpha: z.number(),
  target_parameters: z.array(z.string()).nullish(), // merged weights of experts
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
});
type Context = Pick<ServiceContext, "db" | "paths">;
// The projections that lie in a merged weight of experts, by the names of the method's targets.
const merged: Record<string, string[]> = { gate_up_proj: ["gate_proj", "up_proj"], down_proj: ["down_proj"] };

export interface FoundAdapter {
  dir: string;
  rank: number;
  alpha: number;
  modules: string[]; // paths of the adapted ones
  parts: string[]; // of experts, by the names of the method's targets
  rsLora: boolean;
  dora: boolean;
}

async function folderOf(ctx: Context, ref: AdapterRef, refuse: Refuse): Promise<string> {
  const named = runAdapter(ref);
  if (named) {
    const { artifacts } = schema;
    const { runId, adapter } = named;
    const [row] = await ctx.db
      .select({ path: artifacts.path })
      .from(artifacts)
      .where(
        and(
          eq(artifacts.runId, runId),
          eq(artifacts.kind, "adapter"),
          adapter === null ? undefined : eq(artifacts.name, `${adapter}/adapter_config.json`),
        ),
      )
      .orderBy(asc(artifacts.id)) // of several side by side the exported one was written first
      .limit(1);
    if (row) return dirname(row.path);
    throw refuse("NOT_FOUND", say`${ref} has no adapter`, say`choose a run by LoRA that has ended well`);
  }
  const roots = await Promise.all(modelRoots(ctx.paths).map((root) => realpath(root).catch(() => resolve(root))));
  const real = await realpath(ref).catch((cause: unknown) => {
    throw refuse("NOT_FOUND", say`${ref} does not exist or cannot be read`, say`check the path`, cause);
  });
  if (roots.some((root) => isBelow(real, root))) return real;
  throw refuse(
    "INVALID_INPUT",
    say`${ref} does not lie below an allowed folder`,
    say`put the adapter below ${roots[0] ?? say`a folder`}, or name its folder in ANNEAL_MODEL_DIRS`,
  );
}

/** The PEFT folder that `run:ID` or a path stands for, and the shape of the adapter in it; refused by the spec's field. */
async function resolveAdapter(ctx: Context, ref: AdapterRef, field: string): Promise<FoundAdapter> {
  const refuse = refusalAt(field);
  const dir = await folderOf(ctx, ref, refuse);
  const path = join(dir, "adapter_config.json");
  try {
    const { size } = await stat(path);
    if (size > maxConfigBytes) throw new Error(`${path} has ${size} bytes`);
    const config = Config.parse(JSON.parse(await readFile(path, "utf8")));
    const parts = (config.target_parameters ?? []).flatMap((name) => merged[name] ?? []);
    const modules = await adaptedModules(dir);
    const { r: rank, lora_alpha: alpha, use_rslora: rsLora, use_dora: dora } = config;
    return { dir, rank, alpha, modules, parts, rsLora, dora };
  } catch (cause) {
    throw refuse(
      "INVALID_INPUT",
      say`${dir} holds no adapter_config.json and adapter_model.safetensors of PEFT's layout`,
      say`name a PEFT folder`,
      cause,
    );
  }
}

/** What a run goes on from: the method's adapter, and those of the ones side by side, by name. */
export interface StartAdapters {
  adapter: FoundAdapter | null;
  adapters: Record<string, FoundAdapter>;
}

/** Every adapter that the spec names to go on from. */
export async function resolveStartAdapters(
  ctx: Context,
  { method, adapters }: Pick<RunSpec, "method" | "adapters">,
): Promise<StartAdapters> {
  const found: StartAdapters = { adapter: null, adapters: {} };
  if (method.kind === "lora" && method.startFrom)
    found.adapter = await resolveAdapter(ctx, method.startFrom, "method.startFrom");
  for (const [i, { name, startFrom }] of adapters.entries())
    if (startFrom) found.adapters[name] = await resolveAdapter(ctx, startFrom, `adapters.${i}.startFrom`);
  return found;
}

/** Their folders, as the engine's settings take them. */
export const startFolders = ({ adapter, adapters }: StartAdapters) => ({
  adapter: adapter?.dir ?? null,
  adapters: Object.fromEntries(Object.entries(adapters).map(([name, { dir }]) => [name, dir])),
});
