import { api, type RunEvent, type RunEventBody } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, asc, desc, eq, gt, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { verb } from "../verb.ts";

const { runEvents } = schema;

export interface EventFilter {
  afterSeq: number;
  beforeSeq?: number;
  limit: number;
  types?: string[];
  search?: string;
  newestFirst?: boolean;
}

export async function readEvents(db: ServiceContext["db"], runId: string, filter: EventFilter): Promise<RunEvent[]> {
  const conditions: SQL[] = [eq(runEvents.runId, runId), gt(runEvents.seq, filter.afterSeq)];
  if (filter.beforeSeq !== undefined) conditions.push(lt(runEvents.seq, filter.beforeSeq));
  if (filter.types) conditions.push(inArray(runEvents.type, filter.types as RunEventBody["type"][]));
  // strpos, not LIKE: what a person types is text, not a pattern.
  if (filter.search) conditions.push(sql`strpos(lower(${runEvents.body}::text), lower(${filter.search})) > 0`);
  const rows = await db
    .select({ seq: runEvents.seq, time: runEvents.time, body: runEvents.body })
    .from(runEvents)
    .where(and(...conditions))
    .orderBy(filter.newestFirst ? desc(runEvents.seq) : asc(runEvents.seq))
    .limit(filter.limit);
  return rows.map((row) => ({ runId, seq: row.seq, time: row.time.toISOString(), body: row.body }));
}

export const events = verb(api.runs.events, (ctx, { runId, ...filter }) => readEvents(ctx.db, runId, filter));
