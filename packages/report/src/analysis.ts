import type { ReportData, ReportRow } from "./schema.ts";
import { type Interval, mcNemarExact, pairedBootstrap, wilson } from "./stats.ts";

export type Verdict = "better" | "not-better" | "uncertain";

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
  verdict: Verdict;
  confidence: number;
  // A gain below this counts as none when "not better" is judged: one point, or 0.01 nats.
  smallestGain: number;
  tuned: ShareEstimate;
  base: ShareEstimate | null;
  // Tuned minus base on the rows that both answered; for the loss turned round, so that more is better.
  difference: (Interval & { mean: number }) | null;
  lossDifference: (Interval & { mean: number; rows: number }) | null;
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
  if (!preference) return rows;
  const judged = (margin: number) => ({ answer: "", correct: margin > 0, lossNats: null });
  return preference.pairs.map(({ id, prompt, base, tuned }) => ({
    id,
    prompt,
    expected: "",
    base: base === null ? null : judged(base),
    tuned: judged(tuned),
  }));
}

export function analyse(data: ReportData): Analysis {
  const { primary, seed } = data.evaluation;
  const rows = judgedRows(data.evaluation);
  const paired = rows.flatMap((row) => (row.base ? [{ base: row.base, tuned: row.tuned }] : []));
  const pairs = { both: 0, onlyBase: 0, onlyTuned: 0, neither: 0 };
  for (const { base, tuned } of paired) {
    if (base.correct && tuned.correct) pairs.both += 1;
    else if (base.correct) pairs.onlyBase += 1;
    else if (tuned.correct) pairs.onlyTuned += 1;
    else pairs.neither += 1;
  }
  const difference =
    paired.length === 0
      ? null
      : pairedBootstrap(
          Float64Array.from(paired, ({ base, tuned }) => Number(tuned.correct) - Number(base.correct)),
          { seed },
        );
  const losses = paired.flatMap(({ base, tuned }) =>
    base.lossNats === null || tuned.lossNats === null ? [] : [base.lossNats - tuned.lossNats],
  );
  const lossDifference = losses.length === 0 ? null : { ...pairedBootstrap(losses, { seed }), rows: losses.length };
  const mcNemarP = paired.length === 0 ? null : mcNemarExact(pairs.onlyBase, pairs.onlyTuned);
  const smallestGain = 0.01;
  const judged = primary === "loss" ? lossDifference : difference;
  const agreed = primary === "loss" || (mcNemarP !== null && mcNemarP < 1 - confidence);
  const verdict: Verdict =
    judged === null
      ? "uncertain"
      : judged.low > 0 && agreed
        ? "better"
        : judged.high < smallestGain
          ? "not-better"
          : "uncertain";
  const labels = labelRows(rows);
  return {
    verdict,
    confidence,
    smallestGain,
    tuned: estimate(rows.filter((r) => r.tuned.correct).length, rows.length),
    base: paired.length === 0 ? null : estimate(pairs.both + pairs.onlyBase, paired.length),
    difference,
    lossDifference,
    pairs: paired.length === 0 ? null : pairs,
    mcNemarP,
    confusions: labels ? confusions(rows, labels) : [],
    matrix: labels ? matrix(rows, labels) : null,
    labelCount: labels?.size ?? 0,
  };
}

const normal = (text: string) => text.trim();

// Confusions make sense where the expected answers are labels, that is, few and repeated. Null otherwise.
function labelRows(rows: ReportRow[]): Map<string, number> | null {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(normal(row.expected), (counts.get(normal(row.expected)) ?? 0) + 1);
  if (rows.length < 4 || counts.size < 2 || counts.size > rows.length / 2) return null;
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
