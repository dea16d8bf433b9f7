import { type RunEventBody, type RunStage, told, type Words } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, eq, sql } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";
import { appendEvents } from "../append-events.ts";
import { type Claim, lockOwned } from "./kind.ts";

const { runs, runEvents } = schema;
type StageEvent = Extract<RunEventBody, { type: "stage" }>;

/** A stage that the worker itself does (publish). Told once, however often attempts come to it; fenced. */
export async function tellStage(
  ctx: Pick<ServiceContext, "db" | "now">,
  claim: Claim,
  stage: RunStage,
  state: StageEvent["state"],
  note: Words | null = null,
): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const row = await lockOwned(tx, claim);
    const [before] = await tx
      .select({ seq: runEvents.seq })
      .from(runEvents)
      .where(
        and(
          eq(runEvents.runId, row.id),
          eq(runEvents.type, "stage"),
          sql`${runEvents.body}->>'stage' = ${stage}`,
          sql`${runEvents.body}->>'state' = ${state}`,
        ),
      )
      .limit(1);
    const words = told({ note });
    const fraction = state === "started" ? 0 : 1;
    const progress = row.progress && {
      ...row.progress,
      stage,
      fraction,
      etaSeconds: state === "started" ? null : 0,
      ...words,
    };
    await tx.update(runs).set({ stage, progress }).where(eq(runs.id, row.id));
    if (!before)
      await appendEvents(tx, row.id, claim.attempt, [
        { time: ctx.now(), body: { type: "stage", stage, state, ...words } },
      ]);
  });
}
