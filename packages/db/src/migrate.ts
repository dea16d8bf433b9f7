import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as applyMigrations } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import { applyTenancy } from "./apply-tenancy.ts";
import { everyProject } from "./tenancy.ts";

// One number for the whole product: two starters at once wait for each other.
const migrationLock = 0x616e6e65;

/** The folder of SQL migrations: beside the sources, or above the bundle that runs. */
export function migrationsFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const up of ["../../..", "../..", "..", "../../../.."]) {
    const folder = join(here, up, "drizzle");
    if (existsSync(join(folder, "meta/_journal.json"))) return folder;
  }
  const folder = join(process.cwd(), "drizzle");
  if (existsSync(join(folder, "meta/_journal.json"))) return folder;
  throw new Error(`no drizzle/ folder with migrations above ${here}; start Anneal from its own folder`);
}

/** Brings a database to the newest schema; safe when several processes start at once. */
export async function migrate(url: string, folder = migrationsFolder()): Promise<void> {
  // Migrations carry over the rows of all projects.
  const options = `-c anneal.project=${everyProject}`;
  const client = new pg.Client({ connectionString: url, application_name: "anneal-migrate", options });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [migrationLock]);
    await applyMigrations(drizzle(client), { migrationsFolder: folder });
    // Today's rules are those of today's tables; an earlier folder does not have them all.
    if (folder === migrationsFolder()) await applyTenancy(client);
  } finally {
    await client.end(); // the lock goes with the session
  }
}
