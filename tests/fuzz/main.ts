// npm run -s fuzz -- READER|all --runs N --seed S   Generated hostile files against the readers, under sanitizers.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { addCounts, type Counts, closingLine, noCounts } from "../support/suite-result.ts";
import { buildSanitized } from "./build.ts";
import { fuzzReader, nativeReaders } from "./native.ts";

const usage = `Usage: npm run -s fuzz -- READER|all [--runs N] [--seed S]

READER is one of ${nativeReaders.join(", ")}. Each input is made from the seed and its number: known classes of broken
files (counts, offsets, sizes, types, alignment, nesting, encodings) and random damage to good ones. A finding is a report of the
address or undefined-behaviour sanitizer, an exception that is none of ours, an accepted file that must be refused, or
an input that takes ten seconds. Closes with "N passed, M failed, K skipped" (inputs).`;

const { values, positionals } = parseArgs({
  options: {
    runs: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const whole = (option: "runs" | "seed") => {
  const value = Number(values[option]);
  if (Number.isSafeInteger(value) && value >= 0 && values[option] !== "") return value;
  console.error(`--${option} needs a whole number from 0, got ${JSON.stringify(values[option])}`);
  return process.exit(2);
};
if (values.help || positionals.length !== 1) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}
const [wanted = ""] = positionals;
const readers = wanted === "all" ? [...nativeReaders] : nativeReaders.filter((name) => name === wanted);
if (readers.length === 0) {
  console.error(`no reader named ${wanted}; there are ${nativeReaders.join(", ")} and all`);
  process.exit(2);
}
const runs = whole("runs");
const seed = whole("seed");

await buildSanitized("fuzz_reader");
let total: Counts = noCounts();
const waiting = [...readers];
async function work(): Promise<void> {
  for (let reader = waiting.shift(); reader; reader = waiting.shift()) {
    const started = Date.now();
    const { counts, output } = await fuzzReader(reader, runs, seed);
    total = addCounts(total, counts);
    if (counts.failed > 0) console.log(output.trimEnd());
    console.log(`${reader.padEnd(12)} ${closingLine(counts)}  ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }
}
await Promise.all(Array.from({ length: Math.min(availableParallelism(), readers.length) }, work));
console.log(closingLine(total));
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
