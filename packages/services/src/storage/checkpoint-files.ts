import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { schema } from "@anneal/db";
import type { Store } from "@anneal/store";

const isGone = (error: unknown) => error instanceof Error && "code" in error && error.code === "ENOENT";
const besideCheckpoints = ["cadence.json", "base.json", "starts.json"];

/**
 * Puts what another host needs to go on from a checkpoint into the store: its files and the small ones beside it, by their places in
 * the run's folder. Null: the trainer has cleared the checkpoint away meanwhile, for newer ones are there.
 */
export async function checkpointFiles(
  store: Store,
  runFolder: string,
  checkpoint: { folder: string; digest: string },
): Promise<schema.StoredFiles | null> {
  const answers = join(runFolder, "answers");
  const beside = [
    ...besideCheckpoints,
    ...(existsSync(answers) ? readdirSync(answers).map((name) => `answers/${name}`) : []),
  ].filter((place) => existsSync(join(runFolder, place)));
  const files: schema.StoredFiles = {};
  try {
    // Copies, never links: answers grow while the trainer asks.
    for (const place of [`${checkpoint.folder}/cursor.json`, `${checkpoint.folder}/manifest.json`, ...beside])
      files[place] = await store.putBytes(await readFile(join(runFolder, place)));
    const state = `${checkpoint.folder}/state.safetensors`;
    files[state] = await store.put(join(runFolder, state), { digest: checkpoint.digest });
    return files;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}
