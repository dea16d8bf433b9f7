// npx tsx demo/generate-data.ts [--seed N]   Writes demo/data/train.jsonl and test.jsonl, the same bytes for the same seed.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { questions, type Row, systemLine } from "./language/questions.ts";

const here = dirname(fileURLToPath(import.meta.url));
export const dataSeed = 7;

/** One line of a dataset in OpenAI's shape. */
export const toLine = ({ question, label }: Row): string =>
  JSON.stringify({
    messages: [
      { role: "system", content: systemLine },
      { role: "user", content: question },
      { role: "assistant", content: label },
    ],
  });

export function datasets(seed = dataSeed): { train: Row[]; test: Row[] } {
  const train = questions("train", 125, seed);
  const seen = new Set(train.map((row) => row.question.toLowerCase()));
  return { train, test: questions("test", 25, seed + 1).filter((row) => !seen.has(row.question.toLowerCase())) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf("--seed");
  const seed = at < 0 ? dataSeed : Number(process.argv[at + 1]);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError("--seed needs a whole number from 0");
  mkdirSync(join(here, "data"), { recursive: true });
  for (const [name, rows] of Object.entries(datasets(seed))) {
    writeFileSync(join(here, "data", `${name}.jsonl`), rows.map((row) => `${toLine(row)}\n`).join(""));
    console.log(`demo/data/${name}.jsonl: ${rows.length} rows`);
  }
}
