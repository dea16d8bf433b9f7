import { type Phrase, say } from "./phrase/phrase.ts";

// How rows become optimizer steps and held-out rows: the plan in the form and the trainer count alike.

interface Length {
  epochs: number | null; // null: as many as maxSteps takes
  maxSteps: number | null;
}

/**
 * The last step of an epoch takes the rows that are left; part of an epoch is rounded up to a whole step. Where epochs and maxSteps are
 * both said the shorter one counts, and `note` names it.
 */
export function countSteps({ rows, batchRows, epochs, maxSteps }: { rows: number; batchRows: number } & Length): {
  stepsPerEpoch: number;
  totalSteps: number;
  note: Phrase | null;
} {
  const stepsPerEpoch = Math.max(1, Math.ceil(rows / batchRows));
  if (epochs === null) return { stepsPerEpoch, totalSteps: maxSteps ?? stepsPerEpoch, note: null };
  // 0.1 epochs of 10 steps are 1 step, not 2: products of decimal fractions miss by a last bit.
  const wanted = Math.max(1, Math.ceil(epochs * stepsPerEpoch - 1e-9));
  const totalSteps = Math.min(wanted, maxSteps ?? wanted);
  return { stepsPerEpoch, totalSteps, note: maxSteps === null ? null : whatEnds(totalSteps, wanted, epochs, maxSteps) };
}

function whatEnds(steps: number, wanted: number, epochs: number, maxSteps: number): Phrase | null {
  if (wanted < maxSteps)
    return epochs === 1
      ? say`${steps} [step|steps], not ${maxSteps}: one epoch has no more; raise epochs or leave it empty for all of them`
      : say`${steps} [step|steps], not ${maxSteps}: ${epochs} [epoch has|epochs have] no more; raise epochs or leave it empty for all of them`;
  return wanted > maxSteps
    ? say`${steps} [step|steps], not the ${wanted} of ${epochs} [epoch|epochs]: maxSteps ends training there`
    : null;
}

/** Steps of warm-up: longer than half the run, it would leave nothing of the learning rate that was asked for. */
export const warmupOf = ({ schedule }: { schedule: { warmupSteps: number } }, totalSteps: number): number =>
  Math.min(schedule.warmupSteps, Math.floor(totalSteps / 2));

/** Rows set apart when no evaluation dataset is named; at least one of each kind where there are two. */
export function countHeldOut(rows: number, fraction: number): number {
  if (fraction <= 0 || rows < 2) return 0;
  return Math.min(rows - 1, Math.max(1, Math.round(rows * fraction)));
}
