import { api, type RunEvent, type RunEventBody } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, asc, desc, eq, gt, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { verb } from "../verb.ts";
import { readMetricSets, withValues } from "./metric-events.ts";

const { runEvents } = schema;

export interface EventFilter {
  afterSeq: number;
  beforeSeq?: number;
  limit: number;
  types?: string[];
  search?: string;
  newestFirst?: boolean;
}

/** What an event says, or of metrics the name of a series. strpos, not LIKE: what a person types is text, not a pattern. */
async function matches(db: ServiceContext["db"], runId: string, search: string): Promise<SQL> {
  const sets = (await readMetricSets(db, runId)).flatMap((names, i) =>
    names.some((name) => name.includes(search.toLowerCase())) ? [String(i)] : [],
  );
  const text = sql`strpos(lower(${runEvents.body}::text), lower(${search})) > 0`;
  const ofSet = inArray(sql`${runEvents.body}->>'set'`, sets);
  return sets.length === 0 ? text : sql`(${text} or (${runEvents.type} = 'metrics' and ${ofSet}))`;
}

export async function readEvents(db: ServiceContext["db"], runId: string, filter: EventFilter): Promise<RunEvent[]> {
  const conditions: SQL[] = [eq(runEvents.runId, runId), gt(runEvents.seq, filter.afterSeq)];
  if (filter.beforeSeq !== undefined) conditions.push(lt(runEvents.seq, filter.beforeSeq));
  if (filter.types) conditions.push(inArray(runEvents.type, filter.types as RunEventBody["type"][]));
  if (filter.search) conditions.push(await matches(db, runId, filter.search));
  const rows = await db
    .select({ seq: runEvents.seq, time: runEvents.time, body: runEvents.body })
    .from(runEvents)
    .where(and(...conditions))
    .orderBy(filter.newestFirst ? desc(runEvents.seq) : asc(runEvents.seq))
    .limit(filter.limit);
  const told = await withValues(db, runId, rows);
  return told.map((row) => ({ runId, seq: row.seq, time: row.time.toISOString(), body: row.body }));
}

export const events = verb(api.runs.events, (ctx, { runId, ...filter }) => readEvents(ctx.db, runId, filter));
