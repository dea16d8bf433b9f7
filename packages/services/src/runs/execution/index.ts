export { type ClaimOptions, claimNextRun, claimRun, clearControl, renewLease } from "./claim.ts";
export { diskFullProblem, resumeWhereRoom } from "./disk-full.ts";
export type { Claim } from "./fence.ts";
export { findRun, runInputs } from "./inputs.ts";
export { longestRow } from "./longest-row.ts";
export { forgetOldWorkers, releaseDeadWorkers, requeueNextRun, requeueRuns, runsElsewhere } from "./requeue.ts";
export { type NewArtifact, type Settlement, settleRun, storeArtifact } from "./settle.ts";
export { tellStage } from "./stage.ts";
export { storeJournal } from "./store-journal.ts";
