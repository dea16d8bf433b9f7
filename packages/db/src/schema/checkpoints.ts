import { boolean, doublePrecision, integer, pgTable, unique, uuid } from "drizzle-orm/pg-core";
import { text } from "../storable.ts";
import { byteCount, createdAt, id } from "./columns.ts";
import { runs } from "./runs.ts";

export const checkpoints = pgTable(
  "checkpoints",
  {
    id: id(),
    runId: uuid("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    step: integer("step").notNull(),
    attempt: integer("attempt").notNull(),
    digest: text("digest").notNull(),
    bytes: byteCount("bytes").notNull(),
    path: text("path").notNull(),
    evaluationLoss: doublePrecision("evaluation_loss"),
    exactMatch: doublePrecision("exact_match"),
    isBest: boolean("is_best").notNull().default(false),
    kept: boolean("kept").notNull().default(true),
    createdAt: createdAt(),
  },
  (t) => [unique("checkpoints_run_step").on(t.runId, t.step)],
);
