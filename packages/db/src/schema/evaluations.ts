import { doublePrecision, integer, pgTable, primaryKey, uuid } from "drizzle-orm/pg-core";
import { createdAt } from "./columns.ts";
import { runs } from "./runs.ts";
import { text } from "./storable.ts";

export const evaluations = pgTable(
  "evaluations",
  {
    runId: uuid("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    which: text("which").$type<"before" | "during" | "after">().notNull(),
    step: integer("step").notNull(),
    rows: integer("rows").notNull(),
    loss: doublePrecision("loss"),
    exactMatch: doublePrecision("exact_match"),
    exactMatches: integer("exact_matches"),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.which, t.step] })],
);
