import { z } from "zod";
import { Problem } from "../errors.ts";
import { Id } from "../ids.ts";
import { WorkProgress, WorkStatus } from "./progress.ts";

/** Long work that somebody waits for, such as an import. Runs, publications and teacher files have lists of their own. */
export const DataJob = z.object({
  id: Id,
  kind: z.string(),
  title: z.string(),
  status: WorkStatus,
  progress: WorkProgress.nullable(),
  workerName: z.string().nullable(),
  askedBy: z.string(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  problem: Problem.nullable(),
});
export type DataJob = z.infer<typeof DataJob>;
