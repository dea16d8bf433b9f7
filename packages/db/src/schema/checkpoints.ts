import { boolean, doublePrecision, integer, pgTable, unique, uuid } from "drizzle-orm/pg-core";
import { byteCount, createdAt, id } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import { runs } from "./runs.ts";

/** Objects of the store by the names that they have in a folder. */
export type StoredFiles = Record<string, { digest: string; bytes: number }>;

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
    folder: text("folder").notNull(), // its place in the run's folder
    // What another host needs to go on from it, by place in the run's folder; null: not in the store (yet).
    files: jsonb("files").$type<StoredFiles>(),
    evaluationLoss: doublePrecision("evaluation_loss"),
    exactMatch: doublePrecision("exact_match"),
    isBest: boolean("is_best").notNull().default(false),
    kept: boolean("kept").notNull().default(true),
    createdAt: createdAt(),
  },
  (t) => [unique("checkpoints_run_step").on(t.runId, t.step)],
);
