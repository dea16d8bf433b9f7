import { z } from "zod";
import { Bytes, DisplayName, Id } from "../ids.ts";
import { inWords } from "../phrase/phrase.ts";
import { strict } from "../strict.ts";
import { wellFormedText } from "../text.ts";
import { AdapterName } from "./adapter-ref.ts";
import { mostAdapters, SideAdapter } from "./adapters.ts";
import { BaseModelRef } from "./base-model.ts";
import { brokenRules } from "./spec-rules.ts";
import {
  BaseStorage,
  EarlyStopping,
  GradientCheckpointing,
  Guards,
  LoraMethod,
  Method,
  ObjectiveSpec,
  OptimizerSpec,
  Precision,
  ScheduleSpec,
  SourceWeights,
} from "./training.ts";

const positive = z.number().positive();
const fraction = z.number().min(0).max(1);

export const GgufType = z.enum(["F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0"]);
export type GgufType = z.infer<typeof GgufType>;

// Ollama's own rule for NAME[:TAG], without host and namespace.
export const OllamaName = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,79}(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,79})?$/,
    "must look like name or name:tag (letters, digits, . _ -)",
  );
export type OllamaName = z.infer<typeof OllamaName>;

/** An automatic cap of answers reaches at least and at most so far: short ones stay readable, long ones cost a bounded time. */
export const automaticAnswerTokens = { least: 32, most: 256 } as const;

/** The fields alone: a spec that was accepted once is read by them, whatever rules came later. */
export const RunSpecFields = strict({
  name: DisplayName.optional(),
  base: BaseModelRef,
  dataset: Id, // a dataset version
  method: Method.default(() => LoraMethod.parse({ kind: "lora" })),
  adapters: z.array(SideAdapter).max(mostAdapters).default([]), // side by side over one base; empty: the method's one
  objective: ObjectiveSpec.default(() => ObjectiveSpec.parse({})),
  precision: Precision.default("bf16"),
  baseStorage: BaseStorage.default("dense"),
  optimizer: OptimizerSpec.default(() => OptimizerSpec.parse({})),
  schedule: ScheduleSpec.default(() => ScheduleSpec.parse({})),
  learningRate: positive.max(1).default(1e-3),
  epochs: positive.max(1000).nullish(), // null: as many as maxSteps takes, or one
  maxSteps: z.int().min(1).max(10_000_000).nullable().default(null), // beside epochs: the shorter one counts
  batchRows: z.int().min(1).max(65_536).default(32), // rows of one optimizer step
  microBatchTokens: z.int().min(16).max(1_048_576).default(2048), // tokens computed at once; accumulation follows from it
  maxSequenceTokens: z.int().min(8).max(1_048_576).default(1024),
  packing: z.boolean().default(true),
  lengthGrouping: z.boolean().default(false), // rows of like length share a step
  // It was a switch in specs of earlier versions: on is "full".
  gradientCheckpointing: z
    .preprocess(
      (value: GradientCheckpointing | boolean) => (value === true ? "full" : value === false ? "off" : value),
      GradientCheckpointing,
    )
    .default("off"),
  clipNorm: z.number().min(0).max(1e6).default(1), // 0: off
  neftuneAlpha: z.number().min(0).max(1000).default(0), // noise on the embeddings; 0: off
  sourceWeights: SourceWeights.default({}), // loss weight of rows by their source; those not named: 1
  routerAuxWeight: z.number().min(0).max(10).default(0), // mixture-of-experts models: weight of the balancing loss
  earlyStopping: EarlyStopping.nullable().default(null),
  guards: Guards.prefault({}),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(42),
  threads: z.int().min(1).max(1024).nullable().default(null), // null: all cores
  memoryBudgetBytes: Bytes.nullable().default(null), // null: what the machine has free
  evaluation: strict({
    dataset: Id.nullable().default(null), // a held-out dataset version; null: split off `heldOutFraction`
    heldOutFraction: fraction.max(0.5).default(0.1),
    everySteps: z.int().min(1).nullable().default(null), // null: ten times a run
    maxRows: z.int().min(1).max(1_000_000).default(200), // for evaluations on the way; the final one takes all rows, up to finalMaxRows
    finalMaxRows: z.int().min(1).max(1_000_000).default(5000),
    // Cap of an answer; null: as long as the longest held-out one, up to automaticAnswerTokens.
    maxNewTokens: z.int().min(1).max(4096).nullable().default(null),
  }).prefault({}),
  checkpoints: strict({
    everySteps: z.int().min(1).nullable().default(null), // null: about every two minutes of training
    keepLast: z.int().min(1).max(100).default(2),
    keepBest: z.boolean().default(true),
    restoreBest: z.boolean().default(false), // end with the best checkpoint instead of the last
  }).prefault({}),
  samples: strict({
    everySteps: z.int().min(1).nullable().default(null), // null: at each evaluation
    prompts: z.array(wellFormedText().min(1).max(8000)).max(16).default([]), // empty: three held-out questions
    maxNewTokens: z.int().min(1).max(1024).default(48),
  }).prefault({}),
  export: strict({
    gguf: z.array(GgufType).default(["Q8_0"]),
    merged: z.boolean().default(false),
    adapter: AdapterName.nullable().default(null), // of several: which goes into GGUF and merged weights; null: the best
  }).prefault({}),
  publish: strict({
    name: OllamaName,
    gguf: GgufType.default("Q8_0"),
    system: wellFormedText().max(20_000).nullable().default(null),
    parameters: z
      .record(wellFormedText().max(64), z.union([z.number(), wellFormedText(), z.boolean(), z.array(wellFormedText())]))
      .default({}),
  })
    .nullable()
    .default(null),
});

const withEpochs = <T extends { epochs?: number | null | undefined; maxSteps: number | null }>(spec: T) => ({
  ...spec,
  epochs: spec.epochs ?? (spec.maxSteps === null ? 1 : null),
});
export const RunSpec = RunSpecFields.superRefine((spec, ctx) => {
  for (const { path, phrase } of brokenRules(spec))
    ctx.addIssue({ code: "custom", path: path.split("."), message: inWords(phrase), params: { phrase } });
}).transform(withEpochs);
export const ReadRunSpec = RunSpecFields.transform(withEpochs);
export type RunSpec = z.infer<typeof RunSpec>;
export type RunSpecInput = z.input<typeof RunSpec>;

export const PresetName = z.enum([
  "quick-look",
  "balanced",
  "thorough",
  "small-memory",
  "preference-tuning",
  "distillation",
  "full-fine-tune",
  "continued-pretraining",
]);
export type PresetName = z.infer<typeof PresetName>;
