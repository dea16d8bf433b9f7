import { z } from "zod";
import { type DatasetFormat, type RowKind, rowKindOf } from "../dataset.ts";
import { Id } from "../ids.ts";
import { strict } from "../strict.ts";
import { wellFormedText } from "../text.ts";
import { AdapterRef } from "./adapter-ref.ts";
import { BaseModelRef, LinearTarget } from "./base-model.ts";

// What is trained, towards what, and by which rule: the parts of a run's spec that the engine carries out.

const positive = z.number().positive();
const share = z.number().min(0).lt(1); // a decay rate: 1 would never forget

export const LoraMethod = strict({
  kind: z.literal("lora"),
  rank: z.int().min(1).max(1024).default(16),
  alpha: positive.max(65_536).default(32),
  dropout: z.number().min(0).lt(1).default(0),
  rsLora: z.boolean().default(false),
  dora: z.boolean().default(false), // direction by the adapter, length of each output by a trained vector
  loraPlusRatio: z.number().min(1).max(1024).default(1), // learning rate of B over that of A
  targets: z.array(LinearTarget).min(1, "choose at least one linear layer").max(64).default(["all-linear"]),
  startFrom: AdapterRef.nullable().default(null), // null: a fresh adapter
});
/** A part of a tensor's name; `*` stands for any text. */
const Pattern = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[A-Za-z0-9_.*-]+$/, "letters, digits, . _ - and * only");
export const FullMethod = strict({ kind: z.literal("full"), freeze: z.array(Pattern).max(64).default([]) });
export const Method = z.discriminatedUnion("kind", [LoraMethod, FullMethod]);
export type Method = z.infer<typeof Method>;

// bf16_sr: bf16 weights rounded at random, no float32 copy of them. f16: float32 masters and a loss scale that adapts.
export const Precision = z.enum(["f32", "bf16", "bf16_sr", "f16"]);
export type Precision = z.infer<typeof Precision>;

// How the frozen base lies in memory while an adapter is trained; "blocks": as its GGUF file holds it.
export const BaseStorage = z.enum(["dense", "int8", "nf4", "blocks"]);
export type BaseStorage = z.infer<typeof BaseStorage>;

// What the backward pass computes again instead of keeping it: nothing, the activations of feed-forward blocks, or whole layers.
export const GradientCheckpointing = z.enum(["off", "selective", "full"]);
export type GradientCheckpointing = z.infer<typeof GradientCheckpointing>;
/** The choices that take less memory than one, the quickest first. */
export const moreCheckpointing = (now: GradientCheckpointing): GradientCheckpointing[] =>
  GradientCheckpointing.options.slice(GradientCheckpointing.options.indexOf(now) + 1);

const weightDecay = z.number().min(0).max(1).default(0);
const adamFields = {
  beta1: share.default(0.9),
  beta2: share.default(0.999),
  epsilon: positive.default(1e-8),
  weightDecay,
};
export const OptimizerSpec = z.discriminatedUnion("kind", [
  strict({ kind: z.literal("adamw").optional().default("adamw"), ...adamFields }),
  strict({ kind: z.literal("adamw8bit"), ...adamFields }),
  strict({ kind: z.literal("lion"), beta1: share.default(0.9), beta2: share.default(0.99), weightDecay }),
  strict({
    kind: z.literal("adafactor"),
    decay: z.number().min(-1).lt(0).default(-0.8), // exponent of the step
    epsilon1: positive.default(1e-30),
    epsilon2: positive.default(1e-3),
    clipThreshold: positive.max(1e6).default(1),
    weightDecay,
  }),
  strict({ kind: z.literal("sgd"), momentum: share.default(0), nesterov: z.boolean().default(false), weightDecay }),
]);
export type OptimizerSpec = z.infer<typeof OptimizerSpec>;
export const optimizerKinds = [
  "adamw",
  "adamw8bit",
  "lion",
  "adafactor",
  "sgd",
] as const satisfies readonly OptimizerSpec["kind"][];

export const scheduleKinds = [
  "constant",
  "linear",
  "cosine",
  "cosine_restarts",
  "polynomial",
  "inverse_sqrt",
  "wsd",
  "plateau",
] as const;
export const ScheduleSpec = strict({
  kind: z.enum(scheduleKinds).default("cosine"),
  warmupSteps: z.int().min(0).max(1_000_000).default(20),
  minRatio: z.number().min(0).max(1).default(0), // where a decay ends, as a share of the learning rate
  cycles: z.int().min(1).max(1000).default(2), // cosine_restarts
  power: positive.max(100).default(2), // polynomial
  decayShare: z.number().positive().max(1).default(0.1), // wsd: the falling part of the run
  factor: z.number().positive().lt(1).default(0.5), // plateau: what the rate is multiplied by
  patience: z.int().min(0).max(1000).default(2), // plateau: evaluations without improvement that are borne
  cooldown: z.int().min(0).max(1000).default(0), // plateau: evaluations after a fall that do not count
  threshold: z.number().min(0).lt(1).default(1e-4), // plateau: the least improvement, as a share
});
export type ScheduleSpec = z.infer<typeof ScheduleSpec>;

const beta = (standard: number) => positive.max(100).default(standard);
const labelSmoothing = z.number().min(0).lt(0.5).default(0);
export const ObjectiveSpec = z.discriminatedUnion("kind", [
  strict({
    kind: z.literal("sft").optional().default("sft"),
    labelSmoothing: z.number().min(0).lt(1).default(0),
    zLoss: z.number().min(0).max(1).default(0),
  }),
  strict({ kind: z.literal("dpo"), beta: beta(0.1), labelSmoothing }),
  strict({ kind: z.literal("ipo"), beta: beta(0.1) }),
  strict({ kind: z.literal("orpo"), beta: beta(0.1) }),
  strict({ kind: z.literal("simpo"), beta: beta(2), gamma: z.number().min(0).max(100).default(1) }),
  strict({
    kind: z.literal("kto"),
    beta: beta(0.1),
    desirableWeight: z.number().min(0).max(1000).default(1),
    undesirableWeight: z.number().min(0).max(1000).default(1),
  }),
  strict({
    kind: z.literal("distill"),
    teacher: BaseModelRef.nullable().default(null), // in memory beside the student
    teacherFile: Id.nullable().default(null), // or its best log-probabilities, made before
    divergence: z.enum(["forward_kl", "reverse_kl", "jsd"]).default("forward_kl"),
    temperature: positive.max(100).default(1),
    jsdBeta: z.number().gt(0).lt(1).default(0.5),
    crossEntropyWeight: z.number().min(0).max(1).default(0.5),
  }),
]);
export type ObjectiveSpec = z.infer<typeof ObjectiveSpec>;
export const objectiveKinds = [
  "sft",
  "dpo",
  "ipo",
  "orpo",
  "simpo",
  "kto",
  "distill",
] as const satisfies readonly ObjectiveSpec["kind"][];

/** Objectives whose examples are two answers to one question. */
export const isPairwise = (kind: ObjectiveSpec["kind"]): boolean => ["dpo", "ipo", "orpo", "simpo"].includes(kind);
/** Objectives that learn from preferences instead of answers to imitate. */
export const isPreference = (kind: ObjectiveSpec["kind"]): boolean => isPairwise(kind) || kind === "kto";
/** Whether rows of a format are what an objective learns from; of pairs, the chosen answers may also be imitated. */
export function trainsFormat(kind: ObjectiveSpec["kind"], format: DatasetFormat): boolean {
  const has = rowKindOf(format);
  const wanted: RowKind = kind === "kto" ? "marked" : isPairwise(kind) ? "pairs" : "answers";
  return has === wanted || (has === "pairs" && !isPreference(kind));
}

/** How much the loss of a source's rows counts; 0 leaves them out. */
export const SourceWeights = z.record(wellFormedText().min(1).max(200), z.number().min(0).max(1000));
export type SourceWeights = z.infer<typeof SourceWeights>;

export const EarlyStopping = strict({
  patience: z.int().min(1).max(1000).default(3), // evaluations without improvement
  minDelta: z.number().min(0).max(100).default(0), // a fall of the held-out loss below this is none
});
export type EarlyStopping = z.infer<typeof EarlyStopping>;

// A batch whose loss is not finite, or jumps, is left out; the one after it as well: back to the last checkpoint, past both.
export const Guards = strict({
  nonFinite: z.boolean().default(true),
  spikeFactor: z.number().gt(1).max(1000).nullable().default(null), // loss above this many times its running mean; null: off
  maxRollbacks: z.int().min(0).max(100).default(2), // more fail the run
});
export type Guards = z.infer<typeof Guards>;
