// npm run -s plan-check [-- --only WORDS] [--json FILE]   The plan against the peak that processes of their own really took.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { closingLine } from "../support/suite-result.ts";
import { planCells } from "./cells.ts";
import { Models } from "./models.ts";
import { most, prepareCells, runCell } from "./run-cell.ts";

const { values } = parseArgs({
  options: { only: { type: "string" }, json: { type: "string" }, help: { type: "boolean", default: false } },
});
if (values.help) {
  console.log("Usage: npm run -s plan-check -- [--only WORDS] [--json FILE]\n");
  console.log(
    `Planned bytes may lie ${most.above * 100} % above the measured peak and ${most.below * 100} % below it.`,
  );
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), "anneal-plan-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const bench = await prepareCells(folder);
const wanted = (values.only ?? "").split(/\s+/);
const cells = planCells(new Models(folder)).filter(({ name }) => wanted.every((word) => name.includes(word)));
const rows = [];
const counts = { passed: 0, failed: 0, skipped: 0 };
const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1).padStart(8);
console.log(`${"cell".padEnd(60)}  planned      peak MiB  planned / peak`);
for (const { name, spec } of cells) {
  const result = runCell(bench, await spec());
  const ok = result.ratio <= 1 + most.above && result.ratio >= 1 - most.below;
  ok ? counts.passed++ : counts.failed++;
  rows.push({ name, ...result });
  console.log(
    `${name.padEnd(60)} ${mebibytes(result.planned)}  ${mebibytes(result.peak)}  ${result.ratio.toFixed(3)}${ok ? "" : "  FAILED"}`,
  );
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
const ratios = rows.map(({ ratio }) => ratio);
if (rows.length > 0)
  console.log(
    `planned / peak from ${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)} over ${rows.length} cells`,
  );
console.log(closingLine(counts));
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
