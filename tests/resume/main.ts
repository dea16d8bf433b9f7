// npm run -s resume-check [-- --interruptions N] [--seed N] [--only WORDS]   Exact resume over the matrix of tests/resume/cells.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { closingLine, noCounts } from "../support/suite-result.ts";
import { resumeCells, totalSteps, trainWithStops } from "./cells.ts";

const { values } = parseArgs({
  options: {
    interruptions: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log("Usage: npm run -s resume-check -- [--interruptions N] [--seed N] [--only WORDS]\n");
  console.log("Saves, closes and goes on at random steps; the last state must have the SHA-256 of an undisturbed run.");
  process.exit(0);
}

let state = Number(values.seed) >>> 0;
/** A whole number below n (mulberry32). */
function below(n: number): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) % n;
}

const folder = mkdtempSync(join(tmpdir(), "anneal-resume-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const words = values.only.split(/\s+/);
const cells = resumeCells().filter(({ name }) => words.every((word) => name.includes(word)));
if (cells.length === 0) throw new Error(`--only ${values.only} leaves no cell`);
const undisturbed = new Map<string, string>();
const counts = noCounts();
// Whole rounds over the cells in a random order, so that none is left out.
let order: number[] = [];
for (let done = 0; done < Number(values.interruptions); ) {
  if (order.length === 0) order = cells.map((_, i) => i).sort(() => below(3) - 1);
  const cell = cells[order.pop() ?? 0];
  if (!cell) throw new Error("no cell");
  const stops = Array.from({ length: 1 + below(3) }, () => ({ step: below(totalSteps), threads: 1 + below(2) }));
  const want = undisturbed.get(cell.name) ?? (await trainWithStops(cell, folder, []));
  undisturbed.set(cell.name, want);
  const same = (await trainWithStops(cell, folder, stops)) === want;
  same ? counts.passed++ : counts.failed++;
  done += stops.length;
  const where = stops.map(({ step, threads }) => `${step}/${threads}`).join(" ");
  if (!same) console.log(`failed  ${cell.name}: other bits after stops at ${where} (step/threads)`);
}
console.log(`${undisturbed.size} of ${cells.length} cells, seed ${values.seed}`);
console.log(closingLine(counts));
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
