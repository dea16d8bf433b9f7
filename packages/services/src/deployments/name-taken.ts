import { schema } from "@anneal/db";
import { type SQL, sql } from "drizzle-orm";

const { deployments } = schema;

/** The publications under a name as Ollama reads it: `colours` is `colours:latest`, whatever its capitals. */
export const underName = (name: string): SQL<boolean> =>
  sql<boolean>`lower(regexp_replace(${deployments.name}, ':latest$', '', 'i')) = lower(regexp_replace(${name}, ':latest$', '', 'i'))`;
