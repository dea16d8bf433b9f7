import { losses, type Study, type Trial } from "../study.ts";

export interface MedianOptions {
  startup?: number; // whole trials before any is pruned
  warmup?: number; // resource before which a trial is left alone
}

/** Whether the trial's best report so far is worse than the median of the others' best up to the same resource (D. Golovin et al., 2017). */
export function worseThanMedian(study: Study, trial: Trial, { startup = 5, warmup = 0 }: MedianOptions = {}): boolean {
  const resource = trial.reports.at(-1)?.resource;
  if (resource === undefined || resource < warmup) return false;
  const others = study.trials.filter((t) => t !== trial && t.state === "complete");
  if (others.length < startup) return false;
  const best = (t: Trial) =>
    t.reports
      .filter((r) => r.resource <= resource)
      .reduce(
        (least, r) => Math.min(least, losses(study, [{ ...t, value: r.value }])[0] as number),
        Number.POSITIVE_INFINITY,
      );
  const values = others
    .map(best)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  if (values.length < startup) return false;
  const middle = values.length >> 1;
  const median =
    values.length % 2 ? (values[middle] as number) : ((values[middle - 1] as number) + (values[middle] as number)) / 2;
  return best(trial) > median;
}
