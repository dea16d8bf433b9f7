import { z } from "zod";

/** How far a piece of work is. */
export const WorkProgress = z.object({
  fraction: z.number().min(0).max(1),
  rows: z.int().nonnegative(), // read so far
});
export type WorkProgress = z.infer<typeof WorkProgress>;

export const WorkStatus = z.enum(["waiting", "running", "done", "failed", "cancelled"]);
export type WorkStatus = z.infer<typeof WorkStatus>;
