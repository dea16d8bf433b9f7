import { type AnswerCounts, inWords, type Verdict } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { seededRandom } from "./stats.ts";
import { judge, type RightOrWrong, type VerdictInput } from "./verdict.ts";

const nothing: VerdictInput = { answers: null, preferences: null, losses: [], counts: null, seen: null };
/** So many rows that only the base, only the tuned model, both and neither answered rightly. */
const rows = (lost: number, gained: number, both: number, neither: number): RightOrWrong[] => [
  ...Array.from({ length: lost }, () => ({ base: true, tuned: false })),
  ...Array.from({ length: gained }, () => ({ base: false, tuned: true })),
  ...Array.from({ length: both }, () => ({ base: true, tuned: true })),
  ...Array.from({ length: neither }, () => ({ base: false, tuned: false })),
];
const losses = (count: number, before: number, after: number, spread = 0.3) => {
  const random = seededRandom(5);
  return Array.from({ length: count }, () => {
    const tokens = 5 + Math.floor(random() * 20);
    return { base: tokens * (before + spread * random()), tuned: tokens * (after + spread * random()), tokens };
  });
};
const exact = (list: RightOrWrong[]): VerdictInput["answers"] => ({ kind: "exactMatch", rows: list });
const labels = (list: RightOrWrong[]): VerdictInput["answers"] => ({ kind: "labels", rows: list });
const pairs = (list: RightOrWrong[], gain: number): VerdictInput["preferences"] => {
  const random = seededRandom(3);
  return { rows: list, margins: list.map(() => ({ base: random() - 0.5, tuned: gain + random() - 0.5 })) };
};
const counts = (o: Partial<AnswerCounts>): AnswerCounts => ({
  cap: 32,
  asked: 60,
  judged: 60,
  cut: 0,
  tooLong: 0,
  unasked: 0,
  unaskedRows: [],
  thoughts: 0,
  ...o,
});

const cases: [
  name: string,
  input: Partial<VerdictInput>,
  outcome: Verdict["outcome"],
  headline: string,
  says: string[],
][] = [
  [
    "labels",
    { answers: labels(rows(2, 40, 10, 8)), losses: losses(60, 3, 0.5) },
    "better",
    "The tuned model is better, by label accuracy and loss",
    ["label accuracy: 12 of 60 before, 50 of 60 after; a difference of 63.3 percentage points", "loss: 3."],
  ],
  [
    "free text whose loss falls while nothing is answered word for word",
    { answers: exact(rows(0, 0, 0, 60)), losses: losses(60, 7.1, 1.5) },
    "better",
    "The tuned model is better, by loss",
    [
      "exact match: 0 of 60 before, 0 of 60 after; with 60 rows only a difference of about 10.0 percentage points or more would have shown",
    ],
  ],
  [
    "long answers that the cap cuts",
    { losses: losses(5, 4, 0.02, 0.1), counts: counts({ asked: 5, judged: 0, cut: 5, tooLong: 5 }) },
    "better",
    "The tuned model is better, by loss",
    [
      "5 of 5 answers were cut at 32 tokens",
      "expected answers longer than 32 tokens, which exact match does not judge: 5",
    ],
  ],
  [
    "thoughts",
    { answers: exact(rows(0, 30, 20, 10)), counts: counts({ thoughts: 55 }) },
    "better",
    "The tuned model is better, by exact match",
    ["of which what follows was compared: 55 of 60"],
  ],
  [
    "pairs",
    { preferences: pairs(rows(3, 30, 20, 7), 0.8) },
    "better",
    "The tuned model is better, by preference accuracy and preference margin",
    ["preference accuracy: 23 of 60 before, 50 of 60 after"],
  ],
  [
    "marked answers, against chance",
    { preferences: { rows: rows(0, 50, 0, 10).map(({ tuned }) => ({ base: null, tuned })), margins: [] } },
    "better",
    "The tuned model is better, by preference accuracy",
    ["50 of 60 answers moved the wanted way, where chance moves half"],
  ],
  [
    "loss only",
    { losses: losses(40, 3, 2.5) },
    "better",
    "The tuned model is better, by loss",
    ["in nats per token over all", "of 40 held-out rows (perplexity"],
  ],
  [
    "a loss that hardly moves on few rows",
    { losses: losses(6, 3, 3, 1) },
    "uncertain",
    "Not decided: these held-out rows do not show whether the tuned model is better",
    ["with these rows only a difference of about"],
  ],
  [
    "equal",
    { answers: exact(rows(0, 0, 900, 100)), losses: losses(1000, 1, 1, 0) },
    "equal",
    "No difference: the tuned model does as well as before training",
    ["percentage points can be ruled out", "it changed by less than 0.01"],
  ],
  [
    "worse",
    { answers: exact(rows(30, 1, 20, 9)), losses: losses(60, 1, 2) },
    "worse",
    "The tuned model is worse, by exact match and loss",
    ["a difference of −48.3 percentage points", "McNemar p < 0.0001"],
  ],
  [
    "more right answers at a higher loss",
    { answers: exact(rows(1, 30, 20, 9)), losses: losses(60, 1, 2) },
    "mixed",
    "Mixed: the tuned model is better by exact match, worse by loss",
    [],
  ],
  [
    "too few rows",
    { answers: exact(rows(0, 3, 0, 2)) },
    "uncertain",
    "Not decided: these held-out rows do not show whether the tuned model is better",
    ["too few rows to show any difference, it takes at least 6"],
  ],
  [
    "a single loss",
    { losses: losses(1, 3, 1) },
    "uncertain",
    "Not decided: these held-out rows do not show whether the tuned model is better",
    ["too few rows to judge by"],
  ],
  ["nothing", {}, "unmeasured", "Not measured: nothing was compared before and after training", []],
  [
    "questions never asked",
    { answers: exact(rows(0, 20, 20, 18)), counts: counts({ asked: 58, unasked: 2, unaskedRows: [3, 9] }) },
    "better",
    "The tuned model is better, by exact match",
    ["room for their answers: 2 (held-out rows 4, 10)", "not counted as wrong"],
  ],
  [
    "rows that are trained as well",
    { answers: exact(rows(0, 30, 20, 10)), seen: { rows: 40, of: 100, judged: false } },
    "better",
    "The tuned model is better, by exact match",
    ["held-out rows that are trained as well: 40 of 100; the verdict leaves them out"],
  ],
];

describe("the verdict", () => {
  it.each(cases)("on %s", (_name, input, outcome, headline, says) => {
    const verdict = judge({ ...nothing, ...input });
    expect(verdict.outcome).toBe(outcome);
    expect(inWords(verdict.headline)).toBe(headline);
    const text = [...verdict.reasons, ...verdict.limits].map((phrase) => inWords(phrase)).join("\n");
    for (const words of says) expect(text).toContain(words);
  });

  it("never rules a gain out that its rows could not have shown", () => {
    for (const n of [1, 5, 60, 200]) {
      const verdict = judge({ ...nothing, answers: exact(rows(0, 0, 0, n)) });
      expect(verdict.outcome).toBe("uncertain");
      expect(inWords(verdict.reasons[0] ?? "")).not.toContain("ruled out");
    }
  });

  it("writes a perplexity as a number that can be read", () => {
    const [reason] = judge({ ...nothing, losses: losses(20, 41, 1, 0) }).reasons;
    expect(inWords(reason ?? "")).toContain("(perplexity 6.4e17 and 2.718)");
  });
});
