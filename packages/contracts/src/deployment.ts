import { z } from "zod";
import { Problem } from "./errors.ts";
import { Bytes, Digest, Id } from "./ids.ts";

export const DeploymentStatus = z.enum([
  "pending",
  "publishing",
  "live",
  "failed",
  "unreachable",
  "superseded",
  "drifted",
  "rolled_back",
]);
export type DeploymentStatus = z.infer<typeof DeploymentStatus>;

const fields = {
  id: Id,
  name: z.string(),
  status: DeploymentStatus,
  phase: z.string().nullable(),
  fraction: z.number().nullable(),
  etaSeconds: z.number().nullable(),
};

/** How a publication stands, as every summary of its run tells it. */
export const Publication = z.object(fields);
export type Publication = z.infer<typeof Publication>;

export const DeploymentSummary = z.object({
  ...fields,
  runId: Id.nullable(),
  runName: z.string().nullable(),
  step: z.int().nullable(), // of the checkpoint it was made from; null: the run's final model
  gguf: z.string(),
  artifactId: Id.nullable(), // null until the file is exported
  file: z.object({ name: z.string(), digest: Digest, bytes: Bytes }).nullable(),
  ollamaDigest: z.string().nullable(),
  previousDigest: z.string().nullable(), // what the name stood for before; null where nothing can be rolled back to
  publishedBy: z.string().nullable(), // whoever asked for it
  problem: Problem.nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(), // live: since when it is served
});
export type DeploymentSummary = z.infer<typeof DeploymentSummary>;
