import { isPreference, type PlannedTime, type RunSpec } from "@anneal/contracts";
import type { MeasuredSpeed } from "./speed.ts";

export interface Work {
  steps: number;
  tokensPerStep: number;
  meanRowTokens: number;
  meanAnswerTokens: number; // trained tokens of a row
  maxNewTokens: number; // the longest answer that is asked for
  heldOutRows: number; // of the evaluations before and after training
  roundRows: number; // of each evaluation on the way
  rounds: number;
  models: number; // trained side by side; each is evaluated by itself
  writtenBytes: number; // exports and checkpoints
}

// Hashing and writing an export; a disk that is slower shows in the range.
const writtenBytesPerSecond = 200e6;
const reportSeconds = 5;
// What no measurement before the run can foresee: other work on the machine, rows of odd lengths.
const allowance = 0.25;

/** The forward pass's share of a step: LoRA has no products for the gradients of frozen weights. */
const forwardShare = (spec: RunSpec) => (spec.method.kind === "lora" ? 1 / 2 : 1 / 3);

/** Seconds of one held-out row: its loss, and where it is asked, its prompt and its answer token by token. */
function secondsPerRow(spec: RunSpec, work: Work, speed: MeasuredSpeed, stepSeconds: number, answerTokens: number) {
  const forward = (forwardShare(spec) * stepSeconds * work.meanRowTokens) / Math.max(1, work.tokensPerStep);
  // Preferences are compared by the losses of their two answers; only a few are asked, to be read.
  if (isPreference(spec.objective.kind)) return 2 * forward;
  return 2 * forward + answerTokens * (speed.secondsPerNewToken ?? forward);
}

/** How long a run takes by part: steps, answers and files, each from what was measured of it. */
export function planTime(spec: RunSpec, work: Work, speed: MeasuredSpeed): PlannedTime {
  // A model that has not learnt where an answer ends goes on to the limit.
  const learnt = Math.min(work.meanAnswerTokens, work.maxNewTokens);
  const at = (stepSeconds: number, untaught: number, taught: number) => {
    const before = work.heldOutRows * secondsPerRow(spec, work, speed, stepSeconds, untaught);
    const row = secondsPerRow(spec, work, speed, stepSeconds, taught);
    return {
      load: speed.loadSeconds,
      before,
      train: work.steps * stepSeconds,
      during: work.models * work.rounds * work.roundRows * row,
      after: work.models * work.heldOutRows * row,
      files: reportSeconds + work.writtenBytes / writtenBytesPerSecond,
    };
  };
  const total = (parts: PlannedTime["parts"]) => Object.values(parts).reduce((sum, part) => sum + part, 0);
  const parts = at(speed.secondsPerStep, work.maxNewTokens, learnt);
  const low = total(at(speed.fastestSecondsPerStep, learnt, learnt));
  const high = total(at(speed.slowestSecondsPerStep, work.maxNewTokens, work.maxNewTokens));
  return {
    parts,
    lowSeconds: low * (1 - allowance),
    highSeconds: high * (1 + allowance),
    source: speed.source,
    runName: speed.runName,
    measuredAt: speed.measuredAt,
    busy: speed.busy,
  };
}
