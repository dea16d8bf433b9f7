import type { DeploymentStatus, GgufType, Problem } from "@anneal/contracts";
import { sql } from "drizzle-orm";
import { doublePrecision, index, pgTable, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, time } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import { artifacts } from "./artifacts.ts";
import { checkpoints } from "./checkpoints.ts";
import { jobColumns } from "./job-columns.ts";
import { runs } from "./runs.ts";

export const deployments = pgTable(
  "deployments",
  {
    id: id(),
    runId: uuid("run_id").references(() => runs.id, { onDelete: "cascade" }),
    checkpointId: uuid("checkpoint_id").references(() => checkpoints.id, { onDelete: "set null" }),
    artifactId: uuid("artifact_id").references(() => artifacts.id, { onDelete: "cascade" }), // null until exported
    name: text("name").notNull(),
    gguf: text("gguf").$type<GgufType>().notNull(),
    system: text("system"),
    parameters: jsonb("parameters").$type<Record<string, number | string | boolean | string[]>>().notNull().default({}),
    status: text("status").$type<DeploymentStatus>().notNull().default("pending"),
    // "run": the one publication that belongs to the run itself; a person may add any number.
    origin: text("origin").$type<"run" | "person">().notNull().default("person"),
    action: text("action").$type<"publish" | "rollback">().notNull().default("publish"),
    phase: text("phase"),
    fraction: doublePrecision("fraction"),
    etaSeconds: doublePrecision("eta_seconds"),
    ollamaDigest: text("ollama_digest"),
    previousDigest: text("previous_digest"), // what the name stood for before, for rollback
    ...jobColumns(),
    problem: jsonb("problem").$type<Problem>(),
    createdAt: createdAt(),
    finishedAt: time("finished_at"),
  },
  (t) => [
    index("deployments_name").on(t.name),
    index("deployments_run").on(t.runId),
    uniqueIndex("deployments_of_run").on(t.runId).where(sql`origin = 'run'`),
  ],
);
