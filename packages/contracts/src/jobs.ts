import { z } from "zod";
import { Id } from "./ids.ts";

// The job catalogue: every queue and what its messages hold. Ids, never payloads.
export const jobCatalogue = {
  "run.advance": { payload: z.object({ runId: Id }), role: "train" },
  "deployment.publish": { payload: z.object({ deploymentId: Id }), role: "serve" },
  "system.reconcile": { payload: z.object({}), role: "serve" },
} as const;
export type JobName = keyof typeof jobCatalogue;
export const jobNames = Object.keys(jobCatalogue) as JobName[];
export type JobPayload<N extends JobName> = z.infer<(typeof jobCatalogue)[N]["payload"]>;
export const WorkerRole = z.enum(["train", "data", "serve"]);
export type WorkerRole = z.infer<typeof WorkerRole>;
