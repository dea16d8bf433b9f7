import { isPreference, type RunSpec, say } from "@anneal/contracts";
import type { ReportInput } from "@anneal/report";
import { isJudged } from "../evaluate/asking.ts";
import type { Measured } from "../evaluate/measure.ts";
import { pairsOf } from "../evaluate/preference-pairs.ts";
import { totals } from "../evaluate/totals.ts";
import { isExactMatch, type Question } from "../prepare/held-out.ts";
import type { Prepared } from "../prepare/prepare.ts";

/** Held-out rows that were asked, with both models' answers. */
export function reportRows(
  prepared: Prepared,
  before: Measured,
  after: Measured,
  rows: number,
  cap: number,
): ReportInput["evaluation"]["rows"] {
  const answerOf = (measured: Measured, row: number, question: Question) => {
    const said = measured.answers.get(row);
    if (!said) return null;
    return {
      answer: said.text,
      correct: isExactMatch(said.text, question.expected),
      judged: isJudged(question, said, cap),
      cut: said.cut,
    };
  };
  const found: ReportInput["evaluation"]["rows"] = [];
  for (let row = 0; row < rows; row++) {
    const question = prepared.questions[row];
    const tuned = question && answerOf(after, row, question);
    if (!question || !tuned) continue;
    const { expected } = question;
    const prompt = question.prompt.findLast(({ role }) => role === "user")?.content ?? "";
    found.push({ id: String(question.row), prompt, expected, base: answerOf(before, row, question), tuned });
  }
  return found;
}

type Preference = NonNullable<ReportInput["evaluation"]["preference"]>;

/** The rule by which a preference counts as right. */
export const rankingRule = say`the better answer has the higher log-probability (per token, where the objective compares it so); of a marked answer, it became likelier when liked, less likely when not`;

/** What runs on preferences show instead of right answers; null for all others. */
export function reportPreference(
  spec: Pick<RunSpec, "objective" | "evaluation">,
  prepared: Prepared,
  before: Measured,
  after: Measured,
  rows: number,
): Preference | null {
  const { objective } = spec;
  if (!isPreference(objective.kind)) return null;
  const pairs = pairsOf(spec, prepared, before, after, rows).map(({ pair }) => pair);
  const { rewardMargin, rewardAccuracy } = totals(spec, prepared, after, before, rows);
  return { pairs, rewardMargin, rewardAccuracy };
}
