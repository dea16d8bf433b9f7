import type { ModelFacts, ModelSummary } from "@anneal/contracts";
import { pgTable, unique, uuid } from "drizzle-orm/pg-core";
import { createdAt, id, projectId } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import { projects } from "./projects.ts";
import { runs } from "./runs.ts";

// The registry: base models a person named, and models that runs made.
export const models = pgTable(
  "models",
  {
    id: id(),
    projectId: projectId()
      .notNull()
      .references(() => projects.id),
    name: text("name").notNull(),
    ref: text("ref").notNull(), // where it was found: ollama:NAME or an absolute path
    source: text("source").$type<ModelSummary["source"]>().notNull(),
    digest: text("digest"),
    facts: jsonb("facts").$type<ModelFacts>(),
    runId: uuid("run_id").references(() => runs.id, { onDelete: "set null" }),
    createdBy: text("created_by").notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique("models_name").on(t.projectId, t.name)],
);
