import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import pg from "pg";
import * as schema from "./schema/index.ts";

export type Schema = typeof schema;
type Drizzle = NodePgDatabase<Schema>;
export type Transaction = Parameters<Parameters<Drizzle["transaction"]>[0]>[0];

/** A pool with the schema on it. `close` ends it; `url` is kept for listeners and pg-boss. */
export type Database = Drizzle & { readonly pool: pg.Pool; readonly url: string; close(): Promise<void> };

export interface DatabaseOptions {
  maxConnections?: number;
  applicationName?: string;
  /** A transaction whose process does nothing for so long (it was stopped) is rolled back, so that its locks go. */
  idleInTransactionSeconds?: number;
  /** An answer that takes longer is given up here; a server that is frozen would hold its connection for ever. */
  queryTimeoutSeconds?: number;
  /** Called for errors of idle connections (the server went away); without a listener Node would end the process. */
  onIdleError?: (error: Error) => void;
}

export function createDatabase(url: string, options: DatabaseOptions = {}): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    application_name: options.applicationName ?? "anneal",
    connectionTimeoutMillis: 10_000,
    keepAlive: true, // a half-open connection is noticed
    statement_timeout: 60_000,
    ...(options.queryTimeoutSeconds ? { query_timeout: options.queryTimeoutSeconds * 1000 } : {}),
    idle_in_transaction_session_timeout: (options.idleInTransactionSeconds ?? 60) * 1000,
  });
  const onIdleError = options.onIdleError ?? (() => undefined);
  pool.on("error", onIdleError);
  // The pool listens to idle connections only. One that breaks between two queries of a transaction would end the process;
  // the next query on it fails, and that is where it belongs.
  pool.on("connect", (client) => client.on("error", onIdleError));
  return Object.assign(drizzle(pool, { schema }), { pool, url, close: () => pool.end() });
}
