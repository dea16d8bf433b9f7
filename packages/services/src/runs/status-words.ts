import { type Phrase, type RunStatus, say } from "@anneal/contracts";

/** A run's status inside a sentence. */
export const statusWords: Record<RunStatus, Phrase> = {
  queued: say`queued`,
  running: say`running`,
  pausing: say`pausing`,
  paused: say`paused`,
  cancelling: say`cancelling`,
  cancelled: say`cancelled`,
  failed: say`failed`,
  succeeded: say`succeeded`,
};
