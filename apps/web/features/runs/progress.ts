import type { RunProgress, RunStage, RunStatus } from "@anneal/contracts";

export const stages: readonly RunStage[] = ["prepare", "train", "evaluate", "export", "benchmark", "publish"];

// Share of the whole run by stage, as a person feels it: training is most of it.
const weights: Record<RunStage, number> = {
  prepare: 0.04,
  train: 0.8,
  evaluate: 0.08,
  export: 0.03,
  benchmark: 0.03,
  publish: 0.02,
};

// Share of the whole run that is done; null before it has begun.
export function wholeFraction(run: { status: RunStatus; progress: RunProgress | null }): number | null {
  if (run.status === "succeeded") return 1;
  if (!run.progress) return null;
  let before = 0;
  for (const stage of stages) {
    if (stage === run.progress.stage) return before + weights[stage] * run.progress.fraction;
    before += weights[stage];
  }
  return null;
}
