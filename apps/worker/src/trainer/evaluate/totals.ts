import { type EvaluationResult, isPreference, type RunSpec } from "@anneal/contracts";
import { isExactMatch } from "../prepare/held-out.ts";
import type { Prepared } from "../prepare/prepare.ts";
import { answerCap, countAnswers, isJudged } from "./asking.ts";
import type { Measured, RowLoss } from "./measure.ts";
import { type AnswerScore, preferenceFigures, type ScoredExample } from "./preference-figures.ts";

export interface Totals extends EvaluationResult {
  tokenAccuracy: number | null;
}
type Spec = Pick<RunSpec, "objective" | "evaluation">;
type Needs = Pick<Prepared, "heldOut" | "heldOutExamples" | "questions" | "seen">;

const nothing: Totals = {
  rows: 0,
  loss: null,
  exactMatch: null,
  exactMatches: null,
  answers: null,
  unseen: null,
  verdict: null,
  tokenAccuracy: null,
  rewardMargin: null,
  rewardAccuracy: null,
  adapter: null,
  adapters: [],
};

/** Totals over the first rows; what a preference is worth is seen against the reference, the model before training. */
export function totals(spec: Spec, prepared: Needs, measured: Measured, reference: Measured, rows: number): Totals {
  const count = Math.min(rows, prepared.heldOutExamples);
  if (!isPreference(spec.objective.kind)) return answerTotals(spec, prepared, measured, count);
  const examples = scoredExamples(prepared, measured, reference, count).map(({ example }) => example);
  const figures = preferenceFigures(spec.objective, examples);
  return { ...nothing, rows: count, ...figures };
}

/** Loss is the mean over all supervised tokens, as in training. */
function answerTotals(spec: Spec, prepared: Needs, measured: Measured, count: number): Totals {
  const cap = answerCap(spec.evaluation, prepared.questions);
  const all = Array.from({ length: count }, (_, row) => row);
  const unseen = all.filter((row) => !prepared.seen.has(row));
  const { tokenAccuracy, ...figures } = sums(prepared, measured, cap, all);
  const { tokenAccuracy: _, ...others } = sums(prepared, measured, cap, unseen);
  return {
    ...nothing,
    ...figures,
    tokenAccuracy,
    answers: countAnswers(prepared.questions, measured.answers, cap, count),
    unseen: unseen.length === count ? null : { ...others, seenRows: count - unseen.length },
  };
}

function sums(prepared: Needs, measured: Measured, cap: number, rows: readonly number[]) {
  let [lossSum, tokens, correct, judged, exactMatches] = [0, 0, 0, 0, 0];
  for (const row of rows) {
    const loss = measured.losses.get(row);
    if (loss) {
      lossSum += loss.lossSum;
      tokens += loss.tokens;
      correct += loss.correct;
    }
    const question = prepared.questions[row];
    const answer = measured.answers.get(row);
    if (!question || !isJudged(question, answer, cap)) continue;
    judged++;
    if (isExactMatch(answer.text, question.expected)) exactMatches++;
  }
  return {
    rows: rows.length,
    loss: tokens > 0 ? lossSum / tokens : null,
    exactMatch: judged > 0 ? exactMatches / judged : null,
    exactMatches: judged > 0 ? exactMatches : null,
    tokenAccuracy: tokens > 0 ? correct / tokens : null,
  };
}

/** The preferences among the first rows both of whose answers were scored, by both models. */
export function scoredExamples(
  { heldOut }: Pick<Prepared, "heldOut">,
  measured: Measured,
  reference: Measured,
  count: number,
): { row: number; example: ScoredExample }[] {
  const score = (sequence: number): AnswerScore | null => {
    const [mine, theirs] = [measured.losses.get(sequence), reference.losses.get(sequence)];
    const has = (loss: RowLoss | undefined): loss is RowLoss => loss !== undefined && loss.tokens > 0;
    return has(mine) && has(theirs) ? { policy: -mine.lossSum, reference: -theirs.lossSum, tokens: mine.tokens } : null;
  };
  return Array.from({ length: count }, (_, row) => row).flatMap((row) => {
    const [first, second] = [score(2 * row), score(2 * row + 1)];
    const desirable = heldOut?.mark(2 * row) === 1;
    return first && second ? [{ row, example: { first, second, desirable } }] : [];
  });
}

export const resultOf = ({ tokenAccuracy: _, ...result }: Totals): EvaluationResult => result;
