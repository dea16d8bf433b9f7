import { channels, schema, type Transaction } from "@anneal/db";
import { eq, sql } from "drizzle-orm";

const { runs, runEvents } = schema;

export interface NewEvent {
  time: Date;
  body: schema.StoredEventBody;
}

/**
 * Numbers events without a gap and tells the listeners. The row lock that the update takes orders writers, so a reader that
 * sees number n sees all below it. Returns the number of the last one.
 */
export async function appendEvents(
  tx: Transaction,
  runId: string,
  attempt: number,
  events: readonly NewEvent[],
): Promise<number> {
  const [row] = await tx
    .update(runs)
    .set({ lastSeq: sql`${runs.lastSeq} + ${events.length}` })
    .where(eq(runs.id, runId))
    .returning({ lastSeq: runs.lastSeq });
  if (!row) throw new Error(`appendEvents: no run ${runId}`);
  if (events.length > 0) {
    const first = row.lastSeq - events.length + 1;
    await tx
      .insert(runEvents)
      .values(events.map(({ time, body }, i) => ({ runId, seq: first + i, attempt, time, type: body.type, body })));
  }
  await tx.execute(sql`select pg_notify(${channels.run}, ${runId})`);
  return row.lastSeq;
}
