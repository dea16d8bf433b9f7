import { index, pgTable } from "drizzle-orm/pg-core";
import { id, projectId, time } from "../columns.ts";
import { jsonb, text } from "../storable.ts";

// Append-only: a trigger of the migration refuses UPDATE, DELETE and TRUNCATE.
export const audit = pgTable(
  "audit",
  {
    id: id(),
    projectId: projectId(), // null: of the whole installation. No reference: the trail outlives its project.
    time: time("time").notNull().defaultNow(),
    actorKind: text("actor_kind").notNull(),
    actorId: text("actor_id").notNull(),
    actorName: text("actor_name").notNull(),
    action: text("action").notNull(),
    subject: text("subject").notNull(),
    details: jsonb("details").$type<Record<string, unknown>>().notNull().default({}),
    // HMAC of the row, by the process that wrote it; null: written before there was a chain, or without its key.
    mac: text("mac"),
  },
  (t) => [index("audit_subject").on(t.subject)],
);
