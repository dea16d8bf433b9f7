import { existsSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import type { ArtifactKind, Quantisation } from "@anneal/contracts";
import { sha256OfFile } from "@anneal/data";
import { requireAttempt } from "../../run-directory/attempt-lock.ts";
import { syncFile } from "../../run-directory/files.ts";
import { type Job, tell } from "../context/job.ts";

export const exportFolder = (runDirectory: string): string => join(runDirectory, "exports");

/** A file name that any system takes, out of a name that a person gave. */
export function fileSlug(name: string): string {
  const slug = name
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, 60);
  return slug || "model";
}

/** Whether a file was made and told of by this or an earlier attempt; `name` is what it is known by. */
export const isTold = (job: Job, kind: ArtifactKind, path: string, name = basename(path)): boolean =>
  job.journal.told.artifacts.has(`${kind}/${name}`) && existsSync(path);

/** Refuses to write for an attempt that was taken over. */
export function guard({ start }: Job): void {
  if (start.fenced) requireAttempt(start.runDirectory, start.attempt);
}

/** Journals a finished file with its digest; it is on the disk before anyone hears of it. */
export async function tellFile(
  job: Job,
  path: string,
  kind: ArtifactKind,
  ggufType: string | null = null,
  quantisation: Quantisation | null = null,
  name = basename(path),
): Promise<void> {
  syncFile(path);
  tell(job, {
    type: "artifact",
    kind,
    name,
    digest: `sha256:${await sha256OfFile(path)}`,
    bytes: statSync(path).size,
    path: relative(job.start.runDirectory, path),
    ggufType,
    checkpointStep: null,
    quantisation,
  });
}
