import { rm } from "node:fs/promises";

/** Beside a version's Parquet file: what its bytes and its rows must be. */
export const digestsPath = (path: string): string => `${path}.digests`;

/** Removes a version's file and what lies beside it. */
export async function removeVersionFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(digestsPath(path), { force: true });
}
