import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { repoRoot } from "../support/paths.ts";

export const sanitizedBuild = join(repoRoot, "packages/engine/build-sanitize");

function cmake(args: string[], what: string): void {
  const { status, stdout, stderr, error } = spawnSync("cmake", args, { encoding: "utf8" });
  if (error) throw new Error(`${what}: ${error.message}. Install CMake 3.18 or newer.`);
  if (status !== 0) throw new Error(`${what} failed:\n${stdout}${stderr}`);
}

/** Builds targets of the engine under the address and undefined-behaviour sanitizers; only what changed is compiled again. */
export async function buildSanitized(...targets: string[]): Promise<void> {
  cmake(
    [
      "-S",
      join(repoRoot, "packages/engine/native"),
      "-B",
      sanitizedBuild,
      "-DANNEAL_TESTS=ON",
      "-DANNEAL_SANITIZE=ON",
      "-DCMAKE_BUILD_TYPE=Release",
    ],
    "configuring",
  );
  cmake(["--build", sanitizedBuild, "-j", String(availableParallelism()), "--target", ...targets], "compiling");
}
