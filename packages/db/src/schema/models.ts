import type { ModelFacts, ModelSummary } from "@anneal/contracts";
import { pgTable, uuid } from "drizzle-orm/pg-core";
import { createdAt, id } from "./columns.ts";
import { runs } from "./runs.ts";
import { jsonb, text } from "./storable.ts";

// The registry: base models a person named, and models that runs made.
export const models = pgTable("models", {
  id: id(),
  name: text("name").notNull().unique(),
  ref: text("ref").notNull(), // where it was found: ollama:NAME or an absolute path
  source: text("source").$type<ModelSummary["source"]>().notNull(),
  digest: text("digest"),
  facts: jsonb("facts").$type<ModelFacts>(),
  runId: uuid("run_id").references(() => runs.id, { onDelete: "set null" }),
  createdBy: text("created_by").notNull(),
  createdAt: createdAt(),
});
