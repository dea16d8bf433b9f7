import { pgTable } from "drizzle-orm/pg-core";
import { createdAt, id, time } from "../columns.ts";
import { text } from "../storable.ts";

// What lets one machine join as a worker, once. Only its hash is kept.
export const workerJoinTokens = pgTable("worker_join_tokens", {
  id: id(),
  hash: text("hash").notNull().unique(),
  createdBy: text("created_by").notNull(),
  createdAt: createdAt(),
  expiresAt: time("expires_at").notNull(),
  usedAt: time("used_at"),
  usedBy: text("used_by"), // the worker's name
});
