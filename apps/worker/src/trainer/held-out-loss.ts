import type { MetricName } from "@anneal/contracts";
import type { Session } from "@anneal/engine";
import type { Cursor } from "../run-directory/checkpoints.ts";
import { courseAfter } from "./course.ts";
import type { Eta } from "./eta.ts";
import { type Job, tell } from "./job.ts";
import { measure, nothingMeasured, resultOf, totals } from "./measure.ts";
import type { Prepared } from "./prepare.ts";

/** Held-out loss and answers on the way: told once, and what they make of the rest of the run. */
export async function evaluateDuring(
  job: Job,
  session: Session,
  prepared: Prepared,
  cursor: Cursor,
  eta: Eta,
): Promise<{ cursor: Cursor; isBest: boolean }> {
  if (!prepared.heldOut) return { cursor, isBest: false };
  const { spec } = job.start;
  const { step } = cursor;
  const rows = spec.evaluation.maxRows;
  const began = performance.now();
  const options = { baseOnly: false, rows, stage: "train" as const, step };
  const measured = await measure(job, session, prepared, nothingMeasured(), options);
  eta.evaluated(Math.min(rows, prepared.heldOutExamples), (performance.now() - began) / 1000);
  const total = totals(prepared, measured, rows);
  const { loss, exactMatch, tokenAccuracy } = total;
  const { isBest, ...course } = courseAfter(cursor, { step, loss, exactMatch }, spec);
  if (step > job.journal.told.duringStep) {
    const values: Partial<Record<MetricName, number>> = {
      ...(loss === null ? {} : { "eval/loss": loss, "eval/perplexity": Math.exp(loss) }),
      ...(exactMatch === null ? {} : { "eval/exact_match": exactMatch }),
      ...(tokenAccuracy === null ? {} : { "eval/token_accuracy": tokenAccuracy }),
    };
    tell(
      job,
      { type: "metrics", step, tokens: cursor.tokensSeen, values },
      { type: "evaluation", step, which: "during", result: resultOf(total) },
    );
  }
  return { cursor: { ...cursor, ...course }, isBest };
}
