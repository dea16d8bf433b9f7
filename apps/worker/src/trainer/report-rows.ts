import { isPairwise, isPreference, type RunSpec } from "@anneal/contracts";
import type { ReportInput } from "@anneal/report";
import { isExactMatch } from "./held-out.ts";
import type { Measured } from "./measure.ts";
import { rewardOf, type ScoredExample, scoreOf } from "./preference-figures.ts";
import type { Prepared } from "./prepare.ts";
import { scoredExamples, totals } from "./totals.ts";

/** Held-out rows that were asked, with both models' answers. */
export function reportRows(
  prepared: Prepared,
  before: Measured,
  after: Measured,
  rows: number,
): ReportInput["evaluation"]["rows"] {
  const answerOf = (measured: Measured, row: number, expected: string) => {
    const answer = measured.answers.get(row);
    const loss = measured.losses.get(row);
    if (answer === undefined) return null;
    return {
      answer,
      correct: isExactMatch(answer, expected),
      lossNats: loss && loss.tokens > 0 ? loss.lossSum / loss.tokens : null,
    };
  };
  const found: ReportInput["evaluation"]["rows"] = [];
  for (let row = 0; row < rows; row++) {
    const question = prepared.questions[row];
    const tuned = question && answerOf(after, row, question.expected);
    if (!question || !tuned) continue;
    const { expected } = question;
    const prompt = question.prompt.findLast(({ role }) => role === "user")?.content ?? "";
    found.push({ id: String(question.row), prompt, expected, base: answerOf(before, row, expected), tuned });
  }
  return found;
}

type Preference = NonNullable<ReportInput["evaluation"]["preference"]>;
type Pair = Preference["pairs"][number];

/** The rule by which a preference counts as right. */
export const rankingRule =
  "the better answer has the higher log-probability (per token, where the objective compares it so); of a marked answer, it became likelier when liked, less likely when not";

/** What runs on preferences show instead of right answers; null for all others. */
export function reportPreference(
  spec: Pick<RunSpec, "objective">,
  prepared: Prepared,
  before: Measured,
  after: Measured,
  rows: number,
): Preference | null {
  const { objective } = spec;
  if (!isPreference(objective.kind)) return null;
  const pairs = scoredExamples(prepared, after, before, rows).map(({ row, example }): Pair => {
    const texts = prepared.preferences[row] ?? { prompt: "", chosen: null, rejected: null };
    return { id: String(row), ...texts, ...gapsOf(objective, example) };
  });
  const { rewardMargin, rewardAccuracy } = totals(spec, prepared, after, before, rows);
  return { pairs, rewardMargin, rewardAccuracy };
}

function gapsOf(objective: RunSpec["objective"], { first, second, desirable }: ScoredExample) {
  if (!isPairwise(objective.kind)) return { base: null, tuned: (desirable ? 1 : -1) * rewardOf(objective, first) };
  const asBase = ({ reference, tokens }: typeof first) => ({ policy: reference, reference, tokens });
  return {
    base: scoreOf(objective, asBase(first)) - scoreOf(objective, asBase(second)),
    tuned: scoreOf(objective, first) - scoreOf(objective, second),
  };
}
