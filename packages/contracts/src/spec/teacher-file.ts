import { z } from "zod";
import { Problem } from "../errors.ts";
import { Bytes, Digest, DisplayName, Id } from "../ids.ts";
import { strict } from "../strict.ts";
import { BaseModelRef } from "./base-model.ts";

// A teacher's file: its best next tokens and their log-probabilities at every trained token of a dataset version, so that a student
// can learn from it while the teacher itself is not in memory.

/** What a file was made of, as its own header says; it fits a run only where all of this is the run's too. */
export const TeacherFacts = z.object({
  model: z.string().min(1).max(1024), // the teacher's name
  modelDigest: Digest,
  dataset: z.string().min(1).max(100), // digest of the version's rows
  tokenizer: Digest, // of every token's text
  template: Digest, // of the chat template's source
  maxSequenceTokens: z.int().positive(),
  topK: z
    .int()
    .positive()
    .max(1 << 20),
  vocabularySize: z
    .int()
    .positive()
    .max(1 << 24),
});
export type TeacherFacts = z.infer<typeof TeacherFacts>;

export const TeacherFileStatus = z.enum(["pending", "making", "ready", "failed"]);
export type TeacherFileStatus = z.infer<typeof TeacherFileStatus>;

export const TeacherFileSummary = z.object({
  id: Id,
  name: z.string(),
  model: BaseModelRef,
  dataset: Id, // a dataset version
  topK: z.int(),
  maxSequenceTokens: z.int(),
  status: TeacherFileStatus,
  fraction: z.number().nullable(),
  rows: z.int().nullable(),
  supervisedTokens: z.int().nullable(),
  digest: Digest.nullable(), // of the file, once it is ready
  bytes: Bytes.nullable(),
  problem: Problem.nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});
export type TeacherFileSummary = z.infer<typeof TeacherFileSummary>;

export const TeacherFileInput = strict({
  name: DisplayName.optional(),
  model: BaseModelRef,
  base: BaseModelRef.nullable().default(null), // the student, whose tokenizer and chat template write the rows; null: the teacher's own
  dataset: Id, // a dataset version
  topK: z
    .int()
    .min(1)
    .max(1 << 20)
    .default(64), // at most the vocabulary
  maxSequenceTokens: z.int().min(8).max(1_048_576).default(1024),
  microBatchTokens: z.int().min(16).max(1_048_576).default(2048),
  precision: z.enum(["f32", "bf16"]).default("bf16"),
  threads: z.int().min(1).max(1024).nullable().default(null), // null: all cores
}).refine((input) => input.maxSequenceTokens <= input.microBatchTokens, {
  path: ["microBatchTokens"],
  message: "cannot hold a sequence of maxSequenceTokens; raise it or lower maxSequenceTokens",
});
export type TeacherFileInput = z.infer<typeof TeacherFileInput>;
