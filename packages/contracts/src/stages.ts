import type { Publication } from "./deployment.ts";
import { finalStatuses, RunStage, type RunStatus, type StageTold } from "./run.ts";

export type StageState =
  | "waiting"
  | "current"
  | "paused"
  | "done"
  | "skipped"
  | "failed"
  | "stopped" // the run was cancelled in it
  | "notReached"; // the run ended before it

export interface StagedRun {
  status: RunStatus;
  progress: { stage: RunStage } | null;
  stages: readonly StageTold[];
  publications: readonly Pick<Publication, "status">[];
  spec: { publish: unknown };
}

/** What became of every stage of a run, in order; by what was told and never by the run's status alone. */
export function stageStates(run: StagedRun): { stage: RunStage; state: StageState }[] {
  const order = RunStage.options;
  const told = new Map(run.stages.map(({ stage, state }) => [stage, state]));
  const current = run.progress ? order.indexOf(run.progress.stage) : -1;
  const ended = finalStatuses.includes(run.status);
  return order.map((stage, i) => {
    // A publication can be asked for, fail and succeed long after the run has ended.
    if (stage === "publish") {
      const published = publicationState(run.publications);
      if (published) return { stage, state: published };
      if (run.spec.publish === null) return { stage, state: "skipped" };
    }
    const was = told.get(stage);
    if (was === "skipped") return { stage, state: "skipped" };
    if (run.status === "succeeded") return { stage, state: was === "failed" ? "failed" : "done" };
    if (i < current) return { stage, state: was === "failed" ? "failed" : "done" };
    if (i > current) return { stage, state: ended ? "notReached" : "waiting" };
    return { stage, state: stateOfCurrent(run.status, was) };
  });
}

function stateOfCurrent(status: RunStatus, was: StageTold["state"] | undefined): StageState {
  switch (status) {
    case "failed":
      return "failed";
    case "cancelled":
      return was === "finished" ? "done" : "stopped";
    case "paused":
      return "paused";
    case "queued":
      return "waiting";
    default:
      return "current";
  }
}

/** Under way before live, live before failed: what a person would say of all of them together. */
function publicationState(publications: StagedRun["publications"]): StageState | null {
  const has = (...statuses: Publication["status"][]) => publications.some(({ status }) => statuses.includes(status));
  if (has("pending", "publishing")) return "current";
  if (has("live", "drifted", "superseded", "rolled_back")) return "done";
  return has("failed", "unreachable") ? "failed" : null;
}
