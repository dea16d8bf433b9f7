import type { Cursor } from "../../run-directory/checkpoints.ts";

/** Where a run stands before its first step. */
export const startCursor = (totalSteps: number): Cursor => ({
  step: 0,
  totalSteps,
  tokensSeen: 0,
  supervisedSeen: 0,
  rowsSeen: 0,
  lossEma: null,
  trainSeconds: 0,
  best: null,
  lastEvaluation: null,
  engineStep: null,
  plateau: { best: null, bad: 0, cooling: 0, factor: 1 },
  plateaus: {},
  stopping: { best: null, bad: 0, stopped: false },
  guard: { skippedInRow: 0, rollbacks: 0, rollbackTo: null },
});
