import { z } from "zod";
import { strict } from "./strict.ts";
import { wellFormedText } from "./text.ts";

// What every kind of job has: how it waits, how it is tried again, how an attempt at it ended, and what it has cost.

/** How many broken attempts in a row without progress end a job, and how long the first of them is waited after; then four times as long. */
export const JobRetry = strict({
  attempts: z.int().min(1).max(100),
  waitSeconds: z.number().min(0).max(86_400),
});
export type JobRetry = z.infer<typeof JobRetry>;

export const JobTag = wellFormedText()
  .trim()
  .min(1)
  .max(40)
  .regex(/^[^\s,]+$/, "has no spaces or commas");

export const JobOptions = strict({
  priority: z.int().min(-100).max(100).default(0), // the higher is served first; equal ones in the order they came
  tags: z.array(JobTag).max(16).default([]),
  waitingLimitSeconds: z.int().min(1).max(31_536_000).nullable().default(null), // queued for longer: it fails
  runningLimitSeconds: z.int().min(1).max(31_536_000).nullable().default(null), // in workers' hands for longer, over all attempts: it saves and fails
  retry: JobRetry.nullable().default(null), // null: as the worker is set up
});
export type JobOptions = z.infer<typeof JobOptions>;
/** Options of a job that nobody asked anything special of. */
export const plainJob: JobOptions = JobOptions.parse({});

/** How an attempt ended, in one set of words from the trainer to the database and the console. */
export const AttemptEnd = z.enum([
  "succeeded",
  "paused", // asked to; it saved
  "cancelled",
  "yielded", // the worker leaves, or the segment is over: it saved, and waits for the next attempt
  "diskFull", // paused until there is room
  "failed",
  "lost", // its worker is gone, or another attempt has taken the job over
]);
export type AttemptEnd = z.infer<typeof AttemptEnd>;

export const JobCost = z.object({
  seconds: z.record(z.string(), z.number()), // in workers' hands, by stage; over all attempts
  tokens: z.number(), // trained, or asked of a teacher
  peakMemoryBytes: z.number().nullable(), // of the process that did the work; null: not measured
});
export type JobCost = z.infer<typeof JobCost>;
export const noCost: JobCost = { seconds: {}, tokens: 0, peakMemoryBytes: null };
