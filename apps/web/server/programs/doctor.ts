import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createDatabase, type Database, sql } from "@anneal/db";
import { startEmbeddedPostgres } from "@anneal/db/embedded";
import { engineInfo, useAddon as nameAddon } from "@anneal/engine";
import { system } from "@anneal/services";
import { readEnv } from "../env.ts";
import { createOllamaPort } from "../ollama-port.ts";

// ./anneal doctor: the same checks as in the console, without a running server.
const env = readEnv();
mkdirSync(env.home, { recursive: true, mode: 0o700 });
if (existsSync(env.engineAddon)) nameAddon(env.engineAddon);

async function ask<T>(url: string, question: (db: Database) => Promise<T>): Promise<T> {
  const db = createDatabase(url, { maxConnections: 1, applicationName: "anneal-doctor" });
  try {
    return await question(db);
  } finally {
    await db.close();
  }
}

const versionAt = (url: string): Promise<string> =>
  ask(url, async (db) => {
    const answer = await db.execute<{ version: string }>(sql`select version()`);
    return answer.rows[0]?.version.split(" on ")[0] ?? "it answers";
  });

/** The embedded Postgres is truly started (and stopped again): that it can be is what is asked. */
async function embeddedVersion(): Promise<string> {
  const postgres = await startEmbeddedPostgres({
    dataDir: join(env.home, "postgres"),
    logFile: join(env.home, "logs/postgres.log"),
  });
  try {
    return `${await versionAt(postgres.url("postgres"))} (embedded${postgres.started ? "; starts and stops" : ", running"})`;
  } finally {
    if (postgres.started) await postgres.stop();
  }
}

mkdirSync(join(env.home, "logs"), { recursive: true });
const checks = await system.machineChecks({
  home: env.home,
  engineInfo,
  ollamaStatus: () => createOllamaPort(env.ollamaHost, env.paths.ollamaModels).status(),
  databaseVersion: () => (env.databaseUrl ? versionAt(env.databaseUrl) : embeddedVersion()),
  // The embedded one is served with a plain role.
  databaseSuperuser: async () => (env.databaseUrl ? ask(env.databaseUrl, system.superuserName) : null),
});
if (process.argv.includes("--json")) console.log(JSON.stringify(checks, null, 2));
else
  for (const { name, status, found, remedy } of checks) {
    console.log(`  ${status.padEnd(8)} ${name.padEnd(14)} ${found}`);
    if (remedy) console.log(`${" ".repeat(26)}remedy: ${remedy}`);
  }
process.exit(checks.some(({ status }) => status === "missing") ? 10 : 0);
