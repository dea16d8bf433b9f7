import type { WorkerRole } from "@anneal/contracts";
import { newId, schema } from "@anneal/db";
import { and, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const { workers } = schema;

// A worker writes its row every few seconds; one that was silent for longer is shown as gone.
export const aliveSeconds = 30;
export const aliveSince = (): SQL | undefined =>
  and(isNull(workers.stoppedAt), gt(workers.lastSeenAt, sql`now() - make_interval(secs => ${aliveSeconds})`));

export interface WorkerFacts {
  name: string;
  host: string;
  home: string;
  store: string;
  pid: number;
  roles: WorkerRole[];
  isa: string;
  threads: number;
  memoryBytes: number;
  devices?: string[];
  labels?: Record<string, string>;
  version?: string;
}
export interface WorkerState {
  freeMemoryBytes: number;
  diskFreeBytes: number;
  load: number;
  currentRunId: string | null;
}

/** A worker's row, made at its start. Returns its id. */
export async function register(
  ctx: Pick<ServiceContext, "db">,
  facts: WorkerFacts,
  state: WorkerState,
): Promise<string> {
  const id = newId();
  await ctx.db.insert(workers).values({ id, ...facts, ...state });
  return id;
}

export async function beat(ctx: Pick<ServiceContext, "db">, id: string, state: WorkerState): Promise<void> {
  await ctx.db
    .update(workers)
    .set({ ...state, lastSeenAt: sql`now()` })
    .where(eq(workers.id, id));
}

export async function leave(ctx: Pick<ServiceContext, "db">, id: string): Promise<void> {
  await ctx.db.update(workers).set({ stoppedAt: sql`now()`, currentRunId: null }).where(eq(workers.id, id));
}

/** What an administrator has asked of this worker. */
export async function standing(
  ctx: Pick<ServiceContext, "db">,
  id: string,
): Promise<{ cordoned: boolean; drained: boolean }> {
  const [row] = await ctx.db
    .select({ cordonedAt: workers.cordonedAt, drainedAt: workers.drainedAt })
    .from(workers)
    .where(eq(workers.id, id));
  return { cordoned: Boolean(row?.cordonedAt), drained: Boolean(row?.drainedAt) };
}
