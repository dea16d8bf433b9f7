import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { repoRoot } from "../support/paths.ts";

export const sanitizedBuild = join(repoRoot, "packages/engine/build-sanitize");

function cmake(args: string[], what: string, niceness: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("nice", ["-n", String(niceness), "cmake", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
    child.on("error", (error) => reject(new Error(`${what}: ${error.message}. Install CMake 3.18 or newer.`)));
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`${what} failed:\n${output}`))));
  });
}

/**
 * Builds targets of the engine under the address and undefined-behaviour sanitizers; only what changed is compiled again. A niceness of 19
 * leaves the processors to everything else that runs.
 */
export async function buildSanitized(targets: string[], niceness = 0): Promise<void> {
  await cmake(
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
    niceness,
  );
  const jobs = String(availableParallelism());
  await cmake(["--build", sanitizedBuild, "-j", jobs, "--target", ...targets], "compiling", niceness);
}
