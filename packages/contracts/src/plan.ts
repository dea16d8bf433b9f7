import { z } from "zod";
import { DatasetCheck } from "./dataset.ts";
import { Problem } from "./errors.ts";
import { Bytes, Id } from "./ids.ts";
import { Phrases } from "./phrase/phrase.ts";

export const MemoryPlan = z.object({
  weightBytes: Bytes,
  blockBytes: Bytes.default(0), // frozen matrices that stay quantised; plans of earlier versions count them as weights
  adapterBytes: Bytes,
  gradientBytes: Bytes,
  optimizerBytes: Bytes,
  activationBytes: Bytes,
  referenceBytes: Bytes.default(0), // a teacher, or what a fully trained policy is compared with
  logitsBytes: Bytes,
  packingBytes: Bytes,
  runtimeBytes: Bytes,
  totalBytes: Bytes,
});
export type MemoryPlan = z.infer<typeof MemoryPlan>;

// A setting that would fit, in words and as a change to the spec.
export const FitSuggestion = z.object({
  words: z.string(),
  phrases: Phrases.optional(), // of words
  change: z.record(z.string(), z.unknown()),
  totalBytes: Bytes,
  relativeSeconds: z.number().positive().nullable().default(null), // time of training over that of the spec as asked; null: not estimated
});
export type FitSuggestion = z.infer<typeof FitSuggestion>;

const Seconds = z.number().nonnegative();

// How long a run is expected to take, by part, and how sure that is.
export const PlannedTime = z.object({
  parts: z.object({
    load: Seconds,
    before: Seconds, // loss and answers of the model that training starts from
    train: Seconds,
    during: Seconds, // evaluations on the way
    after: Seconds,
    files: Seconds, // exports, report
  }),
  lowSeconds: Seconds,
  highSeconds: Seconds,
  source: z.enum(["run", "probe"]), // an earlier run of the kind, or a short measurement on the model
  runName: z.string().nullable(),
  measuredAt: z.iso.datetime(),
  busy: z.boolean(), // the machine had other work while it was measured
});
export type PlannedTime = z.infer<typeof PlannedTime>;

export const PlanWarning = z.object({
  field: z.string().nullable(),
  message: z.string(),
  remedy: z.string().nullable(),
  phrases: Phrases.optional(), // of message and remedy
});
export type PlanWarning = z.infer<typeof PlanWarning>;

/** The machine that a plan was made for. */
export const PlannedWorker = z.object({
  id: Id,
  name: z.string(),
  host: z.string(),
  threads: z.int(),
  memoryBytes: Bytes,
  devices: z.array(z.string()),
});
export type PlannedWorker = z.infer<typeof PlannedWorker>;

export const RunPlan = z.object({
  worker: PlannedWorker.nullable().default(null), // null: a plan of an earlier version
  memory: MemoryPlan,
  budgetBytes: Bytes,
  fits: z.boolean(),
  suggestions: z.array(FitSuggestion), // the three nearest settings that would fit; empty when it fits
  // The fastest setting inside the budget that leaves what is trained and on which rows as it is; null when that is what was asked for,
  // or nothing fits.
  fastest: FitSuggestion.nullable().default(null),
  steps: z.int(),
  stepsNote: z.string().nullable().default(null), // which of epochs and maxSteps ends training, where both are said
  phrases: Phrases.optional(), // of stepsNote
  tokensPerStep: z.number(),
  secondsPerStep: z.number().nullable(), // from a measured probe; null where none was taken
  totalSeconds: z.number().nullable(),
  time: PlannedTime.nullable().default(null), // plans of earlier versions have the total alone
  diskBytes: Bytes,
  diskFreeBytes: Bytes,
  data: DatasetCheck,
  problems: z.array(Problem),
  warnings: z.array(PlanWarning).default([]), // what refuses nothing, but somebody should look at before the run
});
export type RunPlan = z.infer<typeof RunPlan>;
