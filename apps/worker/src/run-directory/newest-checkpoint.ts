import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Checkpoint, verifyCheckpoint } from "./checkpoints.ts";

/** The newest intact checkpoint of a run that nobody trains any more; changes nothing in its folder. */
export async function newestCheckpoint(runDirectory: string): Promise<Checkpoint | null> {
  const folder = join(runDirectory, "checkpoints");
  if (!existsSync(folder)) return null;
  const names = readdirSync(folder)
    .filter((name) => /^step-\d{9}-e\d{9}$/.test(name))
    .sort()
    .reverse();
  let damage: unknown = null;
  for (const name of names) {
    try {
      return await verifyCheckpoint(join(folder, name));
    } catch (error) {
      damage = error; // an older one may be whole
    }
  }
  if (damage) throw damage;
  return null;
}
