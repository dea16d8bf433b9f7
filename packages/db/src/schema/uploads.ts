import type { ColumnMapping, DatasetFormat, UploadInspection } from "@anneal/contracts";
import { boolean, pgTable } from "drizzle-orm/pg-core";
import { byteCount, createdAt, id, projectId, time } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import { projects } from "./projects.ts";

// A file on its way to becoming a dataset version; expires unless committed.
export const uploads = pgTable("uploads", {
  id: id(),
  projectId: projectId()
    .notNull()
    .references(() => projects.id),
  fileName: text("file_name").notNull(),
  path: text("path").notNull(),
  bytes: byteCount("bytes").notNull(),
  // false: the path is the person's own file (importPath) and must not be deleted.
  owned: boolean("owned").notNull().default(true),
  format: text("format").$type<DatasetFormat>(),
  mapping: jsonb("mapping").$type<ColumnMapping>(),
  leaveOut: jsonb("leave_out").$type<string[]>(), // of the last look
  inspection: jsonb("inspection").$type<UploadInspection>(),
  createdBy: text("created_by").notNull(),
  createdAt: createdAt(),
  expiresAt: time("expires_at").notNull(),
  committedAt: time("committed_at"),
});
