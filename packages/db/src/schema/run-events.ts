import type { RunEventBody } from "@anneal/contracts";
import { bigint, index, integer, pgTable, primaryKey, uuid } from "drizzle-orm/pg-core";
import { time } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import { runs } from "./runs.ts";

/** How an event's body is stored: of metrics the step and a place in runs.metric_sets; older rows hold the values, too. */
export type StoredEventBody = RunEventBody | { type: "metrics"; step: number; tokens: number; set: number };

// Numbered without gaps: `seq` comes from runs.last_seq, in the transaction that inserts.
export const runEvents = pgTable(
  "run_events",
  {
    runId: uuid("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    seq: bigint("seq", { mode: "number" }).notNull(),
    attempt: integer("attempt").notNull(),
    time: time("time").notNull(),
    type: text("type").$type<RunEventBody["type"]>().notNull(),
    body: jsonb("body").$type<StoredEventBody>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.seq] }), index("run_events_type").on(t.runId, t.type, t.seq)],
);
