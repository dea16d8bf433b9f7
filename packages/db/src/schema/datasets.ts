import { pgTable, unique } from "drizzle-orm/pg-core";
import { createdAt, id, projectId } from "../columns.ts";
import { text } from "../storable.ts";
import { projects } from "./projects.ts";

export const datasets = pgTable(
  "datasets",
  {
    id: id(),
    projectId: projectId()
      .notNull()
      .references(() => projects.id),
    name: text("name").notNull(),
    createdBy: text("created_by").notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique("datasets_name").on(t.projectId, t.name)],
);
