import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { sha256OfFile } from "./sha256-of-file.ts";

// The files that a model or an adapter consists of, and the digest it is known by.

type Source = { kind: "gguf"; path: string } | { kind: "hf"; dir: string };
const ofFolder = /\.(safetensors|json|model)$/;

/** Throws where the folder is gone. */
export function modelFiles(source: Source): string[] {
  if (source.kind === "gguf") return [source.path];
  return readdirSync(source.dir)
    .filter((name) => ofFolder.test(name))
    .sort()
    .map((name) => join(source.dir, name));
}

/** Of several adapters, in the order that the run names them. */
export const adapterFiles = (dirs: readonly string[]): string[] =>
  dirs.flatMap((dir) => ["adapter_config.json", "adapter_model.safetensors"].map((name) => join(dir, name)));

/** Sizes and times, by which files that were hashed are known again. */
export const fileStamps = (paths: readonly string[]): { name: string; bytes: number; modified: number }[] =>
  paths.map((path) => {
    const info = statSync(path);
    if (!info.isFile()) throw Object.assign(new Error(`${path} is no regular file`), { code: "ENOTREG", path }); // a pipe would never end
    return { name: basename(path), bytes: info.size, modified: info.mtimeMs };
  });

/** `single`: the file's own digest, as Ollama and the registry know it; else that of the list of all. */
export async function digestOfFiles(
  paths: readonly string[],
  single: boolean,
  onFile: (name: string) => void = () => undefined,
): Promise<string> {
  const hash = createHash("sha256");
  let last = "";
  for (const path of paths) {
    onFile(basename(path));
    last = await sha256OfFile(path);
    hash.update(`${basename(path)}\0${last}\n`);
  }
  return `sha256:${single ? last : hash.digest("hex")}`;
}
