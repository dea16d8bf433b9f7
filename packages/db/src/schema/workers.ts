import { doublePrecision, integer, pgTable, uuid } from "drizzle-orm/pg-core";
import { byteCount, id, time } from "../columns.ts";
import { jsonb, text } from "../storable.ts";

// One row per worker process; a restart makes a new row, so a pid never stands for two processes.
export const workers = pgTable("workers", {
  id: id(),
  name: text("name").notNull(),
  host: text("host").notNull(),
  home: text("home"), // null: a worker of an older version
  store: text("store"), // the identity of the store that it reaches
  pid: integer("pid").notNull(),
  roles: jsonb("roles").$type<string[]>().notNull(),
  isa: text("isa").notNull(),
  threads: integer("threads").notNull(),
  memoryBytes: byteCount("memory_bytes").notNull(),
  freeMemoryBytes: byteCount("free_memory_bytes").notNull(),
  diskFreeBytes: byteCount("disk_free_bytes").notNull(),
  devices: jsonb("devices").$type<string[]>().notNull().default(["cpu"]),
  labels: jsonb("labels").$type<Record<string, string>>().notNull().default({}),
  version: text("version"), // of its Anneal; null: older than this column
  load: doublePrecision("load").notNull().default(0),
  startedAt: time("started_at").notNull().defaultNow(),
  lastSeenAt: time("last_seen_at").notNull().defaultNow(),
  stoppedAt: time("stopped_at"),
  currentRunId: uuid("current_run_id"),
  cordonedAt: time("cordoned_at"), // takes nothing new
  drainedAt: time("drained_at"), // asked to hand back what it has, too
});
