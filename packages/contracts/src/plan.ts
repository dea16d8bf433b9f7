import { z } from "zod";
import { DatasetCheck } from "./dataset.ts";
import { Problem } from "./errors.ts";
import { Bytes } from "./ids.ts";

export const MemoryPlan = z.object({
  weightBytes: Bytes,
  adapterBytes: Bytes,
  gradientBytes: Bytes,
  optimizerBytes: Bytes,
  activationBytes: Bytes,
  logitsBytes: Bytes,
  packingBytes: Bytes,
  runtimeBytes: Bytes,
  totalBytes: Bytes,
});
export type MemoryPlan = z.infer<typeof MemoryPlan>;

// A setting that would fit, in words and as a change to the spec.
export const FitSuggestion = z.object({
  words: z.string(),
  change: z.record(z.string(), z.unknown()),
  totalBytes: Bytes,
});
export type FitSuggestion = z.infer<typeof FitSuggestion>;

export const RunPlan = z.object({
  memory: MemoryPlan,
  budgetBytes: Bytes,
  fits: z.boolean(),
  suggestions: z.array(FitSuggestion), // the three nearest settings that would fit; empty when it fits
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
