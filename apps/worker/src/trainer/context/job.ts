import {
  type FromTrainer,
  type RunProgress,
  type RunStage,
  type TrainerStart,
  told,
  type Words,
} from "@anneal/contracts";
import type { CheckpointStore } from "../../run-directory/checkpoints.ts";
import type { Journal } from "../../run-directory/journal.ts";
import type { Control } from "./control.ts";

/** What every stage gets: its orders, where it tells what happened, and what people ask meanwhile. */
export interface Job {
  start: TrainerStart;
  journal: Journal;
  store: CheckpointStore;
  control: Control;
  send(message: FromTrainer): void;
}

/** Journals events and says how far the journal reaches. */
export function tell(job: Job, ...bodies: Parameters<Journal["append"]>): void {
  job.send({ type: "journal", number: job.journal.append(...bodies) });
}

export function logLine(job: Job, level: "debug" | "info" | "warn" | "error", message: Words): void {
  const texts = told({ message });
  tell(job, { type: "log", level, ...texts, message: texts.message.slice(0, 4000) });
}

/** A sign of life; `expectedSeconds` until the next one. */
export function heartbeat(job: Job, stage: RunStage, step: number, expectedSeconds: number): void {
  job.send({ type: "heartbeat", stage, step, expectedSeconds });
}

const progressEveryMilliseconds = 1000;

/** Progress at most once a second, and always the last. */
export class ProgressTeller {
  private lastTold = 0;
  constructor(private readonly job: Job) {}

  tell(progress: RunProgress): void {
    const now = Date.now();
    if (now - this.lastTold < progressEveryMilliseconds && progress.fraction < 1) return;
    this.lastTold = now;
    tell(this.job, { type: "progress", progress });
  }
}

/** Runs a stage once: one that is told as finished is not told again. */
export async function stage<T>(job: Job, name: RunStage, work: () => Promise<T>, note?: Words): Promise<T> {
  const finished = job.journal.told.finishedStages.has(name);
  if (!finished) tell(job, { type: "stage", stage: name, state: "started", ...told({ note: note ?? null }) });
  const result = await work();
  if (!finished) tell(job, { type: "stage", stage: name, state: "finished", note: null });
  return result;
}
