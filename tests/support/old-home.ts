// Homes that earlier commits left, kept in tests/fixtures/homes/ with the scripts that made them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { createDatabase, sql } from "@anneal/db";
import { createEmptyDatabase, migrateEarlier } from "@anneal/db/testing";
import { repoRoot } from "./paths.ts";

interface ExpectedRun {
  id: string;
  trained: string[];
  metrics: number;
  artifacts: string[];
}

interface Table {
  table: string;
  columns: string[];
  rows: string[]; // JSON as Postgres wrote it: no number goes through a JavaScript one
}

export interface OldHome {
  home: string;
  databaseUrl: string;
  tables: Table[];
  /** What the old code reached when it went on. */
  expected: Record<"done" | "paused" | "queued", ExpectedRun> & { cancelled: { id: string } };
  close(): Promise<void>;
}

/** Lays the home of a commit out in a folder of its own, and its rows in a database with that commit's schema. */
export async function openOldHome(commit: string, migrations: number): Promise<OldHome> {
  const work = mkdtempSync(join(tmpdir(), `anneal-home-${commit}-`));
  const tar = brotliDecompressSync(readFileSync(join(repoRoot, `tests/fixtures/homes/${commit}.tar.br`)));
  execFileSync("tar", ["-x", "-C", work], { input: tar });
  const home = join(work, "home");
  const database = await createEmptyDatabase();
  await migrateEarlier(database.url, migrations);
  const tables = readFileSync(join(work, "rows.jsonl"), "utf8")
    .replaceAll("@HOME@", home)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Table);
  const db = createDatabase(database.url, { maxConnections: 1 });
  await db.execute(sql.raw(readFileSync(join(work, "pgboss.sql"), "utf8")));
  for (const { table, columns, rows } of tables) {
    const list = columns.map((column) => `"${column}"`).join(", ");
    await db.execute(
      sql`insert into ${sql.raw(`${table} (${list})`)} select ${sql.raw(list)}
        from jsonb_populate_recordset(null::${sql.raw(table)}, ${`[${rows.join(",")}]`}::jsonb) on conflict do nothing`,
    );
  }
  await db.close();
  const { runs } = JSON.parse(readFileSync(join(work, "expected.json"), "utf8")) as { runs: OldHome["expected"] };
  return {
    home,
    databaseUrl: database.url,
    tables,
    expected: runs,
    async close() {
      await database.drop();
      rmSync(work, { recursive: true, force: true });
    },
  };
}
