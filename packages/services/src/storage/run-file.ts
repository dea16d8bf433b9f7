import { existsSync } from "node:fs";
import { join, sep } from "node:path";
import { ServiceError, say } from "@anneal/contracts";
import type { ServiceContext } from "../context.ts";

/** A file of a run's folder by its place in it; the place never leads out of the folder. */
export function runFilePath(ctx: Pick<ServiceContext, "paths">, runId: string, place: string): string {
  const folder = join(ctx.paths.runs, runId);
  const path = join(folder, place);
  if (!path.startsWith(folder + sep))
    throw new ServiceError("PRECONDITION_FAILED", say`${place} leads out of the run's folder`, {
      remedy: say`export it again (publish again, or run it again)`,
    });
  return path;
}

interface StoredFile {
  runId: string | null;
  file: string;
  digest: string;
}

/** An artifact as a file of this machine, fetched from the store where it is not here. */
export async function artifactFile(
  ctx: Pick<ServiceContext, "paths" | "files">,
  artifact: StoredFile,
): Promise<string> {
  const path = runFilePath(ctx, artifact.runId ?? "none", artifact.file);
  if (!existsSync(path)) await ctx.files.placeAt(artifact.digest, path);
  return path;
}
