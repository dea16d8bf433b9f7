import type { ProjectRole } from "@anneal/contracts";
import { pgTable, text as plainText } from "drizzle-orm/pg-core";
import { createdAt, id, projectId, time } from "../columns.ts";
import { text } from "../storable.ts";
import { user } from "./auth.ts";
import { projects } from "./projects.ts";

// Links that work once: into a project with a role, or to a new password of an account (then `userId` is set, and no project).
export const invitations = pgTable("invitations", {
  id: id(),
  projectId: projectId().references(() => projects.id, { onDelete: "cascade" }),
  role: text("role").$type<ProjectRole>(),
  email: text("email"),
  userId: plainText("user_id").references(() => user.id, { onDelete: "cascade" }),
  hash: text("hash").notNull().unique(), // SHA-256 of the secret in the link
  createdBy: text("created_by").notNull(),
  createdAt: createdAt(),
  expiresAt: time("expires_at").notNull(),
  usedAt: time("used_at"),
});
