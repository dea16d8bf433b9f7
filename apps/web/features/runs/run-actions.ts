import { finalStatuses, type RunStatus } from "@anneal/contracts";

export type RunAction = "cancel" | "pause" | "resume" | "saveCheckpoint" | "remove";

// What a person can ask of a run in this state; the services refuse the rest (services/runs/control.ts).
export function actionsFor(status: RunStatus): readonly RunAction[] {
  switch (status) {
    case "queued":
      return ["pause", "cancel"];
    case "running":
      return ["pause", "saveCheckpoint", "cancel"];
    case "pausing":
      return ["cancel"];
    case "paused":
      return ["resume", "cancel", "remove"];
    case "cancelling":
      return [];
    case "cancelled":
    case "failed":
      return ["resume", "remove"];
    case "succeeded":
      return ["remove"];
  }
}

export const isFinal = (status: RunStatus) => finalStatuses.includes(status);
export const isMoving = (status: RunStatus) => ["running", "pausing", "cancelling"].includes(status);
