import { Phrase, Verdict } from "@anneal/contracts";
import { z } from "zod";

const finite = z.number();
// A sentence in the reader's language where it is a phrase; any other text stays as it is.
const Text = z.union([z.string(), Phrase]);
const secondsList = z.array(finite.nonnegative());

export const ReportLanguage = z.enum(["en", "zh-CN"]);
export type ReportLanguage = z.infer<typeof ReportLanguage>;

// One answer of one model on one held-out row.
export const ReportAnswer = z.object({
  answer: z.string(),
  correct: z.boolean(), // by `evaluation.matchRule`
  judged: z.boolean().default(true), // false: it could not have been the expected answer, such as one beyond the cap
  cut: z.boolean().default(false), // it ended at the cap
});
export type ReportAnswer = z.infer<typeof ReportAnswer>;

export const ReportRow = z.object({
  id: z.string(),
  prompt: z.string(),
  expected: z.string(),
  base: ReportAnswer.nullable(), // null: the base model was not asked
  tuned: ReportAnswer,
});
export type ReportRow = z.infer<typeof ReportRow>;

// A held-out preference: how far the chosen answer's score lies above the rejected one's, by each model.
export const ReportPair = z.object({
  id: z.string(),
  prompt: z.string(),
  chosen: z.string().nullable(), // null: of a marked answer that nobody wants
  rejected: z.string().nullable(),
  base: finite.nullable(), // null: only the tuned model can be judged
  tuned: finite,
});
export type ReportPair = z.infer<typeof ReportPair>;

// One of several adapters trained side by side: its settings, and what it came to on the held-out rows.
export const ReportAdapter = z.object({
  name: z.string(),
  rank: z.int().positive(),
  alpha: finite,
  learningRate: finite,
  seed: z.int().nonnegative(),
  lossNats: finite.nullable(),
  exactMatch: finite.nullable(), // share of rows
  best: z.boolean(), // the lowest loss
  exported: z.boolean(), // the report's tuned model
});
export type ReportAdapter = z.infer<typeof ReportAdapter>;

export const ReportCurve = z.object({
  name: z.string(), // of the metric catalogue, such as train/loss
  unit: z.string(),
  points: z.array(z.tuple([finite, finite])), // step, value
});
export type ReportCurve = z.infer<typeof ReportCurve>;

export const ReportServing = z.object({
  model: z.string(), // as served, such as intents:latest
  server: z.string(), // such as Ollama 0.33.0
  concurrency: z.int().positive(),
  latencySeconds: secondsList, // whole answers, one per request
  firstTokenSeconds: secondsList,
  tokensPerSecond: z.array(finite.nonnegative()), // while generating, one per request
  answerTokens: z.int().nonnegative(), // of all requests
  decodeSeconds: finite.nonnegative().nullable().default(null), // of all requests, after their first tokens
  peakMemoryBytes: finite.nonnegative().nullable(), // null: not measured
  ggufType: z.string().nullable(),
  ggufBytes: finite.nonnegative().nullable(),
});
export type ReportServing = z.infer<typeof ReportServing>;

export const ReportSetting = z.object({ group: Text, name: Text, value: Text });
export const ReportProvenance = z.object({
  what: Text,
  name: z.string(),
  digest: z.string().nullable(),
  bytes: finite.nonnegative().nullable().default(null),
  note: Text.nullable().default(null), // what making it cost
});

// Everything the report shows. Texts of models and datasets are hostile; the report makes them harmless, not the caller.
export const ReportData = z.object({
  language: ReportLanguage.default("en"),
  generatedAt: z.string(), // ISO 8601
  annealVersion: z.string(),
  run: z.object({
    id: z.string(),
    name: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
    trainSeconds: finite.nonnegative().nullable(),
    steps: z.int().nonnegative().nullable(),
    trainedTokens: z.int().nonnegative().nullable(),
  }),
  base: z.object({
    name: z.string(),
    architecture: z.string().nullable(),
    parameters: finite.nonnegative().nullable(),
    license: z.string().nullable().default(null),
  }),
  dataset: z.object({
    name: z.string(),
    version: z.string(),
    trainRows: z.int().nonnegative(),
    heldOutRows: z.int().nonnegative(), // before any cap
    heldOutSource: Text, // how the held-out rows were set apart
  }),
  evaluation: z.object({
    verdict: Verdict.nullable(), // null: nothing was held out
    labels: z.boolean().default(false), // the answers are a classifier's
    matchRule: Text,
    decoding: Text, // such as "greedy, at most 32 tokens"
    rows: z.array(ReportRow),
    // Of runs on preferences: the verdict then goes by which answer scores higher.
    preference: z
      .object({ pairs: z.array(ReportPair), rewardMargin: finite.nullable(), rewardAccuracy: finite.nullable() })
      .nullable()
      .default(null),
    baseLossNats: finite.nullable(), // mean over all supervised tokens of the held-out rows
    tunedLossNats: finite.nullable(),
    seed: z.int().nonnegative().default(42), // of the lotteries
  }),
  adapters: z.array(ReportAdapter).default([]), // side by side; empty: one was trained
  curves: z.array(ReportCurve).default([]), // of an adapter: SERIES@NAME
  serving: z.array(ReportServing).default([]),
  training: z.object({
    tokensPerSecond: finite.nonnegative().nullable(),
    peakMemoryBytes: finite.nonnegative().nullable(),
    plannedMemoryBytes: finite.nonnegative().nullable(),
  }),
  settings: z.array(ReportSetting).default([]),
  provenance: z.array(ReportProvenance).default([]),
  machine: z.object({
    engineVersion: z.string(),
    isa: z.string(),
    threads: z.int().positive(),
    cpu: z.string().nullable(),
    os: z.string().nullable(),
  }),
  notes: z.array(Text).default([]), // further limits that the caller knows of
});
export type ReportData = z.infer<typeof ReportData>;
export type ReportInput = z.input<typeof ReportData>;
