import type { ProjectRole } from "@anneal/contracts";
import { pgTable, text as plainText, primaryKey, uuid } from "drizzle-orm/pg-core";
import { createdAt, id } from "../columns.ts";
import { text } from "../storable.ts";
import { user } from "./auth.ts";

// What belongs together and who may see it. Rows of the other tables lie in one project each: see ../tenancy.ts.
export const projects = pgTable("projects", {
  id: id(),
  name: text("name").notNull().unique(),
  // The owner administers it whatever the members' list says; null: an account that is gone, and administrators of the installation do.
  ownerId: plainText("owner_id").references(() => user.id, { onDelete: "set null" }),
  createdBy: text("created_by").notNull(),
  createdAt: createdAt(),
});

export const projectMembers = pgTable(
  "project_members",
  {
    projectId: uuid("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    userId: plainText("user_id")
      .notNull()
      .references(() => user.id, { onDelete: "cascade" }),
    role: text("role").$type<ProjectRole>().notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.projectId, t.userId] })],
);
