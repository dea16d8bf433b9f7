import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type BaseModelRef, ServiceError, say, type Words } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import type { BaseSource, ResolvedBase } from "../ports.ts";
import { foreignError } from "./foreign-error.ts";
import { realModelPath, requireOwnRun } from "./model-path.ts";

type Needs = Pick<ServiceContext, "db" | "ollama" | "paths">;

const refuse = (code: "NOT_FOUND" | "INVALID_INPUT" | "UNSUPPORTED", message: Words, remedy: Words, cause?: unknown) =>
  new ServiceError(code, say`${"base"}: ${message}`, { field: "base", remedy, cause });

async function ofPath(ctx: Needs, path: string): Promise<BaseSource> {
  const real = await realModelPath(ctx.paths, path, "model", refuse);
  await requireOwnRun(ctx, real, () =>
    refuse("NOT_FOUND", say`${path} does not exist or cannot be read`, say`check the path`),
  );
  const info = await stat(real);
  if (info.isFile()) {
    if (/\.gguf$/i.test(path)) return { kind: "gguf", path: real };
    throw refuse(
      "UNSUPPORTED",
      say`${basename(path)} is no .gguf file`,
      say`name a .gguf file, or a folder with config.json`,
    );
  }
  const config = await stat(join(real, "config.json")).catch(() => null);
  if (!config?.isFile())
    throw refuse(
      "UNSUPPORTED",
      say`${path} holds no config.json`,
      say`name a folder in Hugging Face layout, or a .gguf file`,
    );
  return { kind: "hf", dir: real };
}

async function ofOllama(ctx: Needs, name: string): Promise<Omit<ResolvedBase, "ref">> {
  const found = await ctx.ollama.findStored(name).catch((error: unknown) => {
    throw foreignError(error, "base");
  });
  if (found.adapterPaths.length > 0)
    throw refuse(
      "UNSUPPORTED",
      say`${found.name} is a base with an adapter on top`,
      say`start from its base model instead`,
    );
  return { source: { kind: "gguf", path: found.ggufPath }, name: found.name, digest: found.ggufDigest };
}

/** From what a person wrote to the files: `ollama:NAME`, `model:ID` of the registry, or a path below an allowed folder. */
export async function resolveBase(ctx: Needs, ref: BaseModelRef): Promise<ResolvedBase> {
  if (ref.startsWith("ollama:")) return { ref, ...(await ofOllama(ctx, ref.slice("ollama:".length))) };
  if (ref.startsWith("model:")) {
    const id = ref.slice("model:".length);
    const [row] = /^[0-9a-f-]{36}$/i.test(id)
      ? await ctx.db.select().from(schema.models).where(eq(schema.models.id, id))
      : [];
    // The registry holds places, never other registry entries.
    if (!row || row.ref.startsWith("model:"))
      throw refuse("NOT_FOUND", say`there is no model ${id} in the registry`, say`list the models and choose one`);
    const base = await resolveBase(ctx, row.ref);
    return { ...base, ref, name: row.name };
  }
  const source = await ofPath(ctx, ref);
  const name = source.kind === "gguf" ? basename(ref).replace(/\.gguf$/i, "") : basename(ref);
  return { ref, source, name, digest: null };
}
