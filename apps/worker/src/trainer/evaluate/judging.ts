import { isPreference, type RunSpec, type Verdict } from "@anneal/contracts";
import { judge, type RightOrWrong, type VerdictInput } from "@anneal/report";
import { isExactMatch } from "../prepare/held-out.ts";
import type { Prepared } from "../prepare/prepare.ts";
import { answerCap, countAnswers, isJudged } from "./asking.ts";
import type { Measured } from "./measure.ts";
import { pairsOf } from "./preference-pairs.ts";

type Needs = Pick<Prepared, "heldOut" | "heldOutExamples" | "questions" | "preferences" | "seen" | "labels">;
const fewestUnseen = 6; // rows; below that nothing can be told by them alone

/** The verdict over everything that was measured before and after training, on rows that were not trained where there are enough. */
export function verdictOf(
  spec: Pick<RunSpec, "objective" | "evaluation">,
  prepared: Needs,
  before: Measured,
  after: Measured,
  rows: number,
): Verdict {
  const all = Array.from({ length: rows }, (_, row) => row);
  const unseen = all.filter((row) => !prepared.seen.has(row));
  const judged = rows - unseen.length > 0 && unseen.length < fewestUnseen;
  const chosen = judged ? all : unseen;
  const cap = answerCap(spec.evaluation, prepared.questions);
  return judge({
    ...(isPreference(spec.objective.kind)
      ? { answers: null, preferences: preferencesOf(spec, prepared, before, after, rows, new Set(chosen)), losses: [] }
      : {
          answers: answersOf(prepared, before, after, cap, chosen),
          preferences: null,
          losses: lossesOf(before, after, chosen),
        }),
    counts: isPreference(spec.objective.kind) ? null : countAnswers(prepared.questions, after.answers, cap, rows),
    seen: unseen.length === rows ? null : { rows: rows - unseen.length, of: rows, judged },
  });
}

function answersOf(
  { questions, labels }: Needs,
  before: Measured,
  after: Measured,
  cap: number,
  rows: readonly number[],
): VerdictInput["answers"] {
  const both = rows.flatMap((row): RightOrWrong[] => {
    const question = questions[row];
    const [base, tuned] = [before.answers.get(row), after.answers.get(row)];
    if (!question || !isJudged(question, base, cap) || !isJudged(question, tuned, cap)) return [];
    const { expected } = question;
    return [{ base: isExactMatch(base.text, expected), tuned: isExactMatch(tuned.text, expected) }];
  });
  return both.length === 0 ? null : { kind: labels ? "labels" : "exactMatch", rows: both };
}

const lossesOf = (before: Measured, after: Measured, rows: readonly number[]): VerdictInput["losses"] =>
  rows.flatMap((row) => {
    const [base, tuned] = [before.losses.get(row), after.losses.get(row)];
    return base && tuned && tuned.tokens > 0
      ? [{ base: base.lossSum, tuned: tuned.lossSum, tokens: tuned.tokens }]
      : [];
  });

function preferencesOf(
  spec: Pick<RunSpec, "objective">,
  prepared: Needs,
  before: Measured,
  after: Measured,
  rows: number,
  chosen: ReadonlySet<number>,
): VerdictInput["preferences"] {
  const pairs = pairsOf(spec, prepared, before, after, rows).filter(({ row }) => chosen.has(row));
  return {
    rows: pairs.map(({ pair: { base, tuned } }) => ({ base: base === null ? null : base > 0, tuned: tuned > 0 })),
    margins: pairs.flatMap(({ pair: { base, tuned } }) => (base === null ? [] : [{ base, tuned }])),
  };
}
