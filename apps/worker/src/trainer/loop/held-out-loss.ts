import { adapterMetric, isPreference, type MetricName, say } from "@anneal/contracts";
import type { Session } from "@anneal/engine";
import type { Cursor } from "../../run-directory/checkpoints.ts";
import type { Eta } from "../context/eta.ts";
import { type Job, logLine, tell } from "../context/job.ts";
import { type Measured, measure, nothingMeasured } from "../evaluate/measure.ts";
import { choose, type Measurement, measureEach } from "../evaluate/side-by-side.ts";
import { resultOf, type Totals, totals } from "../evaluate/totals.ts";
import type { Prepared } from "../prepare/prepare.ts";
import { courseAfter } from "./course.ts";

type Values = Partial<Record<MetricName, number>>;

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
  const measureOne = (adapter: string | null) =>
    measure(job, session, prepared, nothingMeasured(), {
      baseOnly: false,
      adapter,
      rows,
      answers,
      stage: "train",
      step,
    });
  const totalsOf = (measured: Measured) => totals(spec, prepared, measured, before, rows);
  const all = await measureEach(spec, measureOne, totalsOf);
  const total = all.length > 0 ? choose(all, spec.export.adapter).totals : totalsOf(await measureOne(null));
  eta.evaluated(Math.min(rows, prepared.heldOutExamples), (performance.now() - began) / 1000);
  const { loss, exactMatch, adapter, adapters } = total;
  const { isBest, ...course } = courseAfter(cursor, { step, loss, exactMatch, adapter }, spec, adapters);
  if (step > job.journal.told.duringStep) {
    if (adapter && adapter !== cursor.lastEvaluation?.adapter)
      logLine(
        job,
        "info",
        spec.export.adapter
          ? say`sample answers are those of the adapter ${adapter} from here: it is the one to export`
          : say`sample answers are those of the adapter ${adapter} from here: it has the lowest held-out loss`,
      );
    const values = { ...valuesOf(total, isPreference(spec.objective.kind)), ...valuesOfEach(all) };
    tell(
      job,
      { type: "metrics", step, tokens: cursor.tokensSeen, values },
      { type: "evaluation", step, which: "during", result: resultOf(total) },
    );
  }
  return { cursor: { ...cursor, ...course }, isBest };
}

function valuesOf(total: Totals, preference: boolean): Values {
  const { loss, exactMatch, tokenAccuracy, rewardMargin, rewardAccuracy } = total;
  return {
    ...(loss === null ? {} : { "eval/loss": loss }),
    ...(loss === null || preference ? {} : { "eval/perplexity": Math.exp(loss) }),
    ...(exactMatch === null ? {} : { "eval/exact_match": exactMatch }),
    ...(tokenAccuracy === null ? {} : { "eval/token_accuracy": tokenAccuracy }),
    ...(rewardMargin === null ? {} : { "eval/reward_margin": rewardMargin }),
    ...(rewardAccuracy === null ? {} : { "eval/reward_accuracy": rewardAccuracy }),
  };
}

function valuesOfEach(all: readonly Measurement[]): Values {
  const values: Values = {};
  for (const { name, totals: total } of all) {
    if (total.loss !== null) values[adapterMetric("eval/loss", name)] = total.loss;
    if (total.exactMatch !== null) values[adapterMetric("eval/exact_match", name)] = total.exactMatch;
    if (total.tokenAccuracy !== null) values[adapterMetric("eval/token_accuracy", name)] = total.tokenAccuracy;
  }
  return values;
}
