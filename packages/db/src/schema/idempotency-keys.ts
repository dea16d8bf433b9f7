import { pgTable, primaryKey, uuid } from "drizzle-orm/pg-core";
import { createdAt, projectId } from "../columns.ts";
import { text } from "../storable.ts";

// `scope` = verb and actor, so that two people may use the same key; `inputHash` tells a repetition from a reuse.
export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    projectId: projectId().notNull(),
    scope: text("scope").notNull(),
    key: text("key").notNull(),
    inputHash: text("input_hash").notNull(),
    resultId: uuid("result_id").notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.scope, t.key] })],
);
