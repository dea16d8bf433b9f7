import type { RunStage } from "@anneal/contracts";
import type { Session } from "@anneal/engine";
import { AnswersFile } from "./answers-file.ts";
import type { Eta } from "./eta.ts";
import { type Job, ProgressTeller, tell } from "./job.ts";
import { type Measured, measure, nothingMeasured } from "./measure.ts";
import type { Prepared } from "./prepare.ts";
import { resultOf, totals } from "./totals.ts";

interface Which {
  which: "before" | "after";
  stage: RunStage;
  step: number;
  totalSteps: number;
  baseOnly: boolean;
  reference: Measured | null; // what the base made of the same rows; null: this is it
  about: string; // the state that answers: nothing measured of another one counts
  note: string;
}

/** Loss and answers on all held-out rows (up to finalMaxRows), kept as they come and told once. */
export async function evaluateAll(
  job: Job,
  session: Session,
  prepared: Prepared,
  eta: Eta,
  which: Which,
): Promise<Measured> {
  const { spec, runDirectory, epoch, checkEpoch } = job.start;
  if (!prepared.heldOut) return nothingMeasured();
  const rows = Math.min(spec.evaluation.finalMaxRows, prepared.heldOutExamples);
  const about = `${which.about} ${prepared.heldOutSource?.digest} ${spec.evaluation.maxNewTokens}`;
  const file = new AnswersFile(runDirectory, which.which, about, epoch, checkEpoch);
  const progress = new ProgressTeller(job);
  try {
    const known = await file.load(nothingMeasured());
    const began = performance.now();
    let fresh = 0;
    const measured = await measure(job, session, prepared, known, {
      baseOnly: which.baseOnly,
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
        progress.tell({
          stage: which.stage,
          step: which.step,
          totalSteps: which.totalSteps,
          fraction: total > 0 ? done / total : 1,
          etaSeconds: which.which === "after" && left !== null ? left + eta.whileEvaluating(0) : null,
          note: which.note,
        });
      },
    });
    if (fresh > 0) eta.evaluated(rows, (performance.now() - began) / 1000);
    if (!job.journal.told.evaluated.has(which.which)) {
      const result = resultOf(totals(job.start.spec, prepared, measured, which.reference ?? measured, rows));
      tell(job, { type: "evaluation", step: which.step, which: which.which, result });
    }
    return measured;
  } finally {
    file.close();
  }
}
