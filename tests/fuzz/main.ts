// npm run -s fuzz -- READER|all --runs N --seed S   Generated hostile files against the readers, under sanitizers.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { addCounts, type Counts, closingLine, noCounts } from "../support/suite-result.ts";
import { buildSanitized } from "./build.ts";
import { fuzzReader, nativeReaders } from "./native.ts";
import { fuzzText, textReaders } from "./text.ts";

const allReaders = [...nativeReaders, ...textReaders];

const usage = `Usage: npm run -s fuzz -- READER|all [--runs N] [--seed S] [--only I]

READER is one of ${allReaders.join(", ")}; the first ${nativeReaders.length} are the engine's. Each input is made from the seed and its number: known classes of broken
files (counts, offsets, sizes, types, alignment, nesting, encodings) and random damage to good ones. A finding is a report of the
address or undefined-behaviour sanitizer, an exception that is none of ours, an accepted file that must be refused, or
an input that takes ten seconds. "text" reads whole models in a thread with a deadline, as the console does; all of them together
give it a hundredth of the runs. Closes with "N passed, M failed, K skipped" (inputs).`;

const { values, positionals } = parseArgs({
  options: {
    runs: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    only: { type: "string" }, // one input again, by its number
    help: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const whole = (option: "runs" | "seed" | "only") => {
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
const readers = wanted === "all" ? allReaders : allReaders.filter((name) => name === wanted);
if (readers.length === 0) {
  console.error(`no reader named ${wanted}; there are ${allReaders.join(", ")} and all`);
  process.exit(2);
}
const runs = whole("runs");
const seed = whole("seed");

const only = values.only === undefined ? undefined : whole("only");

type Reader = (typeof allReaders)[number];
const isText = (reader: Reader): reader is (typeof textReaders)[number] => textReaders.some((name) => name === reader);
let total: Counts = noCounts();
async function feed(reader: Reader): Promise<void> {
  const started = Date.now();
  const { counts, output } = isText(reader)
    ? await fuzzText(reader, wanted === "all" && reader === "text" ? Math.ceil(runs / 100) : runs, seed, only)
    : await fuzzReader(reader, runs, seed, only);
  total = addCounts(total, counts);
  if (counts.failed > 0) console.log(output.trimEnd());
  console.log(`${reader.padEnd(12)} ${closingLine(counts)}  ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

const ours = readers.filter((reader) => !isText(reader));
if (ours.length > 0) await buildSanitized(["fuzz_reader"]);
// The engine's readers run in processes of their own, the text readers in this one.
async function work(): Promise<void> {
  for (let reader = ours.shift(); reader; reader = ours.shift()) await feed(reader);
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
for (const reader of readers.filter(isText)) await feed(reader);
console.log(closingLine(total));
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
