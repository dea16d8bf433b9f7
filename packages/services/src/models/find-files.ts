import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

export interface FoundModel {
  path: string;
  source: "gguf" | "hf";
}

const deepest = 3;
const mostModels = 500;

/** GGUF files and Hugging Face folders below a folder; links are not followed, and only so many are listed. */
export async function findModelFiles(root: string): Promise<FoundModel[]> {
  const found: FoundModel[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    if (found.length >= mostModels) return;
    const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []); // not readable: not ours
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    const isModel = entries.some((e) => e.isFile() && e.name === "config.json");
    if (isModel && entries.some((e) => e.isFile() && e.name.endsWith(".safetensors")))
      found.push({ path: folder, source: "hf" });
    for (const entry of entries) {
      if (found.length >= mostModels) return;
      if (entry.isFile() && /\.gguf$/i.test(entry.name)) found.push({ path: join(folder, entry.name), source: "gguf" });
      else if (entry.isDirectory() && depth < deepest && !entry.name.startsWith("."))
        await look(join(folder, entry.name), depth + 1);
    }
  };
  await look(root, 0);
  return found;
}
