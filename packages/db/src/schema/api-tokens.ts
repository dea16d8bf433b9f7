import type { Permission } from "@anneal/contracts";
import { pgTable, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, time } from "./columns.ts";
import { jsonb, text } from "./storable.ts";

// Shown once to the person; here only the prefix (to recognise it) and an HMAC of the whole.
export const apiTokens = pgTable("api_tokens", {
  id: id(),
  name: text("name").notNull(),
  prefix: text("prefix").notNull(),
  hash: text("hash").notNull().unique(),
  permissions: jsonb("permissions").$type<Permission[]>().notNull(),
  createdBy: text("created_by").notNull(),
  // The token that made this one: it ends with it.
  parentId: uuid("parent_id"),
  createdAt: createdAt(),
  lastUsedAt: time("last_used_at"),
  expiresAt: time("expires_at"),
  revokedAt: time("revoked_at"),
});
