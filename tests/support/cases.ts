// A folder of tests/fixtures/cases in a lab: its base model and its row files, as a person would bring them.
import { copyFileSync, cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { datasets } from "@anneal/services";
import { repoRoot } from "./paths.ts";
import type { Lab } from "./worker-lab.ts";

export interface Case {
  base: string;
  /** The versions made of its row files, by the files' names without ending. */
  versions: Record<string, string>;
}

export async function bringCase(lab: Lab, name: string): Promise<Case> {
  const folder = join(repoRoot, "tests/fixtures/cases", name);
  const base = join(lab.home, "models", name);
  if (existsSync(join(folder, "base"))) cpSync(join(folder, "base"), base, { recursive: true });
  const versions: Record<string, string> = {};
  for (const file of readdirSync(folder).filter((entry) => entry.endsWith(".jsonl"))) {
    const path = join(lab.home, "incoming", `${name}-${file}`);
    copyFileSync(join(folder, file), path);
    const { uploadId } = await datasets.importPath(lab.ctx, { path });
    const made = await datasets.commit(lab.ctx, { uploadId, name: `${name} ${file}` });
    versions[file.replace(/\.jsonl$/, "")] = made.versions.at(-1)?.id ?? "";
  }
  return { base, versions };
}
