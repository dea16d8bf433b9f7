import type { JobCost, JobRetry } from "@anneal/contracts";
import { doublePrecision, integer, uuid } from "drizzle-orm/pg-core";
import { time } from "../columns.ts";
import { jsonb } from "../storable.ts";

// Columns of every table of jobs, beside `id` and `status`; packages/services/src/jobs works on any table that has them.
export const jobColumns = () => ({
  // Fencing: each claim raises it; every write of a worker says `where attempt = mine`.
  attempt: integer("attempt").notNull().default(0),
  workerId: uuid("worker_id"),
  leaseExpiresAt: time("lease_expires_at"),
  claimedAt: time("claimed_at"), // while a worker holds it
  queuedAt: time("queued_at").notNull().defaultNow(),
  notBefore: time("not_before"), // after a breakdown: when the next attempt may begin
  stalledAttempts: integer("stalled_attempts").notNull().default(0), // broken attempts in a row that got nothing done
  workedSeconds: doublePrecision("worked_seconds").notNull().default(0), // in workers' hands, by attempts that ended
  priority: integer("priority").notNull().default(0),
  tags: jsonb("tags").$type<string[]>().notNull().default([]),
  waitingLimitSeconds: integer("waiting_limit_seconds"),
  runningLimitSeconds: integer("running_limit_seconds"),
  retry: jsonb("retry").$type<JobRetry>(),
  cost: jsonb("cost").$type<JobCost>().notNull().default({ seconds: {}, tokens: 0, peakMemoryBytes: null }),
});
