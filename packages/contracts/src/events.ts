import { z } from "zod";
import { Problem } from "./errors.ts";
import { Digest, Id } from "./ids.ts";
import { MetricNameSchema } from "./metrics.ts";
import { Phrases } from "./phrase/phrase.ts";
import { ArtifactKind, EvaluationResult, Quantisation, RunProgress, RunStage, RunStatus, SampleAnswer } from "./run.ts";

// What a trainer says, in order. Every event has a number in its run (`seq`), given by the trainer's journal; a reader that
// remembers the last number it saw never misses nor doubles one.
export const RunEventBody = z.discriminatedUnion("type", [
  z.object({ type: z.literal("status"), status: RunStatus, problem: Problem.nullable() }),
  z.object({
    type: z.literal("stage"),
    stage: RunStage,
    state: z.enum(["started", "finished", "skipped", "failed"]),
    note: z.string().nullable(),
    phrases: Phrases.optional(), // of note
  }),
  z.object({ type: z.literal("progress"), progress: RunProgress }),
  z.object({
    type: z.literal("metrics"),
    step: z.int(),
    tokens: z.number(),
    values: z.partialRecord(MetricNameSchema, z.number()),
  }),
  z.object({
    type: z.literal("evaluation"),
    step: z.int(),
    which: z.enum(["before", "during", "after"]),
    result: EvaluationResult,
  }),
  z.object({
    type: z.literal("samples"),
    step: z.int(),
    samples: z.array(SampleAnswer.omit({ createdAt: true, step: true })),
  }),
  z.object({
    type: z.literal("checkpoint"),
    step: z.int(),
    digest: z.string(),
    bytes: z.int(),
    path: z.string(),
    evaluationLoss: z.number().nullable(),
    exactMatch: z.number().nullable(),
    isBest: z.boolean(),
    deleted: z.array(z.int()),
  }),
  z.object({
    type: z.literal("attempt"),
    attempt: z.int(),
    workerName: z.string(),
    resumedFromStep: z.int().nullable(),
  }),
  z.object({
    type: z.literal("artifact"),
    kind: ArtifactKind,
    name: z.string(),
    digest: z.string(),
    bytes: z.int(),
    path: z.string(),
    ggufType: z.string().nullable(),
    checkpointStep: z.int().nullable(), // null: made from the run's last state
    quantisation: Quantisation.nullish(),
  }),
  // A batch that would have spoiled the weights was left out; `rows` are those of the dataset.
  z.object({
    type: z.literal("guard"),
    step: z.int(), // the 0-based step whose batch it was
    cause: z.enum(["not_finite", "spike"]),
    action: z.enum(["skipped", "rolled_back"]),
    backToStep: z.int().nullable(), // rolled_back: whose weights training goes on with
    rows: z.array(z.int()),
    detail: z.string(),
    phrases: Phrases.optional(), // of detail
  }),
  // The last step is done; `digest` is the SHA-256 of the trained state (weights, optimizer, random numbers).
  z.object({ type: z.literal("trained"), step: z.int(), digest: Digest }),
  z.object({
    type: z.literal("deployment"),
    deploymentId: Id,
    phase: z.string(),
    fraction: z.number().nullable(),
    etaSeconds: z.number().nullable(),
    status: z.string(),
    problem: Problem.nullable(),
  }),
  z.object({
    type: z.literal("log"),
    level: z.enum(["debug", "info", "warn", "error"]),
    message: z.string(),
    phrases: Phrases.optional(), // of message
  }),
]);
export type RunEventBody = z.infer<typeof RunEventBody>;

export const RunEvent = z.object({ runId: Id, seq: z.int().nonnegative(), time: z.string(), body: RunEventBody });
export type RunEvent = z.infer<typeof RunEvent>;
