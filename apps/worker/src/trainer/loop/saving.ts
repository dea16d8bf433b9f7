import { relative } from "node:path";
import type { Session } from "@anneal/engine";
import type { Checkpoint, Cursor } from "../../run-directory/checkpoints.ts";
import { heartbeat, type Job, tell } from "../context/job.ts";

/** Checkpoints of a training in progress: saved, told, and cleared away when newer ones make them needless. */
export class Saver {
  private lastSaveSeconds = 30;
  savedStep = -1;

  constructor(
    private readonly job: Job,
    private readonly session: Session,
  ) {}

  async save(cursor: Cursor): Promise<Checkpoint> {
    const { job } = this;
    heartbeat(job, "train", cursor.step, 2 * this.lastSaveSeconds);
    const began = performance.now();
    const checkpoint = await job.store.save(cursor, (path) => this.session.saveState(path));
    this.lastSaveSeconds = Math.max(5, (performance.now() - began) / 1000);
    this.tellSaved(checkpoint, true);
    return checkpoint;
  }

  /** Says that a checkpoint is there and which are gone; also after a resume, when the former attempt could not any more. */
  tellSaved(checkpoint: Checkpoint, prune: boolean): void {
    const { store, start, journal } = this.job;
    const { cursor, step } = checkpoint;
    const { keepLast, keepBest } = start.spec.checkpoints;
    this.savedStep = step;
    if (prune) store.prune(keepLast, [keepBest ? (cursor.best?.step ?? null) : null, cursor.guard.rollbackTo]);
    const { checkpoints } = journal.told;
    const deleted = [...checkpoints.keys()].filter((told) => told !== step && !store.has(told));
    const path = relative(start.runDirectory, checkpoint.path);
    if (checkpoints.get(step) === path && deleted.length === 0) return;
    const evaluation = cursor.lastEvaluation?.step === step ? cursor.lastEvaluation : null;
    tell(this.job, {
      type: "checkpoint",
      step,
      digest: checkpoint.digest,
      bytes: checkpoint.bytes,
      path,
      evaluationLoss: evaluation?.loss ?? null,
      exactMatch: evaluation?.exactMatch ?? null,
      isBest: cursor.best?.step === step,
      deleted,
    });
  }
}
