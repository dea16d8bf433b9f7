import { z } from "zod";
import { RunEventBody } from "./events.ts";
import { Digest, Id } from "./ids.ts";
import { AttemptEnd } from "./job.ts";
import { Phrases } from "./phrase/phrase.ts";
import { RunControl } from "./run.ts";
import { BaseSource } from "./spec/base-model.ts";
import { GgufType, ReadRunSpec } from "./spec/run-spec.ts";
import { TeacherFacts } from "./spec/teacher-file.ts";

// Parent (worker) and child (trainer) speak this over Node's IPC channel. A child refuses a parent of another version.
// What happened travels through the journal file alone; the channel only says how far the journal reaches, so that a lost
// message or a broken parent loses nothing.
export const trainerProtocolVersion = 7;

export const TrainerDataset = z.object({
  path: z.string(),
  digest: z.string(),
  rows: z.int(),
  name: z.string().optional(), // as the report shows it
});
export type TrainerDataset = z.infer<typeof TrainerDataset>;

export const TrainerTeacherFile = z.object({
  path: z.string(),
  digest: Digest,
  name: z.string(),
  topK: z.int().positive(),
});
export type TrainerTeacherFile = z.infer<typeof TrainerTeacherFile>;

// "run": all stages from prepare to benchmark. "export": one checkpoint to GGUF files (publish this one). "teacher": the base's best
// log-probabilities of the dataset; `writer` is the model whose tokenizer and chat template write the rows.
export const TrainerTask = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("run") }),
  z.object({ kind: z.literal("export"), checkpointPath: z.string(), gguf: z.array(GgufType).min(1) }),
  z.object({ kind: z.literal("teacher"), path: z.string(), topK: z.int().positive(), writer: BaseSource }),
]);
export type TrainerTask = z.infer<typeof TrainerTask>;

export const TrainerStart = z.object({
  type: z.literal("start"),
  version: z.literal(trainerProtocolVersion),
  task: TrainerTask,
  runId: Id,
  attempt: z.int().positive(),
  workerName: z.string(),
  spec: ReadRunSpec,
  base: BaseSource,
  baseName: z.string(),
  baseDigest: z.string().nullable(),
  adapter: z.string().nullable().default(null), // the PEFT folder to go on from
  adapters: z.record(z.string(), z.string()).default({}), // the same of those side by side that have one, by name
  adapterDigest: z.string().nullable().default(null), // of all their files, as the plan found them
  teacher: BaseSource.nullable().default(null), // of a distillation
  teacherDigest: z.string().nullable().default(null),
  teacherFile: TrainerTeacherFile.nullable().default(null), // or of one whose teacher is not in memory
  modelName: z.string(), // general.name of what is exported
  dataset: TrainerDataset,
  evaluationDataset: TrainerDataset.nullable(),
  runDirectory: z.string(), // lock, checkpoints, journals, exports
  shardDirectory: z.string(), // packed token shards, shared by all runs
  // What the database holds already: the journal goes on after this number, steps up to this one are not told again.
  stored: z.object({ number: z.int().nonnegative(), step: z.int().nonnegative() }),
  // What was planned, for the time left until the run's own figures are there.
  planned: z.object({ secondsPerStep: z.number().positive(), totalSeconds: z.number() }).nullable().default(null),
  segmentSeconds: z.number().positive(), // save and hand back after this long: an attempt may not outlive a day
  fenced: z.boolean(), // false only in the negative control of the chaos test
});
export type TrainerStart = z.infer<typeof TrainerStart>;

export const ToTrainer = z.discriminatedUnion("type", [
  TrainerStart,
  z.object({ type: z.literal("control"), control: RunControl, number: z.int() }),
  z.object({ type: z.literal("yield") }), // the worker is leaving: save and exit, another attempt goes on
]);
export type ToTrainer = z.infer<typeof ToTrainer>;

/** The ends that a trainer tells by itself; the rest its parent sees. */
export const TrainerEnd = AttemptEnd.extract(["succeeded", "paused", "cancelled", "yielded"]);
export type TrainerEnd = z.infer<typeof TrainerEnd>;

export const FromTrainer = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), version: z.literal(trainerProtocolVersion), pid: z.int() }),
  z.object({ type: z.literal("journal"), number: z.int().nonnegative() }), // lines up to here are on the disk
  // `expectedSeconds`: how long until the next sign of life may take, from what the work has taken so far.
  z.object({ type: z.literal("heartbeat"), stage: z.string(), step: z.int(), expectedSeconds: z.number() }),
  z.object({ type: z.literal("controlled"), number: z.int() }), // that control was carried out
  // The answer to an export task.
  z.object({
    type: z.literal("exported"),
    files: z.array(z.object({ gguf: GgufType, path: z.string(), digest: z.string(), bytes: z.int() })),
  }),
  // The answer to a teacher task.
  z.object({
    type: z.literal("taught"),
    digest: Digest,
    bytes: z.int(),
    rows: z.int(),
    supervisedTokens: z.int(),
    facts: TeacherFacts,
  }),
  z.object({ type: z.literal("done"), end: TrainerEnd, number: z.int() }),
  z.object({
    type: z.literal("failed"),
    code: z.string(),
    message: z.string(),
    remedy: z.string().nullable(),
    phrases: Phrases.optional(), // of message and remedy
    // true: the same input will fail again, so trying anew is pointless
    permanent: z.boolean(),
    number: z.int(),
  }),
]);
export type FromTrainer = z.infer<typeof FromTrainer>;

// One line of the journal. `number` counts through the whole run, over all attempts; the first line of an attempt's journal
// is its header: it says after which number of the earlier journals this one goes on, and that later numbers there are void.
// Journals and checkpoints of 2026 call the attempt's number `epoch`.
export const withAttempt = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null || !("epoch" in value)) return value;
  const { epoch, ...rest } = value;
  return { attempt: epoch, ...rest };
};
export const JournalHeader = z.preprocess(
  withAttempt,
  z.object({ attempt: z.int().positive(), after: z.int().nonnegative(), startedAt: z.string() }),
);
export type JournalHeader = z.infer<typeof JournalHeader>;
export const JournalLine = z.object({
  number: z.int().positive(),
  time: z.string(),
  body: z.preprocess(withAttempt, RunEventBody),
});
export type JournalLine = z.infer<typeof JournalLine>;
