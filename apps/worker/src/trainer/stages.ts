import { say, type TrainerEnd } from "@anneal/contracts";
import { openSession } from "@anneal/engine";
import { Eta } from "./context/eta.ts";
import { heartbeat, type Job, logLine, stage, tell } from "./context/job.ts";
import { evaluateAll } from "./evaluate/evaluate.ts";
import { exportAll } from "./export/export.ts";
import { StepData } from "./loop/step-data.ts";
import { train } from "./loop/train.ts";
import { prepare } from "./prepare/prepare.ts";
import { trainingSpec } from "./prepare/training-spec.ts";
import { benchmark } from "./report/benchmark.ts";

const loadSeconds = 300;

/** A run from prepare to benchmark. Every stage can be cut off anywhere; the next attempt goes on where the last one left. */
export async function runStages(job: Job): Promise<TrainerEnd> {
  const { start, journal, control } = job;
  heartbeat(job, "prepare", 0, loadSeconds);
  const resumed = await job.store.newest((message) => logLine(job, "warn", say`a checkpoint is set aside: ${message}`));
  tell(job, {
    type: "attempt",
    attempt: start.attempt,
    workerName: start.workerName,
    resumedFromStep: resumed?.step ?? null,
  });
  // Only publishing is left, and that is the worker's.
  if (journal.told.finishedStages.has("benchmark")) return "succeeded";

  const { prepared, session, eta, before, totalSteps } = await stage(job, "prepare", async () => {
    const prepared = await prepare(job);
    heartbeat(job, "prepare", 0, loadSeconds);
    // What reading and tokenising left behind would stay resident beside the session.
    globalThis.gc?.();
    const session = await openSession(trainingSpec(start));
    control.attach(session);
    const { totalSteps, note } = new StepData(start.spec, prepared);
    if (note) logLine(job, "warn", note);
    const { maxRows } = start.spec.evaluation;
    const asked = prepared.heldOutExamples;
    const eta = new Eta(asked, Math.min(asked, maxRows), 10, totalSteps);
    // What the run starts from answers before anything is trained: later it is no longer there. A session just opened is that model; fresh
    // adapters add nothing, so without others the base answers alone.
    const starts = prepared.startsDigest;
    const before = await evaluateAll(job, session, prepared, eta, {
      which: "before",
      stage: "prepare",
      step: 0,
      totalSteps,
      baseOnly: start.spec.method.kind === "lora" && starts === null,
      reference: null,
      about: `base ${prepared.baseDigest}${starts === null ? "" : ` ${starts}`}`,
      note: starts === null ? say`evaluating the base model` : say`evaluating the model that the run starts from`,
    });
    return { prepared, session, eta, before, totalSteps };
  });
  try {
    const { end, chosen } = await stage(job, "train", () =>
      train(job, session, prepared, resumed, before.measured, eta),
    );
    const after = await stage(job, "evaluate", () =>
      evaluateAll(job, session, prepared, eta, {
        which: "after",
        stage: "evaluate",
        step: chosen.step,
        totalSteps,
        baseOnly: false,
        reference: before.measured,
        about: `trained ${chosen.digest}`,
        note: say`evaluating the tuned model`,
      }),
    );
    await stage(job, "export", () => exportAll(job, session, prepared, after, chosen.step));
    await stage(job, "benchmark", () =>
      benchmark(job, session, prepared, { before: before.of(after.result.adapter), ...after, end, chosen }),
    );
    return "succeeded";
  } finally {
    control.detach();
    await session.close();
  }
}
