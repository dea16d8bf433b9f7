import { boolean, integer, pgTable, primaryKey, uuid } from "drizzle-orm/pg-core";
import { createdAt } from "../columns.ts";
import { text } from "../storable.ts";
import { runs } from "./runs.ts";

export const samples = pgTable(
  "samples",
  {
    runId: uuid("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    step: integer("step").notNull(),
    position: integer("position").notNull(),
    prompt: text("prompt").notNull(),
    expected: text("expected"),
    answer: text("answer").notNull(),
    thought: text("thought"),
    cut: boolean("cut").notNull().default(false),
    adapter: text("adapter"),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.step, t.position] })],
);
