// npm run -s parity -- DIR...   Checks every golden folder below the given ones against the engine and the tokenizers.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type CaseResult, closingLine, noCounts } from "../support/suite-result.ts";

const usage = `Usage: npm run -s parity -- DIR...

Checks reference numbers: model families (config.json + case.json), GGUF tensor types (ggml_types.safetensors),
tokenizers (a folder of JSON files with strings[]) and real models (case.json with model_file).
A DIR may be one such folder or a folder of them. Closes with "N passed, M failed, K skipped".`;

type Check = (dir: string) => AsyncIterable<CaseResult>;

// Which reader knows a folder is decided by what lies in it; modules load only when needed.
async function checkerOf(dir: string): Promise<Check | null> {
  const has = (name: string) => existsSync(join(dir, name));
  if (has("ggml_types.safetensors")) return (await import("./quant.ts")).check;
  if (has("case.json") && has("config.json")) return (await import("./families.ts")).check;
  if (has("case.json")) return (await import("./smollm2.ts")).check;
  const { isTokenizerFolder, check } = await import("./tokenizers.ts");
  return isTokenizerFolder(dir) ? check : null;
}

async function* checkAll(dir: string, depth = 0): AsyncIterable<CaseResult> {
  const checker = await checkerOf(dir);
  if (checker) {
    yield* checker(dir);
    return;
  }
  const folders = readdirSync(dir)
    .sort()
    .map((name) => join(dir, name))
    .filter((path) => statSync(path).isDirectory());
  if (folders.length === 0 || depth > 2) {
    yield { name: dir, status: "failed", detail: "no reference numbers in a format known here" };
    return;
  }
  for (const folder of folders) yield* checkAll(folder, depth + 1);
}

const args = process.argv.slice(2);
if (args.includes("--help") || args.length === 0) {
  console.log(usage);
  process.exit(args.includes("--help") ? 0 : 2);
}

const counts = noCounts();
for (const arg of args) {
  const dir = resolve(arg);
  if (!existsSync(dir)) {
    console.error(`${arg}: no such folder`);
    process.exit(2);
  }
  for await (const result of checkAll(dir)) {
    counts[result.status]++;
    const worst = result.worst === undefined ? "" : `  worst ${result.worst.toExponential(2)}`;
    console.log(`${result.status.padEnd(7)} ${result.name}${worst}${result.detail ? `  ${result.detail}` : ""}`);
  }
}
console.log(closingLine(counts));
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
