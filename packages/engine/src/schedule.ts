import { type ScheduleSpec, scheduleKinds } from "@anneal/contracts";

// Learning-rate schedules: pure functions of the 0-based step. Same semantics as transformers' get_*_schedule_with_warmup:
// the value is the one used *by* that step, so step 0 of a warm-up trains with 0.

export const SCHEDULE_KINDS = scheduleKinds;
export type ScheduleKind = ScheduleSpec["kind"];

export interface Schedule {
  kind: ScheduleKind;
  /** Peak learning rate. */
  learningRate: number;
  warmupSteps: number;
  /** Length of the whole run; `constant`, `inverse_sqrt` and `plateau` ignore it. */
  totalSteps: number;
  /** Where the decay ends, as a share of the peak; 0 when left out. `constant` and `inverse_sqrt` have no end. */
  minRatio?: number;
  /** `cosine_restarts`: how many falls; 1 when left out. */
  cycles?: number;
  /** `polynomial`: the exponent; 1 (a line) when left out. */
  power?: number;
  /** `wsd`: share of the run that the last, falling part takes; 0.1 when left out. */
  decayShare?: number;
  /** `plateau`: what the validation loss has made of the rate so far (see plateau.ts); 1 when left out. */
  plateauFactor?: number;
}

/** From 1 to 0 along half a cosine. */
const fall = (progress: number) => 0.5 * (1 + Math.cos(Math.PI * progress));

// Shares of the peak after the warm-up; `at` and `length` count steps from its end.
const shapes: Record<ScheduleKind, (s: Schedule, at: number, length: number) => number> = {
  constant: () => 1,
  linear: (_, at, length) => Math.max(0, 1 - at / length),
  cosine: (_, at, length) => Math.max(0, fall(at / length)),
  cosine_restarts: ({ cycles = 1 }, at, length) => (at >= length ? 0 : fall(((cycles * at) / length) % 1)),
  polynomial: ({ power = 1 }, at, length) => Math.max(0, 1 - at / length) ** power,
  // The timescale is the warm-up, or 10,000 steps without one.
  inverse_sqrt: ({ warmupSteps }, at) => {
    const scale = warmupSteps > 0 ? warmupSteps : 10_000;
    return Math.sqrt(scale / (at + scale));
  },
  wsd: ({ decayShare = 0.1, totalSteps }, at, length) => {
    const decay = Math.min(length, Math.max(1, Math.round(totalSteps * decayShare)));
    const into = at - (length - decay);
    return into <= 0 ? 1 : Math.max(0, fall(into / decay));
  },
  plateau: ({ plateauFactor = 1 }) => plateauFactor,
};
const endless = new Set<ScheduleKind>(["constant", "inverse_sqrt", "plateau"]);

function check(schedule: Schedule, step: number): void {
  const {
    kind,
    learningRate,
    warmupSteps,
    totalSteps,
    minRatio = 0,
    cycles = 1,
    power = 1,
    decayShare = 0.1,
  } = schedule;
  if (!Number.isInteger(step) || step < 0) throw new RangeError(`step must be a whole number from 0, got ${step}`);
  if (!(learningRate >= 0)) throw new RangeError(`learningRate must be at least 0, got ${learningRate}`);
  if (!Number.isInteger(warmupSteps) || warmupSteps < 0)
    throw new RangeError(`warmupSteps must be a whole number from 0, got ${warmupSteps}`);
  if (!endless.has(kind) && (!Number.isInteger(totalSteps) || totalSteps < 1))
    throw new RangeError(`totalSteps must be a whole number from 1, got ${totalSteps}`);
  if (!(minRatio >= 0 && minRatio <= 1)) throw new RangeError(`minRatio must be from 0 to 1, got ${minRatio}`);
  if (!Number.isInteger(cycles) || cycles < 1)
    throw new RangeError(`cycles must be a whole number from 1, got ${cycles}`);
  if (!(power > 0)) throw new RangeError(`power must be above 0, got ${power}`);
  if (!(decayShare > 0 && decayShare <= 1))
    throw new RangeError(`decayShare must be above 0 and at most 1, got ${decayShare}`);
}

/** Learning rate of a step. Throws RangeError where a field can never work. */
export function learningRateAt(schedule: Schedule, step: number): number {
  check(schedule, step);
  const { kind, learningRate, warmupSteps, totalSteps, minRatio = 0 } = schedule;
  if (step < warmupSteps) return learningRate * (step / Math.max(1, warmupSteps));
  const share = shapes[kind](schedule, step - warmupSteps, Math.max(1, totalSteps - warmupSteps));
  return learningRate * (endless.has(kind) ? share : minRatio + (1 - minRatio) * share);
}
