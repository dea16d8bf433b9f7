import type { PlannedWorker } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { WorkContext } from "../../context.ts";

const { workers } = schema;

/** The worker that plans, which is the one that the plan is for. */
export async function thisWorker({
  db,
  workerId,
}: Pick<WorkContext, "db" | "workerId">): Promise<PlannedWorker | null> {
  if (!workerId) return null;
  const { id, name, host, threads, memoryBytes, devices } = workers;
  const [row] = await db
    .select({ id, name, host, threads, memoryBytes, devices })
    .from(workers)
    .where(eq(workers.id, workerId));
  return row ?? null;
}
