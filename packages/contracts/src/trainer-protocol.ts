import { z } from "zod";
import { RunEventBody } from "./events.ts";
import { Id } from "./ids.ts";
import { RunSpec } from "./run-spec.ts";

// Parent (worker) and child (trainer) speak this over Node's IPC channel. A child refuses a parent of another version.
export const trainerProtocolVersion = 1;

export const TrainerStart = z.object({
  type: z.literal("start"),
  version: z.literal(trainerProtocolVersion),
  runId: Id,
  epoch: z.int().positive(),
  spec: RunSpec,
  base: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("gguf"), path: z.string() }),
    z.object({ kind: z.literal("hf"), dir: z.string() }),
  ]),
  runDirectory: z.string(), // checkpoints, journal, exports
  trainShard: z.string(), // packed token shard of the training rows
  evaluationRows: z.string(), // JSONL: prompt tokens, answer tokens and the texts
  totalSteps: z.int().positive(),
  segmentSeconds: z.number().positive(), // save and hand back after this long: an attempt may not outlive a day
});
export type TrainerStart = z.infer<typeof TrainerStart>;

export const ToTrainer = z.discriminatedUnion("type", [
  TrainerStart,
  z.object({ type: z.literal("stop"), mode: z.enum(["cancel", "pause", "save"]) }),
  z.object({ type: z.literal("acknowledge"), seq: z.int() }), // stored by the parent; the child may forget up to here
]);
export type ToTrainer = z.infer<typeof ToTrainer>;

export const FromTrainer = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), version: z.literal(trainerProtocolVersion), pid: z.int() }),
  z.object({ type: z.literal("event"), seq: z.int().nonnegative(), time: z.string(), body: RunEventBody }),
  z.object({ type: z.literal("heartbeat"), step: z.int(), microBatch: z.int() }),
  z.object({
    type: z.literal("done"),
    outcome: z.enum(["finished", "paused", "cancelled", "segment"]),
    lastSeq: z.int(),
  }),
  z.object({
    type: z.literal("failed"),
    code: z.string(),
    message: z.string(),
    remedy: z.string().nullable(),
    lastSeq: z.int(),
  }),
]);
export type FromTrainer = z.infer<typeof FromTrainer>;
