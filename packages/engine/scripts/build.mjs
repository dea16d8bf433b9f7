// Builds the native addon into packages/engine/build/anneal_engine.node and does nothing when no source changed.
// Usage: node packages/engine/scripts/build.mjs [--clean] [--verbose] [--jobs N]
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    clean: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    jobs: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log("node packages/engine/scripts/build.mjs [--clean] [--verbose] [--jobs N]");
  process.exit(0);
}

const engineDir = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const nativeDir = join(engineDir, "native");
const buildDir = join(engineDir, "build");
const cmakeDir = join(buildDir, "cmake");
const addonPath = join(buildDir, "anneal_engine.node");
const stampPath = join(buildDir, "stamp.json");
const lockPath = join(buildDir, "lock");

function fail(message) {
  console.error(`engine build: ${message}`);
  process.exit(1);
}

/** Folder of an npm package's headers; the packages are resolved like any import, so a hoisted install works. */
function packageDir(name) {
  const require = createRequire(join(engineDir, "package.json"));
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return fail(`the npm package ${name} is missing. Run: npm ci --ignore-scripts`);
  }
}

function sourceFiles(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    const isTest = /_test\.cc$/.test(entry.name) || /\/(bench|fuzz|reference|test_support)\//.test(path);
    return /\.(cc|h|cu|txt|cmake)$/.test(entry.name) && !isTest ? [path] : [];
  });
}

/** Digest of everything the addon is made from: sources, this script, the compiler's name, the Node headers' version. */
function sourceDigest(headers) {
  const hash = createHash("sha256");
  const files = [...sourceFiles(nativeDir), fileURLToPath(import.meta.url)].sort();
  for (const file of files)
    hash
      .update(`${relative(engineDir, file)}\0`)
      .update(readFileSync(file))
      .update("\0");
  for (const dir of headers) hash.update(JSON.parse(readFileSync(join(dir, "package.json"), "utf8")).version);
  hash.update(process.env.CXX ?? "").update(process.env.CXXFLAGS ?? "");
  return hash.digest("hex");
}

function isUpToDate(digest) {
  if (options.clean || !existsSync(addonPath) || !existsSync(stampPath)) return false;
  return JSON.parse(readFileSync(stampPath, "utf8")).digest === digest;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** One build at a time: a second caller waits for the first, and takes over the lock of a dead one. */
function takeLock() {
  const deadline = Date.now() + 20 * 60_000;
  for (;;) {
    try {
      const fd = openSync(lockPath, "wx");
      writeSync(fd, String(process.pid));
      closeSync(fd);
      process.on("exit", () => rmSync(lockPath, { force: true }));
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const owner = existsSync(lockPath) ? Number(readFileSync(lockPath, "utf8")) : 0;
    if (owner > 0 && !isAlive(owner)) rmSync(lockPath, { force: true });
    else if (Date.now() > deadline)
      fail(`another build (process ${owner}) holds ${lockPath}. End it, or remove the file.`);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function runCmake(args, what) {
  const result = spawnSync("cmake", args, { stdio: options.verbose ? "inherit" : "pipe", encoding: "utf8" });
  if (result.error?.code === "ENOENT")
    fail("cmake is not installed. Install CMake 3.18 or newer (Debian: apt-get install cmake g++).");
  if (result.error) fail(`${what}: ${result.error.message}`);
  if (result.status !== 0) fail(`${what} failed:\n${result.stdout ?? ""}${result.stderr ?? ""}`);
}

/** CMake refuses a build folder that was made under another path: a checkout that was moved or copied starts anew. */
function isFromElsewhere() {
  const cache = join(cmakeDir, "CMakeCache.txt");
  return existsSync(cache) && !readFileSync(cache, "utf8").includes(`\nCMAKE_HOME_DIRECTORY:INTERNAL=${nativeDir}\n`);
}

const addonApiDir = packageDir("node-addon-api");
const headersDir = packageDir("node-api-headers");
const digest = sourceDigest([addonApiDir, headersDir]);
if (isUpToDate(digest)) process.exit(0);

mkdirSync(buildDir, { recursive: true });
takeLock();
if (isUpToDate(digest)) process.exit(0);
if (options.clean || isFromElsewhere()) rmSync(cmakeDir, { recursive: true, force: true });

const started = Date.now();
const jobs = options.jobs ?? String(availableParallelism());
console.log("engine build: compiling (about a minute the first time)");
runCmake(
  [
    "-S",
    nativeDir,
    "-B",
    cmakeDir,
    "-DCMAKE_BUILD_TYPE=Release",
    `-DANNEAL_NODE_ADDON_API_DIR=${addonApiDir}`,
    `-DANNEAL_NODE_API_HEADERS_DIR=${join(headersDir, "include")}`,
  ],
  "configuring",
);
runCmake(["--build", cmakeDir, "--target", "anneal_engine", "-j", jobs], "compiling");
const built = join(cmakeDir, "binding", "anneal_engine.node");
if (!existsSync(built)) fail(`no ${built} after compiling`);
// A running process may have the old file mapped: put the new one in its place instead of writing into it.
copyFileSync(built, `${addonPath}.tmp`);
renameSync(`${addonPath}.tmp`, addonPath);
writeFileSync(stampPath, JSON.stringify({ digest, seconds: (Date.now() - started) / 1000 }));
console.log(`engine build: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
