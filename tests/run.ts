// ./anneal test: every suite in turn, one table, one summary line. `./anneal test NAME...` runs some of them.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildSanitized, sanitizedBuild } from "./fuzz/build.ts";
import { browserExecutable } from "./support/browser.ts";
import { fixtures, repoRoot, sharedPath } from "./support/paths.ts";
import { addCounts, type Counts, closingLine, noCounts, parseClosingLine, sumOfTests } from "./support/suite-result.ts";

interface Suite {
  name: string;
  about: string;
  run: () => Promise<Counts>;
}

let child: ChildProcess | null = null;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    child?.kill(signal);
    process.exit(130);
  });

// Runs a command, passes its output on, and keeps it for the closing line.
function command(
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const started = spawn(program, args, {
      cwd: repoRoot,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    let output = "";
    const take = (stream: NodeJS.WriteStream) => (chunk: Buffer) => {
      output += chunk.toString();
      stream.write(chunk);
    };
    started.stdout.on("data", take(process.stdout));
    started.stderr.on("data", take(process.stderr));
    started.on("error", reject);
    started.on("close", (code) => {
      child = null;
      resolve({ code: code ?? 1, output });
    });
  });
}

// A runner of ours: its closing line counts; a bad exit without a failed case is one failure more.
async function closing(program: string, args: string[], env?: NodeJS.ProcessEnv): Promise<Counts> {
  const { code, output } = await command(program, args, env);
  const counts = parseClosingLine(output) ?? noCounts();
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

// A check that passes or fails as a whole.
async function whole(program: string, args: string[]): Promise<Counts> {
  const { code } = await command(program, args);
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

async function vitest(project: string, env?: NodeJS.ProcessEnv): Promise<Counts> {
  const report = join(repoRoot, "node_modules/.cache", `vitest-${project}.json`);
  mkdirSync(join(repoRoot, "node_modules/.cache"), { recursive: true });
  rmSync(report, { force: true });
  const { code } = await command(
    "npx",
    [
      "--no-install",
      "vitest",
      "run",
      "--project",
      project,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ],
    env,
  );
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const json = JSON.parse(readFileSync(report, "utf8")) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numTodoTests: number;
  };
  const counts = {
    passed: json.numPassedTests,
    failed: json.numFailedTests,
    skipped: json.numPendingTests + json.numTodoTests,
  };
  // A file that does not load fails the run without a failed test.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

// The C++ tests, under the address and undefined-behaviour sanitizers: each executable prints a closing line of its own.
// The fuzz suite shares the build; the release build is what parity and integration run on.
let sanitized: Promise<void> | null = null;
async function native(): Promise<Counts> {
  await (sanitized ?? buildSanitized(["native_tests"]));
  return sumOfTests(await command("ctest", ["--test-dir", sanitizedBuild, "-V", "-E", "^fuzz_|^anneal_cuda"]));
}

const tsx = (script: string, ...args: string[]) => ["--import", "tsx", script, ...args];
// Each reader of foreign bytes counts once here, however many inputs it was fed.
async function fuzz(): Promise<Counts> {
  const { code, output } = await command("node", tsx("tests/fuzz/main.ts", "all", "--runs", "20000", "--seed", "1"));
  const counts = noCounts();
  for (const [, failed] of output.matchAll(/^\w+ +\d+ passed, (\d+) failed/gm))
    counts[failed === "0" ? "passed" : "failed"]++;
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}
const goldens = [join(fixtures, "goldens"), sharedPath("goldens")].filter((path) => path !== null);

const suites: Suite[] = [
  { name: "lint", about: "biome and layer rules", run: () => whole("npm", ["run", "-s", "lint"]) },
  { name: "types", about: "TypeScript, every package", run: () => whole("npm", ["run", "-s", "typecheck"]) },
  { name: "unit", about: "tests beside the source", run: () => vitest("unit") },
  { name: "parity", about: "reference numbers", run: () => closing("node", tsx("tests/parity/main.ts", ...goldens)) },
  { name: "integration", about: "real Postgres, engine, llama.cpp, Ollama stand-in", run: () => vitest("integration") },
  { name: "native", about: "C++ ops, readers, kernels on every ISA, under sanitizers", run: native },
  {
    name: "cuda",
    about: "the GPU kernels, executed by an emulator, under sanitizers",
    run: () => closing("node", tsx("tests/cuda/main.ts")),
  },
  { name: "fuzz", about: "readers of foreign bytes, under sanitizers", run: fuzz },
  {
    name: "chaos",
    about: "processes killed at random moments",
    run: () => closing("node", tsx("tests/chaos/main.ts", "--kills", "6", "--seed", "1")),
  },
  {
    name: "e2e",
    about: "the console in a real browser",
    run: () => vitest("e2e", { ANNEAL_CHROMIUM: browserExecutable() }),
  },
];

const wanted = process.argv.slice(2);
if (wanted.includes("--help")) {
  console.log("Usage: ./anneal test [SUITE...]\n");
  for (const { name, about } of suites) console.log(`  ${name.padEnd(12)} ${about}`);
  process.exit(0);
}
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(`no suite named ${unknown.join(", ")}; there are ${suites.map((suite) => suite.name).join(", ")}`);
  process.exit(2);
}

const asked = suites.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
// Compiled meanwhile, on what the suites before it leave of the processors.
if (asked.findIndex(({ name }) => name === "native") > 0) {
  sanitized = buildSanitized(["native_tests", "cuda_tests", "fuzz_reader"], 19);
  sanitized.catch(() => {}); // told where it is awaited
}

const table: string[] = [];
let total = noCounts();
for (const suite of asked) {
  console.log(`\n== ${suite.name}: ${suite.about}`);
  const started = Date.now();
  const counts = await suite.run().catch((error: unknown) => {
    console.error(error);
    return { passed: 0, failed: 1, skipped: 0 };
  });
  total = addCounts(total, counts);
  table.push(
    `${suite.name.padEnd(12)} ${((Date.now() - started) / 1000).toFixed(0).padStart(5)} s  ${closingLine(counts)}`,
  );
}
if (sharedPath("goldens") === null)
  console.log("\nThe big reference data (../shared or ANNEAL_SHARED) is not here; what needs it was skipped.");
console.log(`\n${table.join("\n")}\n\n${closingLine(total)}`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
