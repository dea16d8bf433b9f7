import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const repoRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const fixtures = join(repoRoot, "tests/fixtures");

// Reference data too big for the repository lies beside it; tests on it run when it is there.
const shared = process.env.ANNEAL_SHARED ?? resolve(repoRoot, "../shared");
export const sharedPath = (...parts: string[]): string | null => {
  const path = join(shared, ...parts);
  return existsSync(path) ? path : null;
};
