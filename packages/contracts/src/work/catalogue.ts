import { z } from "zod";
import { api } from "../api.ts";
import { ColumnMapping, DatasetCheck, DatasetFormat, LeaveOut, UploadInspection } from "../dataset.ts";
import { Problem } from "../errors.ts";
import { Bytes, Digest, Id } from "../ids.ts";
import type { WorkerRole } from "../jobs.ts";
import { RunPlan } from "../plan.ts";
import { BaseModelRef, BaseSource, ModelSummary } from "../spec/base-model.ts";
import { RunInputs } from "../spec/run-inputs.ts";
import { RunSpec } from "../spec/run-spec.ts";
import { TeacherFileInput } from "../spec/teacher-file.ts";
import { DoctorCheck } from "../system.ts";

// Work that a worker does for a caller who waits for the answer: everything that reads rows, a tokenizer or a model. The console
// asks over the database. Every kind computes and writes no row, so that it may be done again after a worker's death.

const SourceFile = z.object({
  path: z.string(),
  fileName: z.string(),
  format: DatasetFormat.optional(),
  mapping: ColumnMapping.nullish(),
  leaveOut: LeaveOut.optional(),
});

export const ImportedVersion = z.object({
  digest: Digest,
  rows: z.int(),
  bytes: Bytes, // of the Parquet file
  path: z.string(),
  badLineCount: z.int(),
  format: DatasetFormat,
  leftOut: z.array(z.string()), // fields that the rows fill and the version does not hold
});
export type ImportedVersion = z.infer<typeof ImportedVersion>;
/** A version as it lies in the store: its files by name. */
const StoredVersion = ImportedVersion.omit({ path: true }).extend({
  files: z.record(z.string(), z.object({ digest: Digest, bytes: Bytes })),
});

export const ResolvedBase = z.object({
  ref: BaseModelRef,
  source: BaseSource,
  name: z.string(),
  digest: z.string().nullable(),
});
export type ResolvedBase = z.infer<typeof ResolvedBase>;

/** A plan, and what its spec's names stood for when it was made. */
export const PlannedRun = z.object({
  plan: RunPlan,
  base: ResolvedBase,
  dataset: z.object({ id: Id, datasetId: Id }),
  evaluation: z.object({ id: Id }).nullable(),
  inputs: RunInputs.nullable(), // null: not asked for, as hashing a large model takes a while
});
export type PlannedRun = z.infer<typeof PlannedRun>;

interface WorkKindOptions {
  role: WorkerRole;
  /** How many of the kind one worker does at a time. */
  atOnce: number;
  /** An answer that takes longer is given up. */
  runSeconds: number;
  /** The answer holds for equal input: a repetition within `keepSeconds` gets it without work. */
  keepSeconds?: number;
  /** Shown among the jobs, with its progress. */
  listed?: boolean;
}
const kind = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O, options: WorkKindOptions) => ({
  input,
  output,
  keepSeconds: 0,
  listed: false,
  ...options,
});

const minute = 60;
const quick = { atOnce: 8, runSeconds: 10 * minute };

export const workCatalogue = {
  "dataset.inspect": kind(SourceFile, UploadInspection.omit({ uploadId: true }), { ...quick, role: "data" }),
  "dataset.import": kind(SourceFile.extend({ skipBadLines: z.boolean() }), StoredVersion, {
    role: "data",
    atOnce: 2,
    runSeconds: 24 * 60 * minute,
    keepSeconds: 10 * minute,
    listed: true,
  }),
  "dataset.rows": kind(api.datasets.rows.input, api.datasets.rows.output, { ...quick, role: "data" }),
  // These read a base model, which lies where runs are trained.
  "dataset.check": kind(api.datasets.check.input, DatasetCheck, { ...quick, runSeconds: 60 * minute, role: "train" }),
  "model.list": kind(z.object({}), z.array(ModelSummary), { ...quick, role: "train" }),
  "model.examine": kind(
    z.object({ ref: BaseModelRef, loadText: z.boolean() }),
    z.object({ summary: ModelSummary, refusal: Problem.nullable() }),
    { ...quick, role: "train" },
  ),
  "teacher.check": kind(TeacherFileInput, z.object({ teacherName: z.string() }), { ...quick, role: "train" }),
  "run.plan": kind(
    z.object({ spec: RunSpec, waitForSpeedMilliseconds: z.int().nonnegative(), pin: z.boolean() }),
    PlannedRun,
    {
      ...quick,
      runSeconds: 60 * minute,
      role: "train",
    },
  ),
  "machine.check": kind(z.object({}), z.array(DoctorCheck), { ...quick, runSeconds: minute, role: "train" }),
} as const;

export type WorkKind = keyof typeof workCatalogue;
export const workKinds = Object.keys(workCatalogue) as WorkKind[];
export type WorkInput<K extends WorkKind> = z.infer<(typeof workCatalogue)[K]["input"]>;
export type WorkOutput<K extends WorkKind> = z.infer<(typeof workCatalogue)[K]["output"]>;
