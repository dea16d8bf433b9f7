import { readFileSync } from "node:fs";
import { freemem, hostname, totalmem } from "node:os";
import type { RunSpec } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, eq, inArray, sql } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";

const { runs, workers } = schema;

/** Bytes that new work may take: what is free plus what the system would give back (page cache). */
export function availableMemoryBytes(): number {
  try {
    const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
    if (kilobytes) return Number(kilobytes) * 1024;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  return freemem();
}

/**
 * What a run may take when its turn comes: the person's own limit, else what is free now on the worker's machine, which is this
 * one, and what the runs that are on it now will have given back by then.
 */
export async function memoryBudget(ctx: Pick<ServiceContext, "db">, spec: RunSpec): Promise<number> {
  if (spec.memoryBudgetBytes !== null) return spec.memoryBudgetBytes;
  const [held] = await ctx.db
    .select({ bytes: sql<number>`coalesce(sum((${runs.plan}->'memory'->>'totalBytes')::float8), 0)` })
    .from(runs)
    .innerJoin(workers, eq(workers.id, runs.workerId))
    .where(and(inArray(runs.status, ["running", "pausing", "cancelling"]), eq(workers.host, hostname())));
  return Math.floor(Math.min(availableMemoryBytes() + Number(held?.bytes ?? 0), totalmem() * 0.95));
}
