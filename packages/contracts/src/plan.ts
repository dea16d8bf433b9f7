import { z } from "zod";
import { DatasetCheck } from "./dataset.ts";
import { Problem } from "./errors.ts";
import { Bytes } from "./ids.ts";
import { Phrases } from "./phrase.ts";

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

export const RunPlan = z.object({
  memory: MemoryPlan,
  budgetBytes: Bytes,
  fits: z.boolean(),
  suggestions: z.array(FitSuggestion), // the three nearest settings that would fit; empty when it fits
  // The fastest setting inside the budget that leaves what is trained and on which rows as it is; null when that is what was asked for,
  // or nothing fits.
  fastest: FitSuggestion.nullable().default(null),
  steps: z.int(),
  tokensPerStep: z.number(),
  secondsPerStep: z.number().nullable(), // from a measured probe; null where none was taken
  totalSeconds: z.number().nullable(),
  diskBytes: Bytes,
  diskFreeBytes: Bytes,
  data: DatasetCheck,
  problems: z.array(Problem),
});
export type RunPlan = z.infer<typeof RunPlan>;
