// clang-tidy over the C++ files that differ from REF (origin's main, else the commit before), where clang-tidy is installed.
// Usage: node scripts/clang-tidy.mjs [REF]
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const git = (/** @type {string[]} */ ...args) => spawnSync("git", args, { encoding: "utf8" });
const known = (/** @type {string} */ ref) => git("rev-parse", "--verify", "--quiet", ref).status === 0;
const base = process.argv[2] ?? ["origin/main", "HEAD~1"].find(known);
const changed = base
  ? git("diff", "--name-only", "--diff-filter=d", base, "--", "packages/engine/native/*.cc")
      .stdout.split("\n")
      .filter(Boolean)
  : [];
const commands = "packages/engine/build/cmake/compile_commands.json";

if (spawnSync("clang-tidy", ["--version"]).status !== 0)
  console.log(
    "note: clang-tidy is not installed, so it looked at nothing (Debian, Ubuntu: apt-get install clang-tidy)",
  );
else if (!existsSync(commands))
  console.log(`note: ${commands} is missing, so clang-tidy looked at nothing: build the engine first`);
else if (changed.length > 0)
  execFileSync("clang-tidy", ["--quiet", "-p", "packages/engine/build/cmake", ...changed], { stdio: "inherit" });
