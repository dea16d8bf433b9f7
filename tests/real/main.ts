// npm run -s real -- [CASE...] [--change JSON] [--ollama HOST] [--home FOLDER] [--json FILE]   What the engine makes of a real
// model: SmolLM2-135M and BANKING77, which lie beside the repository. Long: minutes to an hour a case. Prints the figures.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { addCounts, closingLine, noCounts } from "../support/suite-result.ts";
import { banking77 } from "./banking77.ts";
import { distillation } from "./distillation.ts";
import type { Case } from "./figures.ts";
import { preference } from "./preference.ts";
import { realFiles } from "./real-files.ts";

const cases: Record<string, Case> = { banking77, preference, distillation };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    change: { type: "string", default: "{}" },
    ollama: { type: "string" },
    home: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`Usage: npm run -s real -- [${Object.keys(cases).join("|")}]... [--change JSON] [--ollama HOST] [--home FOLDER]

banking77      a run through the whole product on all 10,003 rows; exact match on the 3,080 of the test set, 0.88 asked.
               --change overrides fields of its spec ('{"baseStorage":"nf4"}'); --ollama publishes the model there and asks
               20 questions; --home keeps the run's files there.
preference     DPO on pairs of a right and a wrong intent: reward margin and accuracy on held-out pairs before and after.
distillation   a student of 10 of the 30 layers, trained with and without the teacher: divergence from it on held-out rows.`);
  process.exit(0);
}
const names = positionals.length > 0 ? positionals : Object.keys(cases);
const unknown = names.find((name) => !(name in cases));
if (unknown) throw new Error(`no case ${unknown}; there are ${Object.keys(cases).join(", ")}`);
const files = realFiles();
if (!files) {
  console.log("skipped: SmolLM2 and BANKING77 are not there (../shared or ANNEAL_SHARED)");
  console.log(closingLine({ ...noCounts(), skipped: names.length }));
  process.exit(0);
}

let counts = noCounts();
const all = [];
for (const name of names) {
  console.log(`== ${name}`);
  const figures = await cases[name]?.({
    files,
    change: JSON.parse(values.change),
    ollama: values.ollama ?? null,
    home: values.home ?? null,
  });
  for (const { label, value, passed } of figures ?? []) {
    const verdict = passed === undefined ? "" : passed ? "  ok" : "  FAILED";
    console.log(`${label.padEnd(64)} ${value}${verdict}`);
    if (passed !== undefined)
      counts = addCounts(counts, { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 });
    all.push({ case: name, label, value, passed });
  }
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(all, null, 2)}\n`);
console.log(closingLine(counts));
process.exit(counts.failed > 0 ? 1 : 0);
