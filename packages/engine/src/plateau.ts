// "Reduce on plateau": the validation loss, not the step, decides when the learning rate falls. Same semantics as torch's
// ReduceLROnPlateau with a relative threshold. The state is plain data, so that a checkpoint can hold it.

export interface PlateauOptions {
  /** What the rate is multiplied by, between 0 and 1. */
  factor: number;
  /** Evaluations without improvement that are borne before the rate falls. */
  patience: number;
  /** Evaluations after a fall during which nothing is counted. */
  cooldown: number;
  /** A loss counts as better when it is below best x (1 - threshold). */
  threshold: number;
  /** The rate never falls below this share of its peak. */
  minRatio: number;
}

export interface PlateauState {
  best: number | null;
  bad: number;
  cooling: number;
  /** What the peak learning rate is multiplied by from here on. */
  factor: number;
}

export const startPlateau: PlateauState = { best: null, bad: 0, cooling: 0, factor: 1 };

/** The state after one more evaluation. */
export function plateauAfter(state: PlateauState, loss: number, o: PlateauOptions): PlateauState {
  const better = state.best === null || loss < state.best * (1 - o.threshold);
  const best = better ? loss : state.best;
  const cooling = Math.max(0, state.cooling - 1);
  const bad = better || state.cooling > 0 ? 0 : state.bad + 1;
  if (bad <= o.patience) return { ...state, best, bad, cooling };
  return { best, bad: 0, cooling: o.cooldown, factor: Math.max(o.minRatio, state.factor * o.factor) };
}
