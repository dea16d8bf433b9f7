import type { RunEventBody } from "@anneal/contracts";
import { bigint, index, integer, pgTable, primaryKey, uuid } from "drizzle-orm/pg-core";
import { time } from "./columns.ts";
import { runs } from "./runs.ts";
import { jsonb, text } from "./storable.ts";

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
    body: jsonb("body").$type<RunEventBody>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.seq] }), index("run_events_type").on(t.runId, t.type, t.seq)],
);
