import { JournalLine, type RunEventBody, say, told } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, asc, desc, eq, gt, lt, notInArray } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";
import { appendEvents } from "../append-events.ts";
import { withValues } from "../metric-events.ts";

// What a host needs to know of the attempts that other hosts made at a run.

const { artifacts, attempts, checkpoints, runEvents, runs, workers } = schema;
type Context = Pick<ServiceContext, "db">;

/** Whether an attempt after number `here` and before number `attempt` was made in another home than this one. */
export async function ranElsewhere(
  ctx: Context,
  run: { runId: string; here: number; attempt: number; home: string },
): Promise<boolean> {
  const rows = await ctx.db
    .select({ home: workers.home })
    .from(attempts)
    .leftJoin(workers, eq(workers.id, attempts.workerId))
    .where(and(eq(attempts.runId, run.runId), gt(attempts.attempt, run.here), lt(attempts.attempt, run.attempt)));
  return rows.some(({ home }) => home !== run.home);
}

/** Kept checkpoints of a run, the newest first. */
export const keptCheckpoints = (ctx: Context, runId: string): Promise<(typeof checkpoints.$inferSelect)[]> =>
  ctx.db
    .select()
    .from(checkpoints)
    .where(and(eq(checkpoints.runId, runId), eq(checkpoints.kept, true)))
    .orderBy(desc(checkpoints.step));

export const storedArtifacts = (ctx: Context, runId: string): Promise<(typeof artifacts.$inferSelect)[]> =>
  ctx.db
    .select()
    .from(artifacts)
    .where(and(eq(artifacts.runId, runId), eq(artifacts.stored, true)));

const atOnce = 1000;
const notOfTrainers: RunEventBody["type"][] = ["status", "log", "progress"];

/** What the run's trainers have told so far, in order, as lines of one journal. */
export async function* toldLines(ctx: Context, runId: string): AsyncGenerator<JournalLine> {
  let number = 0;
  for (let after = -1; ; ) {
    const rows = await ctx.db
      .select({ seq: runEvents.seq, time: runEvents.time, body: runEvents.body })
      .from(runEvents)
      // Statuses and some log lines are not of a trainer; no attempt asks for the lines of another.
      .where(and(eq(runEvents.runId, runId), gt(runEvents.seq, after), notInArray(runEvents.type, notOfTrainers)))
      .orderBy(asc(runEvents.seq))
      .limit(atOnce);
    for (const { time, body } of await withValues(ctx.db, runId, rows))
      if (!(body.type === "stage" && body.stage === "publish"))
        yield JournalLine.parse({ number: ++number, time: time.toISOString(), body });
    const last = rows.at(-1);
    if (!last || rows.length < atOnce) return;
    after = last.seq;
  }
}

/** Says in the run's own log that a worker leaves it alone, and why. */
export async function tellOtherStore(
  ctx: Pick<ServiceContext, "db" | "now">,
  runId: string,
  worker: { name: string; store: string },
): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const [row] = await tx.select().from(runs).where(eq(runs.id, runId)).for("update");
    if (!row || row.store === worker.store) return;
    const message = say`worker ${worker.name} leaves this run alone: its files lie in store ${row.store}, and the worker reaches store ${worker.store}; start a worker whose ANNEAL_STORE is the run's`;
    const body = { type: "log" as const, level: "warn" as const, ...told({ message }) };
    await appendEvents(tx, runId, row.attempt, [{ time: ctx.now(), body }]);
  });
}
