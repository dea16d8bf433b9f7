import type { Actor, Problem, WorkKind, WorkProgress, WorkStatus } from "@anneal/contracts";
import { sql } from "drizzle-orm";
import { index, integer, pgTable, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, projectId, time } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import { projects } from "./projects.ts";

// What somebody asks of a worker and waits for. Rows live for minutes; `wanted_until` is moved on by who still waits.
export const workRequests = pgTable(
  "work_requests",
  {
    id: id(),
    projectId: projectId().references(() => projects.id), // null: asked by a worker for itself
    kind: text("kind").$type<WorkKind>().notNull(),
    digest: text("digest").notNull(), // of kind, input and asker: one request under way for the same question
    input: jsonb("input").notNull(),
    actor: jsonb("actor").$type<Actor>().notNull(),
    title: text("title"), // of what is listed among the jobs
    forWorkerId: uuid("for_worker_id"), // the machine that the question is about
    status: text("status").$type<WorkStatus>().notNull().default("waiting"),
    attempt: integer("attempt").notNull().default(0),
    workerId: uuid("worker_id"),
    leaseExpiresAt: time("lease_expires_at"),
    progress: jsonb("progress").$type<WorkProgress>(),
    output: jsonb("output"),
    problem: jsonb("problem").$type<Problem>(),
    cancelRequestedAt: time("cancel_requested_at"),
    createdAt: createdAt(),
    startedAt: time("started_at"),
    finishedAt: time("finished_at"),
    wantedUntil: time("wanted_until").notNull(),
    keepUntil: time("keep_until"), // of a finished one
  },
  (t) => [
    uniqueIndex("work_requests_under_way").on(t.digest).where(sql`${t.status} in ('waiting', 'running')`),
    index("work_requests_by_status").on(t.status, t.createdAt),
  ],
);
