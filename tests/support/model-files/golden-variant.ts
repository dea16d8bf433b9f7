// A golden model under another configuration: same weights, config.json changed where asked.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fixtures } from "../paths.ts";

export function goldenVariant(golden: string, changes: Record<string, unknown>, dir: string): string {
  const from = join(fixtures, "goldens", golden);
  mkdirSync(dir, { recursive: true });
  const config: Record<string, unknown> = JSON.parse(readFileSync(join(from, "config.json"), "utf8"));
  writeFileSync(join(dir, "config.json"), JSON.stringify({ ...config, ...changes }));
  copyFileSync(join(from, "model.safetensors"), join(dir, "model.safetensors"));
  return dir;
}
