import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ServiceError, say } from "@anneal/contracts";

/** Where the version of a digest lies; the digest is checked, so that nothing else can become a path. */
export function versionPath(folder: string, digest: string): string {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest);
  if (!match)
    throw new ServiceError("INVALID_INPUT", say`${JSON.stringify(digest).slice(0, 100)} is no digest`, {
      field: "digest",
    });
  return join(folder, `sha256-${match[1]}.parquet`);
}

/** Beside a version's Parquet file: what its bytes and its rows must be. */
export const digestsPath = (path: string): string => `${path}.digests`;

/** Removes a version's file and what lies beside it. */
export async function removeVersionFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(digestsPath(path), { force: true });
}
