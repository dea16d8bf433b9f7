// Asynchronous successive halving (L. Li et al., "A System for Massively Parallel Hyperparameter Tuning", 2020).
import { losses, type Study, type Trial } from "../study.ts";

export interface AshaOptions {
  least: number; // resource (steps, tokens) of the first rung
  most: number; // resource of a whole trial
  reduction?: number; // one of so many goes on
}

/** Resources of the rungs, rising; the last is a whole trial. */
export function rungs({ least, most, reduction = 3 }: AshaOptions): number[] {
  if (!(least > 0 && most >= least)) throw new RangeError(`rungs need 0 < least <= most, got ${least} and ${most}`);
  if (!(reduction > 1)) throw new RangeError(`rungs need a reduction above 1, got ${reduction}`);
  const out: number[] = [];
  for (let r = least; r < most * (1 - 1e-9); r *= reduction) out.push(Math.round(r));
  return [...out.filter((r) => r < most), most];
}

/** The trial's loss at a rung: the first report at or beyond it. */
function lossAt(study: Study, trial: Trial, rung: number): number | null {
  const report = trial.reports.find((r) => r.resource >= rung);
  return report ? (losses(study, [{ ...trial, value: report.value }])[0] as number) : null;
}

/**
 * The paused trial that goes on next, and the rung it goes to: from the highest rung down, the best of the first 1/reduction that
 * has not gone on. Null: start a new trial. A trial that waits below its next rung is never thrown away, only passed over.
 */
export function promotion(study: Study, options: AshaOptions): { trial: Trial; from: number; to: number } | null {
  const { reduction = 3 } = options;
  const all = rungs(options);
  for (let i = all.length - 2; i >= 0; i--) {
    const from = all[i] as number;
    const to = all[i + 1] as number;
    const reached = study.trials
      .map((trial) => ({ trial, loss: lossAt(study, trial, from) }))
      .filter((t): t is { trial: Trial; loss: number } => t.loss !== null && !Number.isNaN(t.loss));
    reached.sort((a, b) => a.loss - b.loss);
    const top = reached.slice(0, Math.floor(reached.length / reduction));
    const next = top.find(({ trial }) => trial.state === "paused" && lossAt(study, trial, to) === null);
    if (next) return { trial: next.trial, from, to };
  }
  return null;
}
