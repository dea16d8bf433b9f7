import { type EvaluationResult, type RunStage, say, told, type Words } from "@anneal/contracts";
import type { Session } from "@anneal/engine";
import type { Eta } from "../context/eta.ts";
import { type Job, ProgressTeller, tell } from "../context/job.ts";
import type { Prepared } from "../prepare/prepare.ts";
import { AnswersFile } from "./answers-file.ts";
import { answerCap } from "./asking.ts";
import { verdictOf } from "./judging.ts";
import { type Measured, measure, nothingMeasured } from "./measure.ts";
import { choose, measureEach } from "./side-by-side.ts";
import { resultOf, totals } from "./totals.ts";

interface Which {
  which: "before" | "after";
  stage: RunStage;
  step: number;
  totalSteps: number;
  baseOnly: boolean;
  reference: Measured | null; // what the model before training made of the same rows; null: this is it
  about: string; // the state that answers: nothing measured of another one counts
  note: Words;
}

/** What was measured of the model that goes on: of several adapters the exported one. */
export interface Evaluated {
  measured: Measured;
  result: EvaluationResult;
  /** What was measured of one of several side by side; of the model that goes on where it was not asked. */
  of(adapter: string | null): Measured;
}

/**
 * Loss and answers on all held-out rows (up to finalMaxRows), kept as they come and told once. After training every adapter side by
 * side is asked; the one that the spec names for its exports, or the one of the lowest loss, goes on.
 */
export async function evaluateAll(
  job: Job,
  session: Session,
  prepared: Prepared,
  eta: Eta,
  which: Which,
): Promise<Evaluated> {
  const { spec } = job.start;
  const rows = Math.min(spec.evaluation.finalMaxRows, prepared.heldOutExamples);
  const totalsOf = (measured: Measured) => totals(spec, prepared, measured, which.reference ?? measured, rows);
  const all = which.baseOnly
    ? []
    : await measureEach(spec, (name) => measureAll(job, session, prepared, eta, which, rows, name), totalsOf);
  const { found, totals: total } =
    all.length > 0
      ? choose(all, spec.export.adapter)
      : await measureAll(job, session, prepared, eta, which, rows, null).then((found) => ({
          found,
          totals: totalsOf(found),
        }));
  const { reference } = which;
  const verdict = reference && prepared.heldOut ? verdictOf(spec, prepared, reference, found, rows) : null;
  const result = { ...resultOf(total), verdict };
  if (prepared.heldOut && !job.journal.told.evaluated.has(which.which))
    tell(job, { type: "evaluation", step: which.step, which: which.which, result });
  return { measured: found, result, of: (adapter) => all.find(({ name }) => name === adapter)?.found ?? found };
}

async function measureAll(
  job: Job,
  session: Session,
  prepared: Prepared,
  eta: Eta,
  which: Which,
  rows: number,
  adapter: string | null,
): Promise<Measured> {
  const { spec, runDirectory, attempt, fenced } = job.start;
  if (!prepared.heldOut) return nothingMeasured();
  const about = [
    which.about,
    ...(adapter ? [adapter] : []),
    prepared.heldOutSource?.digest,
    `answers of ${answerCap(spec.evaluation, prepared.questions)} tokens, read`,
  ];
  const name = adapter ? `${which.which}-${adapter}` : which.which;
  const file = new AnswersFile(runDirectory, name, about.join(" "), attempt, fenced);
  const note = adapter ? say`${which.note} (${adapter})` : which.note;
  const progress = new ProgressTeller(job);
  try {
    const known = await file.load(nothingMeasured());
    const began = performance.now();
    let fresh = 0;
    const measured = await measure(job, session, prepared, known, {
      baseOnly: which.baseOnly,
      adapter,
      rows,
      answers: true,
      stage: which.stage,
      step: which.step,
      keep: (part) => {
        file.keep(part);
        fresh += (part.losses?.length ?? 0) + (part.answers?.length ?? 0);
      },
      onRows: (done, total) => {
        const seconds = (performance.now() - began) / 1000;
        const left = fresh > 0 ? ((total - done) * seconds) / fresh : null;
        if (left !== null) eta.evaluated(rows, (total * seconds) / fresh);
        const rest =
          which.which === "after" ? eta.whileEvaluating(0) : eta.beforeTraining(job.start.planned?.secondsPerStep);
        progress.tell({
          stage: which.stage,
          step: which.step,
          totalSteps: which.totalSteps,
          fraction: total > 0 ? done / total : 1,
          etaSeconds: left === null || rest === null ? null : left + rest,
          ...told({ note: say`${note}: ${done} of ${total}` }),
        });
      },
    });
    if (fresh > 0) eta.evaluated(rows, (performance.now() - began) / 1000);
    return measured;
  } finally {
    file.close();
  }
}
