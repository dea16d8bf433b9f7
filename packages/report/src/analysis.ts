import type { ReportData, ReportRow } from "./schema.ts";
import { type Interval, mcNemarExact, pairedShares, wilson } from "./stats.ts";

export interface ShareEstimate extends Interval {
  share: number;
  correct: number;
  count: number;
}

export interface Confusion {
  expected: string;
  answer: string;
  count: number;
  expectedRows: number;
  example: string;
}

export interface Analysis {
  confidence: number;
  tuned: ShareEstimate;
  base: ShareEstimate | null;
  // After minus before, on the rows that both models answered.
  difference: (Interval & { mean: number }) | null;
  pairs: { both: number; onlyBase: number; onlyTuned: number; neither: number } | null;
  mcNemarP: number | null;
  confusions: Confusion[];
  matrix: { labels: string[]; counts: number[][]; other: number[] } | null;
  labelCount: number;
}

const confidence = 0.95;
const matrixSize = 10;

const estimate = (correct: number, count: number): ShareEstimate => ({
  share: count === 0 ? 0 : correct / count,
  correct,
  count,
  ...wilson(correct, count, confidence),
});

/** What is judged: answers, right or wrong; of preferences, whether the better answer scores higher. */
function judgedRows({ rows, preference }: ReportData["evaluation"]): ReportRow[] {
  // A row is judged by both models or by neither; what was cut short of its answer is not judged.
  if (!preference) return rows.filter(({ base, tuned }) => tuned.judged && (base?.judged ?? true));
  const judged = (margin: number) => ({ answer: "", correct: margin > 0, judged: true, cut: false });
  return preference.pairs.map(({ id, prompt, base, tuned }) => ({
    id,
    prompt,
    expected: "",
    base: base === null ? null : judged(base),
    tuned: judged(tuned),
  }));
}

export function analyse(data: ReportData): Analysis {
  const rows = judgedRows(data.evaluation);
  const paired = rows.flatMap((row) => (row.base ? [{ base: row.base, tuned: row.tuned }] : []));
  const pairs = { both: 0, onlyBase: 0, onlyTuned: 0, neither: 0 };
  for (const { base, tuned } of paired) {
    if (base.correct && tuned.correct) pairs.both += 1;
    else if (base.correct) pairs.onlyBase += 1;
    else if (tuned.correct) pairs.onlyTuned += 1;
    else pairs.neither += 1;
  }
  const some = paired.length > 0;
  const labels = data.evaluation.labels ? labelRows(rows) : null;
  return {
    confidence,
    tuned: estimate(rows.filter((r) => r.tuned.correct).length, rows.length),
    base: some ? estimate(pairs.both + pairs.onlyBase, paired.length) : null,
    difference: some ? pairedShares(pairs.onlyBase, pairs.onlyTuned, paired.length, confidence) : null,
    pairs: some ? pairs : null,
    mcNemarP: some ? mcNemarExact(pairs.onlyBase, pairs.onlyTuned) : null,
    confusions: labels ? confusions(rows, labels) : [],
    matrix: labels ? matrix(rows, labels) : null,
    labelCount: labels?.size ?? 0,
  };
}

const normal = (text: string) => text.trim();

function labelRows(rows: ReportRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(normal(row.expected), (counts.get(normal(row.expected)) ?? 0) + 1);
  return counts;
}

function confusions(rows: ReportRow[], labels: Map<string, number>): Confusion[] {
  const found = new Map<string, Confusion>();
  for (const row of rows) {
    if (row.tuned.correct) continue;
    const expected = normal(row.expected);
    const answer = normal(row.tuned.answer);
    const key = JSON.stringify([expected, answer]);
    const known = found.get(key);
    if (known) known.count += 1;
    else found.set(key, { expected, answer, count: 1, expectedRows: labels.get(expected) ?? 0, example: row.prompt });
  }
  return [...found.values()].sort((a, b) => b.count - a.count || (a.expected < b.expected ? -1 : 1));
}

// The labels with the most wrong answers, as rows (expected) and columns (answered); all else falls into `other`.
function matrix(rows: ReportRow[], labels: Map<string, number>): Analysis["matrix"] {
  const trouble = new Map<string, number>();
  const add = (label: string) => labels.has(label) && trouble.set(label, (trouble.get(label) ?? 0) + 1);
  for (const row of rows) {
    if (row.tuned.correct) continue;
    add(normal(row.expected));
    add(normal(row.tuned.answer));
  }
  if (trouble.size === 0) return null;
  const chosen = [...trouble.entries()]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, matrixSize)
    .map(([label]) => label);
  const index = new Map(chosen.map((label, i) => [label, i]));
  const counts = chosen.map(() => chosen.map(() => 0));
  const other = chosen.map(() => 0);
  for (const row of rows) {
    const from = index.get(normal(row.expected));
    if (from === undefined) continue;
    const to = row.tuned.correct ? from : index.get(normal(row.tuned.answer));
    const line = counts[from];
    if (to === undefined || !line) other[from] = (other[from] ?? 0) + 1;
    else line[to] = (line[to] ?? 0) + 1;
  }
  return { labels: chosen, counts, other };
}
