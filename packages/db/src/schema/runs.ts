import type {
  EvaluationResult,
  MetricName,
  Problem,
  RunControl,
  RunInputs,
  RunPlan,
  RunProgress,
  RunStage,
  RunStatus,
  StoredSpec,
} from "@anneal/contracts";
import { sql } from "drizzle-orm";
import { bigint, doublePrecision, index, integer, pgTable, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, projectId, time } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import { datasetVersions } from "./dataset-versions.ts";
import { jobColumns } from "./job-columns.ts";
import { projects } from "./projects.ts";

// The truth about a run: queues may forget or deliver twice, this row decides.
export const runs = pgTable(
  "runs",
  {
    id: id(),
    projectId: projectId()
      .notNull()
      .references(() => projects.id),
    name: text("name").notNull(),
    status: text("status").$type<RunStatus>().notNull().default("queued"),
    stage: text("stage").$type<RunStage>().notNull().default("prepare"),
    spec: jsonb("spec").$type<StoredSpec>().notNull(),
    inputs: jsonb("inputs").$type<RunInputs>(), // null: of an older version that has not started since
    plan: jsonb("plan").$type<RunPlan>(),
    datasetVersionId: uuid("dataset_version_id")
      .notNull()
      .references(() => datasetVersions.id),
    evaluationVersionId: uuid("evaluation_version_id").references(() => datasetVersions.id),
    ...jobColumns(),
    // The identity of the store that holds its dataset, checkpoints and artifacts; null until a worker has taken a run of an older version.
    store: text("store"),
    // What a person asked for and the worker has not yet done; `controlNumber` tells a second "save" from the first.
    control: text("control").$type<RunControl>(),
    controlNumber: integer("control_number").notNull().default(0),
    // The number of the last event, and of the last journal line that was stored.
    lastSeq: bigint("last_seq", { mode: "number" }).notNull().default(-1),
    journalNumber: bigint("journal_number", { mode: "number" }).notNull().default(0),
    progress: jsonb("progress").$type<RunProgress>(),
    lastStep: integer("last_step").notNull().default(0),
    lastLoss: doublePrecision("last_loss"),
    // The series that its metric events tell together; such an event names its set by place, the points hold the values.
    metricSets: jsonb("metric_sets").$type<MetricName[][]>().notNull().default([]),
    evaluationBefore: jsonb("evaluation_before").$type<EvaluationResult>(),
    evaluationAfter: jsonb("evaluation_after").$type<EvaluationResult>(),
    finalDigest: text("final_digest"), // SHA-256 of the trained state after the last step
    problem: jsonb("problem").$type<Problem>(),
    createdBy: text("created_by").notNull(),
    createdAt: createdAt(),
    startedAt: time("started_at"),
    finishedAt: time("finished_at"),
  },
  (t) => [
    index("runs_status").on(t.status, t.queuedAt),
    index("runs_lease").on(t.leaseExpiresAt).where(sql`lease_expires_at is not null`),
    index("runs_dataset_version").on(t.datasetVersionId),
    index("runs_project").on(t.projectId, t.id),
  ],
);
