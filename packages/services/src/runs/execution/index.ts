export {
  type ClaimOptions,
  claimNextRun,
  claimRun,
  clearControl,
  renewLease,
  requeueNextRun,
  requeueRuns,
  runsElsewhere,
} from "./claim.ts";
export { diskFullProblem, resumeWhereRoom } from "./disk-full.ts";
export { findRun, runInputs } from "./inputs.ts";
export { type Claim, runKind } from "./kind.ts";
export { longestRow } from "./longest-row.ts";
export { keptCheckpoints, ranElsewhere, storedArtifacts, tellOtherStore, toldLines } from "./other-hosts.ts";
export { type Settlement, settleRun } from "./settle.ts";
export { tellStage } from "./stage.ts";
export { type KeptFiles, storeJournal } from "./store-journal.ts";
