import { pgTable } from "drizzle-orm/pg-core";
import { createdAt, id } from "./columns.ts";
import { text } from "./storable.ts";

export const datasets = pgTable("datasets", {
  id: id(),
  name: text("name").notNull().unique(),
  createdBy: text("created_by").notNull(),
  createdAt: createdAt(),
});
