// ./anneal test: every suite, two at a time, one table, one summary line. `./anneal test NAME...` runs some of them,
// `--since REF` those that a change can touch.
import { AsyncLocalStorage } from "node:async_hooks";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildSanitized, sanitizedBuild } from "./fuzz/build.ts";
import { browserExecutable } from "./support/browser.ts";
import { fixtures, repoRoot, sharedPath } from "./support/paths.ts";
import { suiteOf, touchedBy } from "./support/since.ts";
import { addCounts, type Counts, closingLine, noCounts, parseClosingLine, sumOfTests } from "./support/suite-result.ts";

interface Suite {
  name: string;
  about: string;
  run: () => Promise<Counts>;
}

const children = new Set<ChildProcess>();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
    process.exit(130);
  });

// Two suites print at the same time: what one says is kept until it has ended, unless it is alone.
const heldOutput = new AsyncLocalStorage<string[]>();
const print = (text: string) => {
  const held = heldOutput.getStore();
  if (held) held.push(text);
  else process.stdout.write(text);
};

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
    children.add(started);
    let output = "";
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      print(chunk.toString());
    };
    started.stdout.on("data", take);
    started.stderr.on("data", take);
    started.on("error", reject);
    started.on("close", (code) => {
      children.delete(started);
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

let onlyTests: readonly string[] | null = null; // with --since

async function vitest(project: "unit" | "integration" | "e2e", env?: NodeJS.ProcessEnv): Promise<Counts> {
  const files = onlyTests?.filter((test) => suiteOf(test) === project) ?? [];
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
      ...files,
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

function changedSince(ref: string): string[] {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: repoRoot, encoding: "utf8" }).split("\n");
  const base = git("merge-base", ref, "HEAD")[0] ?? ref;
  return [
    ...git("diff", "--name-only", "--no-renames", base),
    ...git("ls-files", "--others", "--exclude-standard"),
  ].filter(Boolean);
}

/** Every source file, and the files that it imports. */
function importsOfSources(): Map<string, string[]> {
  const output = execFileSync(
    "npx",
    [
      "--no-install",
      "depcruise",
      "--config",
      ".dependency-cruiser.cjs",
      "--output-type",
      "json",
      "apps",
      "packages",
      "tests",
      "demo",
      "scripts",
    ],
    { cwd: repoRoot, encoding: "utf8", maxBuffer: 2 ** 30 },
  );
  const { modules } = JSON.parse(output) as { modules: { source: string; dependencies: { resolved: string }[] }[] };
  return new Map(modules.map(({ source, dependencies }) => [source, dependencies.map(({ resolved }) => resolved)]));
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
  {
    name: "nvcc",
    about: "the GPU kernels, compiled for their devices (ANNEAL_CUDA_BUILD=skip leaves it out)",
    run: () => closing("node", ["packages/engine/scripts/build-cuda.mjs"]),
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

const { values: options, positionals: wanted } = parseArgs({
  options: { since: { type: "string" }, help: { type: "boolean", default: false } },
  allowPositionals: true,
});
if (options.help) {
  console.log("Usage: ./anneal test [--since REF] [SUITE...]\n");
  for (const { name, about } of suites) console.log(`  ${name.padEnd(12)} ${about}`);
  console.log("\n  --since REF  the suites and files that changes after REF can touch, uncommitted ones included");
  process.exit(0);
}
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(`no suite named ${unknown.join(", ")}; there are ${suites.map((suite) => suite.name).join(", ")}`);
  process.exit(2);
}

let asked = suites.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (options.since !== undefined) {
  const touched = touchedBy(changedSince(options.since), importsOfSources());
  if (touched.suites !== null) {
    onlyTests = touched.tests;
    asked = asked.filter(({ name }) => touched.suites?.has(name));
    console.log(
      `Since ${options.since}: ${asked.map(({ name }) => name).join(", ") || "nothing to run"}; ${touched.tests.length} test files`,
    );
  }
  if (asked.length === 0) process.exit(0);
}

// Compiled meanwhile, on what the suites before it leave of the processors.
if (asked.findIndex(({ name }) => name === "native") > 0) {
  sanitized = buildSanitized(["native_tests", "fuzz_reader"], 19);
  sanitized.catch(() => {}); // reported where it is awaited
}

const table: string[] = [];
let total = noCounts();
async function runSuite(suite: Suite): Promise<void> {
  const started = Date.now();
  const counts = await suite.run().catch((error: unknown) => {
    print(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  });
  total = addCounts(total, counts);
  table.push(
    `${suite.name.padEnd(12)} ${((Date.now() - started) / 1000).toFixed(0).padStart(5)} s  ${closingLine(counts)}`,
  );
}

// Most suites keep one processor busy, so two run beside each other: those with a database of their own, and those without.
// The browser's waits for pages, so it has the machine to itself at the end.
const beside = ["unit", "integration"];
const last = ["e2e"];
const lanes = [
  asked.filter(({ name }) => beside.includes(name)),
  asked.filter(({ name }) => !beside.includes(name) && !last.includes(name)),
].filter((lane) => lane.length > 0);
await Promise.all(
  lanes.map(async (lane) => {
    for (const suite of lane) {
      const title = `\n== ${suite.name}: ${suite.about}\n`;
      if (lanes.length === 1) {
        process.stdout.write(title);
        await runSuite(suite);
        continue;
      }
      console.log(`-- ${suite.name} begins`);
      const held: string[] = [];
      await heldOutput.run(held, () => runSuite(suite));
      process.stdout.write(title + held.join(""));
    }
  }),
);
for (const suite of asked.filter(({ name }) => last.includes(name))) {
  console.log(`\n== ${suite.name}: ${suite.about}`);
  await runSuite(suite);
}
if (sharedPath("goldens") === null)
  console.log("\nThe big reference data (../shared or ANNEAL_SHARED) is not here; what needs it was skipped.");
console.log(`\n${table.join("\n")}\n\n${closingLine(total)}`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
