import type { AttemptSummary, Problem } from "@anneal/contracts";
import { boolean, integer, pgTable, primaryKey, uuid } from "drizzle-orm/pg-core";
import { time } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import { runs } from "./runs.ts";

export const attempts = pgTable(
  "attempts",
  {
    runId: uuid("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    attempt: integer("attempt").notNull(),
    workerId: uuid("worker_id").notNull(),
    workerName: text("worker_name").notNull(),
    startedAt: time("started_at").notNull().defaultNow(),
    endedAt: time("ended_at"),
    outcome: text("outcome").$type<AttemptSummary["outcome"]>().notNull().default("running"),
    resumedFromStep: integer("resumed_from_step"),
    progressed: boolean("progressed").notNull().default(false),
    problem: jsonb("problem").$type<Problem>(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.attempt] })],
);
