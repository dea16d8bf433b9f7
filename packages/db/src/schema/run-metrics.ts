import type { MetricName } from "@anneal/contracts";
import { bigint, doublePrecision, integer, pgTable, primaryKey, smallint, uuid } from "drizzle-orm/pg-core";
import { time } from "../columns.ts";
import { text } from "../storable.ts";
import { runs } from "./runs.ts";

// One point; unique by (run, name, step), so that a step told twice counts once.
export const runMetrics = pgTable(
  "run_metrics",
  {
    runId: uuid("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    name: text("name").$type<MetricName>().notNull(),
    step: integer("step").notNull(),
    time: time("time").notNull(),
    tokens: doublePrecision("tokens").notNull(),
    value: doublePrecision("value").notNull(),
    attempt: integer("attempt").notNull(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.name, t.step] })],
);

// Buckets of 16, 256, 4096 and 65536 steps (level 1 to 4), kept up with every insert: a million points draw at once.
export const runMetricRollups = pgTable(
  "run_metric_rollups",
  {
    runId: uuid("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    name: text("name").$type<MetricName>().notNull(),
    level: smallint("level").notNull(),
    bucket: integer("bucket").notNull(), // floor(step / 16^level)
    count: bigint("count", { mode: "number" }).notNull(),
    minimum: doublePrecision("minimum").notNull(),
    maximum: doublePrecision("maximum").notNull(),
    sum: doublePrecision("sum").notNull(),
    lastStep: integer("last_step").notNull(),
    lastTime: time("last_time").notNull(),
    lastTokens: doublePrecision("last_tokens").notNull(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.name, t.level, t.bucket] })],
);
