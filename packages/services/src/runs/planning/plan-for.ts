import type { PlannedRun, WorkInput } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, desc, eq, isNull, sql } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";
import { homeId } from "../../home-id.ts";
import { aliveSince } from "../../workers/rows.ts";

const { workers } = schema;

/** The worker with the most memory of those that train and take new runs of this home. */
async function bestWorker({ db, paths }: ServiceContext): Promise<string | null> {
  const [row] = await db
    .select({ id: workers.id })
    .from(workers)
    .where(
      and(
        aliveSince(),
        isNull(workers.cordonedAt),
        sql`${workers.roles} @> '["train"]'::jsonb`,
        eq(workers.home, homeId(paths.home)),
      ),
    )
    .orderBy(desc(workers.memoryBytes), workers.id)
    .limit(1);
  return row?.id ?? null;
}

/** A plan of the spec, made by the worker and for the machine that is the likeliest to train it. */
export async function planFor(
  ctx: ServiceContext,
  spec: WorkInput<"run.plan">["spec"],
  options: { waitForSpeedMilliseconds: number; pin: boolean },
): Promise<PlannedRun> {
  const worker = await bestWorker(ctx);
  return ctx.work.ask(ctx, "run.plan", { spec, ...options }, worker ? { worker } : {});
}
