import type * as schema from "./schema/index.ts";

/** How a table's rows belong to a project: by their own column, by the row they hang on, or not at all. */
export type Tenancy =
  | { by: "column" }
  | { by: "parent"; parent: "runs" | "datasets"; column: string }
  | { by: "installation" };

const column: Tenancy = { by: "column" };
const ofRun: Tenancy = { by: "parent", parent: "runs", column: "run_id" };
const installation: Tenancy = { by: "installation" };

type Schema = typeof schema;
type TableName = { [K in keyof Schema]: Schema[K] extends { _: { name: infer N } } ? N : never }[keyof Schema];

/**
 * Every table of the schema; one that is left out does not compile. Postgres itself keeps connections of one project to its rows
 * (row-level security, applied by migrate), so no query can forget a condition.
 */
export const tenancy: Record<TableName & string, Tenancy> = {
  api_tokens: column,
  artifacts: ofRun,
  attempts: ofRun,
  audit: column,
  checkpoints: ofRun,
  dataset_versions: { by: "parent", parent: "datasets", column: "dataset_id" },
  datasets: column,
  deployments: ofRun,
  idempotency_keys: column,
  invitations: column,
  models: column,
  run_events: ofRun,
  run_metric_rollups: ofRun,
  run_metrics: ofRun,
  runs: column,
  samples: ofRun,
  teacher_files: column,
  uploads: column,
  work_requests: column,

  account: installation,
  audit_seals: installation, // digests alone, of all projects in one chain
  project_members: installation,
  projects: installation,
  session: installation,
  setup_tokens: installation,
  user: installation,
  verification: installation,
  worker_join_tokens: installation,
  workers: installation,
};

// `anneal.project` is the project that a connection works in, or this for all of them. Not set, no row is seen.
export const everyProject = "*";
const everywhere = `(select current_setting('anneal.project', true) = '${everyProject}')`;

/** Which rows a connection sees and may write. The sub-selects are evaluated once a query, not once a row. */
export function visible(table: string, rule: Tenancy): string | null {
  if (rule.by === "installation") return null;
  if (rule.by === "column") return `${everywhere} or project_id = (select anneal_project())`;
  return `${everywhere} or exists (select 1 from ${rule.parent} parent where parent.id = ${table}.${rule.column})`;
}
