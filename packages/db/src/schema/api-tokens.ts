import type { Permission } from "@anneal/contracts";
import { pgTable, text as plainText, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, projectId, time } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import { user } from "./auth.ts";
import { projects } from "./projects.ts";

// Shown once to the person; here only the prefix (to recognise it) and an HMAC of the whole.
export const apiTokens = pgTable("api_tokens", {
  id: id(),
  // The project that it opens; null: whichever its bearer names, as far as its owner may go.
  projectId: projectId().references(() => projects.id),
  // On whose behalf it acts, never beyond what that person may do; null: the machine's own command line.
  ownerId: plainText("owner_id").references(() => user.id, { onDelete: "cascade" }),
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
