import type { ArtifactKind, Quantisation } from "@anneal/contracts";
import { boolean, pgTable, unique, uuid } from "drizzle-orm/pg-core";
import { byteCount, createdAt, id } from "../columns.ts";
import { jsonb, text } from "../storable.ts";
import { checkpoints } from "./checkpoints.ts";
import { runs } from "./runs.ts";

// A content-addressed result; exporting the same thing again finds the row that is there.
export const artifacts = pgTable(
  "artifacts",
  {
    id: id(),
    runId: uuid("run_id").references(() => runs.id, { onDelete: "cascade" }),
    checkpointId: uuid("checkpoint_id").references(() => checkpoints.id, { onDelete: "set null" }),
    kind: text("kind").$type<ArtifactKind>().notNull(),
    name: text("name").notNull(),
    ggufType: text("gguf_type"),
    digest: text("digest").notNull(),
    bytes: byteCount("bytes").notNull(),
    file: text("file").notNull(), // its place in the run's folder
    stored: boolean("stored").notNull().default(true), // false: made before there was a store; adopted by a worker
    quantisation: jsonb("quantisation").$type<Quantisation>(), // GGUF only: what rounding cost
    createdAt: createdAt(),
  },
  (t) => [unique("artifacts_name").on(t.runId, t.kind, t.name)],
);
