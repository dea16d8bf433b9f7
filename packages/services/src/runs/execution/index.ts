export { type ClaimOptions, claimRun, clearControl, renewLease } from "./claim.ts";
export type { Claim } from "./fence.ts";
export { forgetOldWorkers, releaseDeadWorkers, requeueRuns } from "./requeue.ts";
export { type NewArtifact, type Settlement, settleRun, storeArtifact } from "./settle.ts";
export { storeJournal } from "./store-journal.ts";
