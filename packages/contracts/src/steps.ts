// How rows become optimizer steps and held-out rows: the plan in the form and the trainer count alike.

/** The last step of an epoch takes the rows that are left; part of an epoch is rounded up to a whole step. */
export function countSteps(o: { rows: number; batchRows: number; epochs: number; maxSteps: number | null }): {
  stepsPerEpoch: number;
  totalSteps: number;
} {
  const stepsPerEpoch = Math.max(1, Math.ceil(o.rows / o.batchRows));
  // 0.1 epochs of 10 steps are 1 step, not 2: products of decimal fractions miss by a last bit.
  const wanted = Math.max(1, Math.ceil(o.epochs * stepsPerEpoch - 1e-9));
  return { stepsPerEpoch, totalSteps: Math.min(wanted, o.maxSteps ?? wanted) };
}

/** Rows set apart when no evaluation dataset is named; at least one of each kind where there are two. */
export function countHeldOut(rows: number, fraction: number): number {
  if (fraction <= 0 || rows < 2) return 0;
  return Math.min(rows - 1, Math.max(1, Math.round(rows * fraction)));
}
