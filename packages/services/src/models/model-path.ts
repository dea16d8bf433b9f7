import { realpath } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { type ServiceError, say, type Words } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { isBelow } from "../datasets/allowed-path.ts";

/** Folders in which models given by path may lie: those of ANNEAL_MODEL_DIRS and what runs have made. */
export const modelRoots = (paths: ServiceContext["paths"]): string[] => [
  ...paths.modelDirectories,
  join(paths.home, "models"),
  paths.runs,
];

/** What a run made is its project's: seen from another, the path leads nowhere. The real path of a link is asked about, too. */
export async function requireOwnRun(
  { db, paths }: Pick<ServiceContext, "db" | "paths">,
  real: string,
  refusal: () => ServiceError,
): Promise<void> {
  const runs = await realpath(paths.runs).catch(() => resolve(paths.runs));
  if (!isBelow(real, runs)) return;
  const [runId = ""] = relative(runs, real).split(sep);
  const [row] = await db
    .select({ id: schema.runs.id })
    .from(schema.runs)
    .where(sql`${schema.runs.id}::text = ${runId}`);
  if (!row) throw refusal();
}

type Refuse = (code: "NOT_FOUND" | "INVALID_INPUT", message: Words, remedy: Words, cause?: unknown) => ServiceError;

/**
 * The real path of something below one of the folders, every link followed. What lies outside is refused before the disk is asked about it:
 * the answer must not tell what exists there.
 */
export async function realModelPath(
  paths: ServiceContext["paths"],
  path: string,
  what: "model" | "adapter",
  refuse: Refuse,
): Promise<string> {
  const folders = modelRoots(paths);
  const roots = await Promise.all(folders.map((folder) => realpath(folder).catch(() => resolve(folder))));
  const outside = () =>
    refuse(
      "INVALID_INPUT",
      say`${path} is outside the allowed folders`,
      what === "model"
        ? say`put the model below ${folders[0] ?? say`a folder`}, or name its folder in ANNEAL_MODEL_DIRS`
        : say`put the adapter below ${folders[0] ?? say`a folder`}, or name its folder in ANNEAL_MODEL_DIRS`,
    );
  if (!isAbsolute(path)) throw outside();
  if (![...folders.map((folder) => resolve(folder)), ...roots].some((root) => isBelow(resolve(path), root)))
    throw outside();
  const real = await realpath(path).catch((cause: unknown) => {
    throw refuse("NOT_FOUND", say`${path} does not exist or cannot be read`, say`check the path`, cause);
  });
  if (!roots.some((root) => isBelow(real, root))) throw outside();
  return real;
}
