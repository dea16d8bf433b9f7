import type { Problem, TeacherFacts, TeacherFileInput, TeacherFileStatus } from "@anneal/contracts";
import { boolean, doublePrecision, index, integer, pgTable, uuid } from "drizzle-orm/pg-core";
import { byteCount, createdAt, id, projectId, time } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import { datasetVersions } from "./dataset-versions.ts";
import { jobColumns } from "./job-columns.ts";
import { projects } from "./projects.ts";

// A teacher's best log-probabilities of a dataset version, as a file; see TeacherFacts.
export const teacherFiles = pgTable(
  "teacher_files",
  {
    id: id(),
    projectId: projectId()
      .notNull()
      .references(() => projects.id),
    name: text("name").notNull(),
    input: jsonb("input").$type<TeacherFileInput>().notNull(), // what was asked for
    datasetVersionId: uuid("dataset_version_id")
      .notNull()
      .references(() => datasetVersions.id, { onDelete: "cascade" }),
    status: text("status").$type<TeacherFileStatus>().notNull().default("pending"),
    fraction: doublePrecision("fraction"),
    stored: boolean("stored").notNull().default(true), // false: made before there was a store; adopted by a worker
    digest: text("digest"),
    bytes: byteCount("bytes"),
    rows: integer("rows"),
    supervisedTokens: byteCount("supervised_tokens"),
    facts: jsonb("facts").$type<TeacherFacts>(), // once it is ready
    ...jobColumns(),
    problem: jsonb("problem").$type<Problem>(),
    createdBy: text("created_by").notNull(),
    createdAt: createdAt(),
    finishedAt: time("finished_at"),
  },
  (t) => [index("teacher_files_dataset").on(t.datasetVersionId)],
);
