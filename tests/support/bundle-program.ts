import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../../scripts/bundle.mjs";
import { repoRoot } from "./paths.ts";

/** A program of ours as one file, as the trainer is delivered: a process that loads TypeScript would hold the compiler too. */
export async function bundleProgram(entry: string): Promise<string> {
  // Inside the repository, so that npm's packages are found from there.
  const cache = join(repoRoot, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "anneal-program-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, "program.mjs");
  await bundle({ entryPoints: [join(repoRoot, entry)], outfile });
  return outfile;
}
