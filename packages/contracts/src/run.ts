import { z } from "zod";
import { DeploymentSummary, Publication } from "./deployment.ts";
import { Problem } from "./errors.ts";
import { Bytes, Digest, Id, Names } from "./ids.ts";
import { AttemptEnd } from "./job.ts";
import { Phrases } from "./phrase/phrase.ts";
import { RunPlan } from "./plan.ts";
import { RunInputs } from "./spec/run-inputs.ts";
import { ReadRunSpec } from "./spec/run-spec.ts";
import { Verdict } from "./verdict.ts";

export const RunStage = z.enum(["prepare", "train", "evaluate", "export", "benchmark", "publish"]);
export type RunStage = z.infer<typeof RunStage>;

export const RunStatus = z.enum([
  "queued",
  "running",
  "pausing",
  "paused",
  "cancelling",
  "cancelled",
  "failed",
  "succeeded",
]);
export type RunStatus = z.infer<typeof RunStatus>;
// What a person asked of a run that a worker holds; the worker clears it when done.
export const RunControl = z.enum(["cancel", "pause", "save"]);
export type RunControl = z.infer<typeof RunControl>;
export const finalStatuses: readonly RunStatus[] = ["cancelled", "failed", "succeeded"];

export const RunProgress = z.object({
  stage: RunStage,
  step: z.int(),
  totalSteps: z.int(),
  fraction: z.number().min(0).max(1), // of the stage
  etaSeconds: z.number().nullable(), // of the whole run
  note: z.string().nullable(),
  phrases: Phrases.optional(), // of note
});
export type RunProgress = z.infer<typeof RunProgress>;

export const RunSummary = z.object({
  id: Id,
  name: z.string(),
  status: RunStatus,
  progress: RunProgress.nullable(),
  base: z.string(),
  baseName: z.string().nullable(), // of `model:ID`: its name in the registry; null where it has left it
  datasetName: z.string(),
  datasetVersion: z.int(),
  methodKind: z.string(),
  precision: z.string(),
  lastLoss: z.number().nullable(),
  accuracyBefore: z.number().nullable(),
  accuracyAfter: z.number().nullable(),
  queuePosition: z.int().nullable(),
  workerName: z.string().nullable(),
  problem: Problem.nullable(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  // Time in workers' hands, without pauses and waiting: the ended attempts' sum, and since when the present one runs.
  workedSeconds: z.number(),
  workingSince: z.string().nullable(),
  publications: z.array(Publication), // newest first
  // It waits for a worker that trains, and none of its home is alive.
  noWorker: z.boolean(),
});
export type RunSummary = z.infer<typeof RunSummary>;

export const AttemptSummary = z.object({
  attempt: z.int(),
  workerName: z.string(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  outcome: z.enum(["running", ...AttemptEnd.options]),
  resumedFromStep: z.int().nullable(),
  problem: Problem.nullable(),
});
export type AttemptSummary = z.infer<typeof AttemptSummary>;

export const CheckpointSummary = z.object({
  id: Id,
  step: z.int(),
  digest: Digest,
  bytes: Bytes,
  evaluationLoss: z.number().nullable(),
  exactMatch: z.number().nullable(),
  isBest: z.boolean(),
  kept: z.boolean(),
  createdAt: z.string(),
});
export type CheckpointSummary = z.infer<typeof CheckpointSummary>;

export const SampleAnswer = z.object({
  step: z.int(),
  prompt: z.string(),
  expected: z.string().nullable(),
  answer: z.string(), // without its thought, and without what the chat template adds
  thought: z.string().nullable().default(null),
  cut: z.boolean().default(false), // it ended at the cap
  adapter: z.string().nullable().default(null), // of several side by side, the one that answered
  createdAt: z.string(),
});
export type SampleAnswer = z.infer<typeof SampleAnswer>;

/** What one of several adapters trained side by side makes of the held-out rows. */
export const AdapterResult = z.object({
  name: z.string(),
  loss: z.number().nullable(),
  exactMatch: z.number().nullable(),
  exactMatches: z.int().nullable(),
});
export type AdapterResult = z.infer<typeof AdapterResult>;

/** How the held-out questions were asked: what is behind the share of exact answers, and what is not. */
export const AnswerCounts = z.object({
  cap: z.int(), // tokens
  asked: z.int(),
  judged: z.int(), // by exact match: the share's denominator
  cut: z.int(), // answers that ended at the cap
  tooLong: z.int(), // expected answers beyond the cap: no model could give them, so they are not judged
  unasked: z.int(), // questions that leave no room for their answer in the context
  unaskedRows: z.array(z.int()).default([]), // the first of them, as rows of the held-out data
  thoughts: z.int(), // answers with a thought before them
});
export type AnswerCounts = z.infer<typeof AnswerCounts>;

/** Figures over the held-out rows that are not trained as well. */
export const UnseenResult = z.object({
  seenRows: z.int(), // left out: they, or their questions, are trained
  rows: z.int(),
  loss: z.number().nullable(),
  exactMatch: z.number().nullable(),
  exactMatches: z.int().nullable(),
});
export type UnseenResult = z.infer<typeof UnseenResult>;

export const EvaluationResult = z.object({
  rows: z.int(),
  loss: z.number().nullable(),
  exactMatch: z.number().nullable(), // share of the judged answers
  exactMatches: z.int().nullable(),
  answers: AnswerCounts.nullable().default(null), // null: nothing was asked, or the run is of an earlier version
  unseen: UnseenResult.nullable().default(null), // null: no held-out row is trained as well
  // Of runs on preferences: how much more the chosen answer is rewarded, and in which share of the rows it is.
  rewardMargin: z.number().nullable().default(null),
  rewardAccuracy: z.number().nullable().default(null),
  // Side by side: whose figures the above are (the best so far; at the end the exported one), and those of all.
  adapter: z.string().nullable().default(null),
  adapters: z.array(AdapterResult).default([]),
  verdict: Verdict.nullable().default(null), // of the last evaluation, over both models
});
export type EvaluationResult = z.infer<typeof EvaluationResult>;

export const ArtifactKind = z.enum(["adapter", "merged", "gguf", "report", "checkpoint"]);
export type ArtifactKind = z.infer<typeof ArtifactKind>;
/** What rounding an exported model to its file's types cost. */
export const Quantisation = z.object({
  relativeRmse: z.number().nonnegative(), // root mean square of the difference over that of the weights
  worst: z.object({ tensor: z.string(), type: z.string(), relativeRmse: z.number().nonnegative() }).nullable(),
  // On the first held-out rows, with the tuned weights as they were and with those of the file; null where there are no such rows.
  perplexity: z.object({ rows: z.int().positive(), tuned: z.number(), file: z.number() }).nullable(),
});
export type Quantisation = z.infer<typeof Quantisation>;

export const ArtifactSummary = z.object({
  id: Id,
  runId: Id.nullable(),
  kind: ArtifactKind,
  name: z.string(),
  ggufType: z.string().nullable(),
  step: z.int().nullable().default(null), // of the checkpoint it was made from; null: the run's final state
  digest: Digest,
  bytes: Bytes,
  file: z.string(), // its place in the run's folder
  quantisation: Quantisation.nullable(),
  createdAt: z.string(),
});
export type ArtifactSummary = z.infer<typeof ArtifactSummary>;

/** The last that was told of a stage. */
export const StageTold = z.object({ stage: RunStage, state: z.enum(["started", "finished", "skipped", "failed"]) });
export type StageTold = z.infer<typeof StageTold>;

export const RunDetail = RunSummary.extend({
  spec: ReadRunSpec,
  inputs: RunInputs.nullable(), // what the spec's names stood for when it was planned
  plan: RunPlan.nullable(),
  attempts: z.array(AttemptSummary),
  checkpoints: z.array(CheckpointSummary),
  artifacts: z.array(ArtifactSummary),
  deployments: z.array(DeploymentSummary),
  evaluationBefore: EvaluationResult.nullable(),
  evaluationAfter: EvaluationResult.nullable(),
  reportArtifactId: Id.nullable(),
  stages: z.array(StageTold),
  names: Names,
});
export type RunDetail = z.infer<typeof RunDetail>;

/** What `runs.create` answers; `replaces`: the cancelled or failed run that the idempotency key stood for until now. */
export const RunCreated = RunDetail.extend({
  replaces: z.object({ runId: Id, status: RunStatus }).nullable(),
});
export type RunCreated = z.infer<typeof RunCreated>;
