// npm run -s build:cuda: compiles the GPU backend, packages/engine/build/cuda/anneal_cuda.so, with nvcc (cuda-toolchain.mjs says which).
// Usage: node packages/engine/scripts/build-cuda.mjs [--all] [--jobs N]
//   --all   every target and PTX for devices to come, as in a release; otherwise sm_80 and sm_90
// Warnings are errors. report.json beside the library holds registers, shared memory and spills of every kernel and target. Kernels that live
// off tensor cores must have their instructions in the machine code, and must not spill.
// ANNEAL_CUDA_BUILD=skip leaves the build out, where neither nvcc nor PyPI can be reached.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cudaToolchain } from "./cuda-toolchain.mjs";

const { values: options } = parseArgs({
  options: { all: { type: "boolean", default: false }, jobs: { type: "string" } },
});
const engineDir = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const nativeDir = join(engineDir, "native");
const buildDir = join(engineDir, "build/cuda");

/** Kernels whose work is products: tensor-core instructions in every target, no spill. */
const onTensorCores = ["gemm_mma_kernel"];

const targets = options.all ? [80, 86, 89, 90, 100, 120] : [80, 90];
const flags = [
  "-std=c++20",
  "-O3",
  "--expt-relaxed-constexpr",
  "-Werror=all-warnings",
  "-Xptxas=-v",
  "-Xcompiler=-Wall,-Wextra,-fPIC,-fvisibility=hidden",
  `-I${nativeDir}`,
  ...targets.map((sm) => `-gencode=arch=compute_${sm},code=sm_${sm}`),
  // Devices to come compile this when they load it.
  ...(options.all ? [`-gencode=arch=compute_${targets.at(-1)},code=compute_${targets.at(-1)}`] : []),
];

if (process.env.ANNEAL_CUDA_BUILD === "skip") {
  console.log("build:cuda: left out (ANNEAL_CUDA_BUILD=skip)");
  console.log("0 passed, 0 failed, 1 skipped");
  process.exit(0);
}

function fail(message) {
  console.error(`build:cuda: ${message}`);
  process.exit(1);
}

function run(program, args) {
  return new Promise((done) => {
    const child = spawn(program, args, { cwd: nativeDir });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => done({ code: 1, output: error.message }));
    child.on("close", (code) => done({ code, output }));
  });
}

const filesOf = (dir, pattern) =>
  readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((file) => pattern.test(file))
    .map((file) => join(dir, file));

/** What ptxas says of each kernel: one entry per kernel and target. */
function kernelsOf(output, file) {
  const kernels = [];
  for (const part of output.split("ptxas info    : Compiling entry function").slice(1)) {
    const [, name, sm] = part.match(/^ '(\S+)' for 'sm_(\d+)\w?'/) ?? [];
    const number = (pattern) => Number(part.match(pattern)?.[1] ?? 0);
    kernels.push({
      file: relative(nativeDir, file),
      kernel: name,
      target: Number(sm),
      registers: number(/Used (\d+) registers/),
      sharedBytes: number(/(\d+) bytes smem/),
      stackBytes: number(/(\d+) bytes stack frame/),
      spillBytes: number(/(\d+) bytes spill stores/) + number(/(\d+) bytes spill loads/),
    });
  }
  return kernels;
}

const toolchain = await cudaToolchain().catch((error) =>
  fail(`${error.message}\n  remedy: put nvcc on PATH, or set ANNEAL_CUDA_BUILD=skip`),
);
const nvcc = join(toolchain.root, "bin/nvcc");
const version = (await run(nvcc, ["--version"])).output.match(/release ([\d.]+), V([\d.]+)/)?.[2] ?? "unknown";
console.log(`build:cuda: nvcc ${version} (${toolchain.source}), ${targets.map((sm) => `sm_${sm}`).join(", ")}`);

mkdirSync(buildDir, { recursive: true });
const sources = [
  ...filesOf(join(nativeDir, "cuda"), /\.cu$/),
  ...filesOf(join(nativeDir, "ops"), /(_cuda|cuda_table)\.cu$/),
].sort();
const headers = createHash("sha256").update(version).update(flags.join(" "));
for (const file of filesOf(nativeDir, /\.(h|cuh)$/).sort()) headers.update(readFileSync(file));
const common = headers.digest("hex");

const started = Date.now();
const objects = [];
const reports = [];
let failed = 0;
const waiting = [...sources];
async function compileSome() {
  for (let file = waiting.pop(); file; file = waiting.pop()) {
    const object = join(buildDir, `${basename(file, ".cu")}.o`);
    const stamp = createHash("sha256").update(common).update(readFileSync(file)).digest("hex");
    const reportPath = `${object}.json`;
    objects.push(object);
    const kept = existsSync(object) && existsSync(reportPath) ? JSON.parse(readFileSync(reportPath, "utf8")) : null;
    if (kept?.stamp === stamp) {
      reports.push(...kept.kernels);
      continue;
    }
    const { code, output } = await run(nvcc, [...flags, "-c", file, "-o", object]);
    if (code !== 0) {
      failed++;
      console.error(`${relative(nativeDir, file)}:\n${output.replace(/^ptxas info.*\n/gm, "")}`);
      continue;
    }
    const kernels = kernelsOf(output, file);
    writeFileSync(reportPath, JSON.stringify({ stamp, kernels }));
    reports.push(...kernels);
  }
}
await Promise.all(Array.from({ length: Number(options.jobs ?? availableParallelism()) }, compileSome));
if (failed > 0) fail(`${failed} of ${sources.length} files did not compile`);

const library = join(buildDir, "anneal_cuda.so");
const linked = await run(nvcc, ["-shared", "-cudart=static", "-o", library, ...objects.sort()]);
if (linked.code !== 0) fail(`linking failed:\n${linked.output}`);

const problems = [];
for (const pattern of onTensorCores) {
  const named = reports.filter((r) => r.kernel.includes(pattern));
  for (const sm of targets) if (!named.some((r) => r.target === sm)) problems.push(`no kernel ${pattern} for sm_${sm}`);
  for (const r of named)
    if (r.spillBytes > 0) problems.push(`${r.kernel} spills ${r.spillBytes} bytes on sm_${r.target}`);
}
if (onTensorCores.length > 0) {
  for (const sm of targets) {
    const sass = await run(join(toolchain.root, "bin/cuobjdump"), ["-sass", "-arch", `sm_${sm}`, library]);
    for (const body of sass.output.split(/^\s*Function : /m).slice(1)) {
      const name = body.slice(0, body.indexOf("\n")).trim();
      if (onTensorCores.some((pattern) => name.includes(pattern)) && !/\b(HMMA|QMMA|HGMMA)\b/.test(body))
        problems.push(`${name} has no tensor-core instruction on sm_${sm}`);
    }
    if (sass.code !== 0) problems.push(`cuobjdump of sm_${sm}: ${sass.output.slice(0, 200)}`);
  }
}
reports.sort((a, b) => a.file.localeCompare(b.file) || a.kernel.localeCompare(b.kernel) || a.target - b.target);
writeFileSync(
  join(buildDir, "report.json"),
  `${JSON.stringify({ nvcc: version, targets, kernels: reports, problems }, null, 1)}\n`,
);
const worst = reports.reduce((a, b) => (b.registers > a.registers ? b : a), { registers: 0, kernel: "" });
const spills = reports.filter((r) => r.spillBytes > 0);
console.log(
  `${sources.length} files, ${reports.length} kernels (per target); most registers ${worst.registers} (${worst.kernel}); ${spills.length} spill`,
);
for (const problem of problems) console.error(`  ${problem}`);
console.log(`build:cuda: ${relative(process.cwd(), library)} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
console.log(`${reports.length} passed, ${problems.length} failed, 0 skipped`);
process.exit(problems.length > 0 ? 1 : 0);
