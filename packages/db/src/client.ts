import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import pg from "pg";
import { memberRole, passesRowSecurity } from "./member-role.ts";
import * as schema from "./schema/index.ts";
import { everyProject } from "./tenancy.ts";

export type Schema = typeof schema;
type Drizzle = NodePgDatabase<Schema>;
export type Transaction = Parameters<Parameters<Drizzle["transaction"]>[0]>[0];

/** A pool with the schema on it. `close` ends it; `url` is kept for listeners and pg-boss. */
export type Database = Drizzle & {
  readonly pool: pg.Pool;
  readonly url: string;
  /** The same database as one project sees it: rows of all others are not there. */
  inProject(projectId: string): Database;
  close(): Promise<void>;
};

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

function createPool(url: string, options: DatabaseOptions, settings?: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    application_name: options.applicationName ?? "anneal",
    connectionTimeoutMillis: 10_000,
    keepAlive: true, // a half-open connection is noticed
    statement_timeout: 60_000,
    ...(settings ? { options: settings } : {}),
    ...(options.queryTimeoutSeconds ? { query_timeout: options.queryTimeoutSeconds * 1000 } : {}),
    idle_in_transaction_session_timeout: (options.idleInTransactionSeconds ?? 60) * 1000,
  });
  const onIdleError = options.onIdleError ?? (() => undefined);
  pool.on("error", onIdleError);
  // The pool listens to idle connections only. One that breaks between two queries of a transaction would end the process;
  // the next query on it fails, and that is where it belongs.
  pool.on("connect", (client) => client.on("error", onIdleError));
  return pool;
}

/** Connections that see one project at a time. Fresh ones see none, so one that was not told shows nothing. */
class MemberConnections {
  private readonly pool: pg.Pool;
  private readonly projects = new WeakMap<pg.PoolClient, string>();

  constructor(url: string, options: DatabaseOptions) {
    this.pool = createPool(url, options);
  }

  async connect(projectId: string): Promise<pg.PoolClient> {
    const client = await this.pool.connect();
    const before = this.projects.get(client);
    if (before === projectId) return client;
    try {
      if (before === undefined && (await passesRowSecurity(client))) await client.query(`set role ${memberRole}`);
      await client.query("select set_config('anneal.project', $1, false)", [projectId]);
    } catch (error) {
      client.release(true);
      throw error;
    }
    this.projects.set(client, projectId);
    return client;
  }

  end = () => this.pool.end();
}

/** What drizzle asks of a pool (it knows one by this class's name), with every connection bound to the project. */
class ProjectPool {
  constructor(
    private readonly members: MemberConnections,
    private readonly projectId: string,
  ) {}

  connect = () => this.members.connect(this.projectId);

  async query(config: pg.QueryConfig, values?: unknown[]): Promise<pg.QueryResult> {
    const client = await this.connect();
    try {
      return await client.query(config, values);
    } finally {
      client.release();
    }
  }
}

/** Connections that see every project; what serves people works with `inProject`. */
export function createDatabase(url: string, options: DatabaseOptions = {}): Database {
  const pool = createPool(url, options, `-c anneal.project=${everyProject}`);
  let members: MemberConnections | null = null;
  const inProject = (projectId: string): Database => {
    members ??= new MemberConnections(url, options);
    const bound = new ProjectPool(members, projectId) as unknown as pg.Pool;
    return Object.assign(drizzle(bound, { schema }), { pool: bound, url, inProject, close: async () => undefined });
  };
  const close = async () => {
    await Promise.all([pool.end(), members?.end()]);
  };
  return Object.assign(drizzle(pool, { schema }), { pool, url, inProject, close });
}
