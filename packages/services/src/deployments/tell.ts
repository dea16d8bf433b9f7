import { schema, type Transaction } from "@anneal/db";
import { asc, inArray } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { appendEvents } from "../runs/append-events.ts";

const { deployments, runs } = schema;
type Row = typeof deployments.$inferSelect;

/** Tells the watchers of every run concerned how its publication stands now; runs in one order, so that no two wait for each other. */
export async function tellDeployments(
  tx: Transaction,
  ctx: Pick<ServiceContext, "now">,
  rows: readonly Row[],
): Promise<void> {
  const ids = rows.flatMap(({ runId }) => (runId ? [runId] : []));
  if (ids.length === 0) return;
  const owners = await tx
    .select({ id: runs.id, attempt: runs.attempt })
    .from(runs)
    .where(inArray(runs.id, ids))
    .orderBy(asc(runs.id));
  for (const { id, attempt } of owners)
    await appendEvents(
      tx,
      id,
      attempt,
      rows
        .filter(({ runId }) => runId === id)
        .map((row) => ({
          time: ctx.now(),
          body: {
            type: "deployment",
            deploymentId: row.id,
            phase: row.phase ?? "",
            fraction: row.fraction,
            etaSeconds: row.etaSeconds,
            status: row.status,
            problem: row.problem,
          },
        })),
    );
}
