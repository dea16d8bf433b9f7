// One line closes every runner of ours, so that a person, CI and the whole-test command read the same thing.
export type CaseStatus = "passed" | "failed" | "skipped";
export interface CaseResult {
  name: string;
  status: CaseStatus;
  detail: string;
  worst?: number; // worst error of the case, where there is one
}
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export const noCounts = (): Counts => ({ passed: 0, failed: 0, skipped: 0 });

export const addCounts = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

export const closingLine = (c: Counts): string => `${c.passed} passed, ${c.failed} failed, ${c.skipped} skipped`;

// The last closing line in a runner's output, or null where it printed none.
export function parseClosingLine(output: string): Counts | null {
  const matches = [...output.matchAll(/^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)];
  const last = matches.at(-1);
  if (!last) return null;
  return { passed: Number(last[1]), failed: Number(last[2]), skipped: Number(last[3] ?? 0) };
}

/** All closing lines of `ctest -V`, one per executable; a bad exit without a failed case is one failure more. */
export function sumOfTests({ code, output }: { code: number; output: string }): Counts {
  const counts = [...output.matchAll(/^\d+: (\d+ passed, \d+ failed.*)$/gm)]
    .map((m) => parseClosingLine(m[1] ?? "") ?? noCounts())
    .reduce(addCounts, noCounts());
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}
