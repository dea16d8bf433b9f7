// Learning-rate schedules: pure functions of the 0-based step. Same semantics as transformers' get_*_schedule_with_warmup:
// the value is the one used *by* that step, so step 0 of a warm-up trains with 0.

export type ScheduleKind = "constant" | "linear" | "cosine";

export interface Schedule {
  kind: ScheduleKind;
  /** Peak learning rate. */
  learningRate: number;
  warmupSteps: number;
  /** Length of the whole run; `constant` ignores it. */
  totalSteps: number;
}

/** Learning rate of a step. Throws RangeError where a field can never work. */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { kind, learningRate, warmupSteps, totalSteps } = schedule;
  if (!Number.isInteger(step) || step < 0) throw new RangeError(`step must be a whole number from 0, got ${step}`);
  if (!(learningRate >= 0)) throw new RangeError(`learningRate must be at least 0, got ${learningRate}`);
  if (!Number.isInteger(warmupSteps) || warmupSteps < 0) {
    throw new RangeError(`warmupSteps must be a whole number from 0, got ${warmupSteps}`);
  }
  if (kind !== "constant" && (!Number.isInteger(totalSteps) || totalSteps < 1)) {
    throw new RangeError(`totalSteps must be a whole number from 1, got ${totalSteps}`);
  }
  if (step < warmupSteps) return learningRate * (step / Math.max(1, warmupSteps));
  if (kind === "constant") return learningRate;
  const left = Math.max(1, totalSteps - warmupSteps);
  if (kind === "linear") return learningRate * Math.max(0, (totalSteps - step) / left);
  const progress = (step - warmupSteps) / left;
  return learningRate * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
}
