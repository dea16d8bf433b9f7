import type { TrainerOutcome } from "@anneal/contracts";
import { openSession } from "@anneal/engine";
import { DataPlan } from "./batches.ts";
import { benchmark } from "./benchmark.ts";
import { Eta } from "./eta.ts";
import { evaluateAll } from "./evaluate.ts";
import { exportAll } from "./export.ts";
import { heartbeat, type Job, logLine, stage, tell } from "./job.ts";
import { prepare } from "./prepare.ts";
import { train } from "./train.ts";
import { trainingSpec } from "./training-spec.ts";

const loadSeconds = 300;

/** A run from prepare to benchmark. Every stage can be cut off anywhere; the next attempt goes on where the last one left. */
export async function runStages(job: Job): Promise<TrainerOutcome> {
  const { start, journal, control } = job;
  heartbeat(job, "prepare", 0, loadSeconds);
  const resumed = await job.store.newest((message) => logLine(job, "warn", `a checkpoint is set aside: ${message}`));
  tell(job, {
    type: "attempt",
    epoch: start.epoch,
    workerName: start.workerName,
    resumedFromStep: resumed?.step ?? null,
  });
  // Only publishing is left, and that is the worker's.
  if (journal.told.finishedStages.has("benchmark")) return "finished";

  const { prepared, session, eta, before, totalSteps } = await stage(job, "prepare", async () => {
    const prepared = await prepare(job);
    heartbeat(job, "prepare", 0, loadSeconds);
    const session = await openSession(trainingSpec(start));
    control.attach(session);
    const { totalSteps } = new DataPlan(prepared.trainRows, start.spec);
    const { maxRows } = start.spec.evaluation;
    const asked = prepared.heldOut?.rows ?? 0;
    const eta = new Eta(asked, Math.min(asked, maxRows), 10, totalSteps);
    // The base answers before anything is trained: after full training there is no base left to ask.
    const before = await evaluateAll(job, session, prepared, eta, {
      which: "before",
      stage: "prepare",
      step: 0,
      totalSteps,
      baseOnly: start.spec.method.kind === "lora",
      about: `base ${prepared.baseDigest}`,
      note: "asking the base model",
    });
    return { prepared, session, eta, before, totalSteps };
  });
  try {
    const last = await stage(job, "train", () => train(job, session, prepared, resumed, eta));
    const after = await stage(job, "evaluate", () =>
      evaluateAll(job, session, prepared, eta, {
        which: "after",
        stage: "evaluate",
        step: last.step,
        totalSteps,
        baseOnly: false,
        about: `trained ${last.digest}`,
        note: "asking the tuned model",
      }),
    );
    await stage(job, "export", () => exportAll(job, session, prepared.text, last.step));
    await stage(job, "benchmark", () => benchmark(job, session, prepared, { before, after, last }));
    return "finished";
  } finally {
    control.detach();
    await session.close();
  }
}
