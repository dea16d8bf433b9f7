import { isPairwise, type RunSpec } from "@anneal/contracts";
import type { ReportInput } from "@anneal/report";
import type { Prepared } from "../prepare/prepare.ts";
import type { Measured } from "./measure.ts";
import { rewardOf, type ScoredExample, scoreOf } from "./preference-figures.ts";
import { scoredExamples } from "./totals.ts";

type Pair = NonNullable<ReportInput["evaluation"]["preference"]>["pairs"][number];

/** How each held-out preference is scored before and after, by its row. */
export function pairsOf(
  { objective }: Pick<RunSpec, "objective">,
  prepared: Pick<Prepared, "heldOut" | "preferences">,
  before: Measured,
  after: Measured,
  rows: number,
): { row: number; pair: Pair }[] {
  return scoredExamples(prepared, after, before, rows).map(({ row, example }) => {
    const texts = prepared.preferences[row] ?? { prompt: "", chosen: null, rejected: null };
    return { row, pair: { id: String(row), ...texts, ...gapsOf(objective, example) } };
  });
}

function gapsOf(objective: RunSpec["objective"], { first, second, desirable }: ScoredExample) {
  if (!isPairwise(objective.kind)) return { base: null, tuned: (desirable ? 1 : -1) * rewardOf(objective, first) };
  const asBase = ({ reference, tokens }: typeof first) => ({ policy: reference, reference, tokens });
  return {
    base: scoreOf(objective, asBase(first)) - scoreOf(objective, asBase(second)),
    tuned: scoreOf(objective, first) - scoreOf(objective, second),
  };
}
