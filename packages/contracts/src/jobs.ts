import { z } from "zod";
import { Id } from "./ids.ts";

// The job catalogue: every queue and what its messages hold. Ids, never payloads. The rows are the truth and a message only
// a nudge: whoever takes one claims the row, so a message lost, late or doubled does no harm.
const nudge = {
  policy: "short", // one waiting message per key
  notify: true, // workers wake at once; polling is the back-up
  retryLimit: 0, // reconcile sends a message again where one is owed
  retentionSeconds: 14 * 86_400,
  deleteAfterSeconds: 3600,
  heartbeatSeconds: 60,
} as const;
const day = 86_400;

export const jobCatalogue = {
  "run.advance": { payload: z.object({ runId: Id }), role: "train", queue: { ...nudge, expireInSeconds: day } },
  "deployment.publish": {
    payload: z.object({ deploymentId: Id }),
    role: "serve",
    queue: { ...nudge, expireInSeconds: day },
  },
  "teacher.make": {
    payload: z.object({ teacherFileId: Id }),
    role: "train",
    queue: { ...nudge, expireInSeconds: day },
  },
  "system.reconcile": { payload: z.object({}), role: "serve", queue: { ...nudge, expireInSeconds: 900 } },
} as const;
export type JobName = keyof typeof jobCatalogue;
export const jobNames = Object.keys(jobCatalogue) as JobName[];
export type JobPayload<N extends JobName> = z.infer<(typeof jobCatalogue)[N]["payload"]>;
export const WorkerRole = z.enum(["train", "data", "serve"]);
export type WorkerRole = z.infer<typeof WorkerRole>;

/** One message at most waits per key: what the job is about, or the job itself where there is only one of it. */
export function keyOfJob(name: JobName, payload: object): string {
  const [key] = Object.values(payload);
  return typeof key === "string" ? key : name;
}
