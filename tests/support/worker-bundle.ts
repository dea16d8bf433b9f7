import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "./paths.ts";

let folder: string | null = null;

/** The worker and the trainer as they are delivered, built once per test process from the sources of this moment. */
export function workerBundle(): { supervisor: string; worker: string; trainer: string } {
  if (folder === null) {
    // Inside the repository, so that npm's packages are found from there.
    const cache = join(repoRoot, "node_modules/.cache");
    mkdirSync(cache, { recursive: true });
    const made = mkdtempSync(join(cache, "anneal-worker-"));
    process.on("exit", () => rmSync(made, { recursive: true, force: true }));
    execFileSync(process.execPath, [join(repoRoot, "apps/worker/scripts/build.mjs"), made], { stdio: "inherit" });
    folder = made;
  }
  const built = folder;
  const program = (name: string) => join(built, `${name}.mjs`);
  return { supervisor: program("supervisor"), worker: program("worker"), trainer: program("trainer") };
}
