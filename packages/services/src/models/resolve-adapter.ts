import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type AdapterRef, runAdapter, ServiceError } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, asc, eq } from "drizzle-orm";
import { z } from "zod";
import type { ServiceContext } from "../context.ts";
import { isBelow } from "../datasets/allowed-path.ts";
import { modelRoots } from "./resolve-base.ts";

const field = "method.startFrom";
const maxConfigBytes = 1024 ** 2;
const refuse = (code: "NOT_FOUND" | "INVALID_INPUT", message: string, remedy: string, cause?: unknown) =>
  new ServiceError(code, `${field}: ${message}`, { field, remedy, cause });

// What PEFT's adapter_config.json says of an adapter's shape.
const Config = z.object({
  r: z.int(),
  lora_alpha: z.number(),
  target_modules: z.union([z.array(z.string()), z.string()]),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
});
export interface FoundAdapter {
  dir: string;
  rank: number;
  alpha: number;
  targets: string[];
  rsLora: boolean;
  dora: boolean;
}

async function folderOf(ctx: Pick<ServiceContext, "db" | "paths">, ref: AdapterRef): Promise<string> {
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
    throw refuse("NOT_FOUND", `${ref} has no adapter`, "choose a run by LoRA that has ended well");
  }
  const roots = await Promise.all(modelRoots(ctx.paths).map((root) => realpath(root).catch(() => resolve(root))));
  const real = await realpath(ref).catch((cause: unknown) => {
    throw refuse("NOT_FOUND", `${ref} does not exist or cannot be read`, "check the path", cause);
  });
  if (roots.some((root) => isBelow(real, root))) return real;
  throw refuse(
    "INVALID_INPUT",
    `${ref} does not lie below an allowed folder`,
    `put the adapter below ${roots[0] ?? "a folder"}, or name its folder in ANNEAL_MODEL_DIRS`,
  );
}

/** The PEFT folder that `run:ID` or a path stands for, and the shape of the adapter in it. */
export async function resolveAdapter(
  ctx: Pick<ServiceContext, "db" | "paths">,
  ref: AdapterRef,
): Promise<FoundAdapter> {
  const dir = await folderOf(ctx, ref);
  const path = join(dir, "adapter_config.json");
  try {
    const { size } = await stat(path);
    if (size > maxConfigBytes) throw new Error(`${path} has ${size} bytes`);
    const config = Config.parse(JSON.parse(await readFile(path, "utf8")));
    const targets = typeof config.target_modules === "string" ? [config.target_modules] : config.target_modules;
    return { dir, rank: config.r, alpha: config.lora_alpha, targets, rsLora: config.use_rslora, dora: config.use_dora };
  } catch (cause) {
    throw refuse("INVALID_INPUT", `${dir} holds no adapter_config.json of PEFT's layout`, "name a PEFT folder", cause);
  }
}
