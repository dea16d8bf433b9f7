import type { DatasetFormat } from "@anneal/contracts";
import { integer, pgTable, unique, uuid } from "drizzle-orm/pg-core";
import { byteCount, createdAt, id } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import type { StoredFiles } from "./checkpoints.ts";
import { datasets } from "./datasets.ts";

// Immutable; `digest` is the SHA-256 of its canonical rows and names its Parquet file.
export const datasetVersions = pgTable(
  "dataset_versions",
  {
    id: id(),
    datasetId: uuid("dataset_id")
      .notNull()
      .references(() => datasets.id, { onDelete: "cascade" }),
    number: integer("number").notNull(),
    digest: text("digest").notNull(),
    rows: integer("rows").notNull(),
    bytes: byteCount("bytes").notNull(),
    format: text("format").$type<DatasetFormat>().notNull(),
    badLineCount: integer("bad_line_count").notNull().default(0),
    sourceName: text("source_name").notNull(),
    leftOut: jsonb("left_out").$type<string[]>().notNull().default([]), // fields of the file's rows that it does not hold
    // The Parquet file and the digests of its rows as objects of the store; null: made before there was a store.
    files: jsonb("files").$type<StoredFiles>(),
    uploadId: uuid("upload_id"), // whose commit made it; null: made before this was kept
    createdAt: createdAt(),
  },
  (t) => [
    unique("dataset_versions_number").on(t.datasetId, t.number),
    unique("dataset_versions_digest").on(t.datasetId, t.digest),
  ],
);
