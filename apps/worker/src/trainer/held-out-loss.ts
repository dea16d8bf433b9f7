import { isPreference, type MetricName } from "@anneal/contracts";
import type { Session } from "@anneal/engine";
import type { Cursor } from "../run-directory/checkpoints.ts";
import { courseAfter } from "./course.ts";
import type { Eta } from "./eta.ts";
import { type Job, tell } from "./job.ts";
import { type Measured, measure, nothingMeasured } from "./measure.ts";
import type { Prepared } from "./prepare.ts";
import { resultOf, totals } from "./totals.ts";

/** Held-out loss and answers on the way: told once, and what they make of the rest of the run. */
export async function evaluateDuring(
  job: Job,
  session: Session,
  prepared: Prepared,
  cursor: Cursor,
  before: Measured,
  eta: Eta,
): Promise<{ cursor: Cursor; isBest: boolean }> {
  if (!prepared.heldOut) return { cursor, isBest: false };
  const { spec } = job.start;
  const { step } = cursor;
  const rows = spec.evaluation.maxRows;
  const began = performance.now();
  const answers = !isPreference(spec.objective.kind);
  const options = { baseOnly: false, rows, answers, stage: "train" as const, step };
  const measured = await measure(job, session, prepared, nothingMeasured(), options);
  eta.evaluated(Math.min(rows, prepared.heldOutExamples), (performance.now() - began) / 1000);
  const total = totals(spec, prepared, measured, before, rows);
  const { loss, exactMatch, tokenAccuracy, rewardMargin, rewardAccuracy } = total;
  const { isBest, ...course } = courseAfter(cursor, { step, loss, exactMatch }, spec);
  if (step > job.journal.told.duringStep) {
    const values: Partial<Record<MetricName, number>> = {
      ...(loss === null ? {} : { "eval/loss": loss }),
      ...(loss === null || isPreference(spec.objective.kind) ? {} : { "eval/perplexity": Math.exp(loss) }),
      ...(exactMatch === null ? {} : { "eval/exact_match": exactMatch }),
      ...(tokenAccuracy === null ? {} : { "eval/token_accuracy": tokenAccuracy }),
      ...(rewardMargin === null ? {} : { "eval/reward_margin": rewardMargin }),
      ...(rewardAccuracy === null ? {} : { "eval/reward_accuracy": rewardAccuracy }),
    };
    tell(
      job,
      { type: "metrics", step, tokens: cursor.tokensSeen, values },
      { type: "evaluation", step, which: "during", result: resultOf(total) },
    );
  }
  return { cursor: { ...cursor, ...course }, isBest };
}
