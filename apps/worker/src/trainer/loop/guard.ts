import { type RunSpec, ServiceError, say, told, type Words } from "@anneal/contracts";
import { EngineError, type Session } from "@anneal/engine";
import { type Cursor, statePath } from "../../run-directory/checkpoints.ts";
import { type Job, tell } from "../context/job.ts";

const settlingSteps = 10; // before that a running mean says little
const rowsTold = 1000;

/** The loss above which a batch is taken for poisoned; undefined where nothing is watched, or too little is known yet. */
export function lossLimit(cursor: Pick<Cursor, "step" | "lossEma">, { guards }: Pick<RunSpec, "guards">) {
  if (guards.spikeFactor === null || cursor.lossEma === null || cursor.step < settlingSteps) return undefined;
  return guards.spikeFactor * Math.max(cursor.lossEma, 1e-3);
}

/** Why the engine refused to update, or null when it is not for the guard to mend. */
export function poisonOf(error: unknown, { guards }: Pick<RunSpec, "guards">): "not_finite" | "spike" | null {
  if (!(error instanceof EngineError)) return null;
  switch (error.reason) {
    case "loss_above_limit":
      return "spike";
    case "step_not_finite":
      return guards.nonFinite ? "not_finite" : null;
    default:
      return null;
  }
}

export interface Poisoned {
  cause: "not_finite" | "spike";
  detail: Words;
  rows: number[]; // of the dataset
}

/**
 * A batch that would spoil the weights is left out; nothing was updated. When the very next one would as well, the weights
 * are the likelier cause: they go back to the last checkpoint, and training goes on past both batches with them. All of it
 * depends on the cursor and on checkpoints that every attempt makes, so an attempt that repeats it ends alike.
 */
export async function leaveOut(job: Job, session: Session, cursor: Cursor, poisoned: Poisoned): Promise<Cursor> {
  const { guards } = job.start.spec;
  const { step, guard } = cursor;
  const record = (action: "skipped" | "rolled_back", backToStep: number | null) => {
    if (step <= job.journal.told.guardStep) return;
    const { cause, detail, rows } = poisoned;
    tell(job, { type: "guard", step, cause, action, backToStep, rows: rows.slice(0, rowsTold), ...told({ detail }) });
  };
  if (guard.skippedInRow === 0) {
    record("skipped", null);
    return { ...cursor, step: step + 1, engineStep: cursor.engineStep ?? step, guard: { ...guard, skippedInRow: 1 } };
  }
  const back = guard.rollbackTo === null ? null : await job.store.ofStep(guard.rollbackTo);
  if (!back || guard.rollbacks >= guards.maxRollbacks)
    throw new ServiceError(
      "PRECONDITION_FAILED",
      back
        ? say`two batches in a row had to be skipped at step ${step}, and the run has gone back ${guard.rollbacks} [time|times] already: ${poisoned.detail}`
        : say`two batches in a row had to be skipped at step ${step}, and there is no checkpoint to go back to: ${poisoned.detail}`,
      {
        field: "learningRate",
        remedy: say`lower the learning rate, switch clipping on, or look at the rows named in the run's events`,
      },
    );
  const { step: engineStep } = await session.loadState(statePath(back));
  record("rolled_back", back.step);
  return {
    ...cursor,
    step: step + 1,
    engineStep,
    lossEma: back.cursor.lossEma,
    guard: { skippedInRow: 0, rollbacks: guard.rollbacks + 1, rollbackTo: step + 1 },
  };
}
