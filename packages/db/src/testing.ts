import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as applyMigrations } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import { startEmbeddedPostgres } from "./embedded.ts";
import { migrate, migrationsFolder } from "./migrate.ts";
import { tenancy, visible } from "./tenancy.ts";

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

// One server for each checkout: the programs it runs lie in that checkout's packages, and are gone when it is.
const checkout = createHash("sha256")
  .update(dirname(fileURLToPath(import.meta.url)))
  .digest("hex")
  .slice(0, 8);
const home = join(tmpdir(), `anneal-test-postgres-${process.getuid?.() ?? 0}-${checkout}`);

function migrationsDigest(): string {
  const folder = migrationsFolder();
  const hash = createHash("sha256");
  for (const [table, rule] of Object.entries(tenancy)) hash.update(`${table}: ${visible(table, rule)}\n`);
  for (const name of readdirSync(folder).sort())
    if (name.endsWith(".sql")) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest("hex").slice(0, 16);
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The one embedded server that all test processes share; ends half a minute after the last of them. */
async function sharedServer() {
  const users = join(home, "users");
  mkdirSync(users, { recursive: true });
  writeFileSync(join(users, String(process.pid)), "");
  const server = await startEmbeddedPostgres({
    dataDir: join(home, "data"),
    logFile: join(home, "postgres.log"),
    // Test data need not outlive a power cut.
    settings: ["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
  });
  if (server.started) {
    const reaper = join(dirname(fileURLToPath(import.meta.url)), "testing-reaper.mjs");
    spawn(process.execPath, [reaper, String(server.pid), users], { detached: true, stdio: "ignore" }).unref();
  }
  return server;
}

const named = () => `test_${randomBytes(8).toString("hex")}`;
const testDatabase = (server: Awaited<ReturnType<typeof sharedServer>>, name: string): TestDatabase => ({
  url: server.url(name),
  drop: () =>
    withClient(server.url("postgres"), async (client) => {
      await client.query(`drop database if exists ${name} with (force)`);
    }),
});

/** A database without a schema, for rows of an older version. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const server = await sharedServer();
  const name = named();
  await withClient(server.url("postgres"), (client) => client.query(`create database ${name}`));
  return testDatabase(server, name);
}

/** The first migrations alone, as an earlier commit had them; rules that lie beside the migrations are not applied. */
export async function migrateEarlier(url: string, count: number): Promise<void> {
  const all = migrationsFolder();
  const folder = mkdtempSync(join(tmpdir(), "anneal-migrations-"));
  const journal = JSON.parse(readFileSync(join(all, "meta/_journal.json"), "utf8")) as { entries: { tag: string }[] };
  const entries = journal.entries.slice(0, count);
  mkdirSync(join(folder, "meta"));
  writeFileSync(join(folder, "meta/_journal.json"), JSON.stringify({ ...journal, entries }));
  for (const { tag } of entries) copyFileSync(join(all, `${tag}.sql`), join(folder, `${tag}.sql`));
  await withClient(url, (client) => applyMigrations(drizzle(client), { migrationsFolder: folder }));
  rmSync(folder, { recursive: true });
}

/** A fresh, migrated database: a copy of a template, which costs some tens of milliseconds. Use one per suite. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = await sharedServer();
  const template = `template_${migrationsDigest()}`;
  const name = named();
  await withClient(server.url("postgres"), async (client) => {
    await client.query("select pg_advisory_lock(7355608)");
    const { rowCount } = await client.query("select 1 from pg_database where datname = $1", [template]);
    if (!rowCount) {
      const building = `${template}_building`;
      await client.query(`drop database if exists ${building} with (force)`);
      await client.query(`create database ${building}`);
      await migrate(server.url(building));
      await client.query(`alter database ${building} rename to ${template}`);
    }
    await client.query(`create database ${name} template ${template}`);
  });
  return testDatabase(server, name);
}
