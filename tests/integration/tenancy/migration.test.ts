// A database of the version before projects, brought to this one with its rows.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultProjectId } from "@anneal/contracts";
import { createDatabase, everyProject, migrate, migrationsFolder, newId } from "@anneal/db";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as applyMigrations } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), "anneal-migrations-"));
  cpSync(migrationsFolder(), folder, { recursive: true });
  const journal = join(folder, "meta/_journal.json");
  const { entries, ...rest } = JSON.parse(readFileSync(journal, "utf8")) as { entries: { tag: string }[] };
  const before = entries.slice(
    0,
    entries.findIndex(({ tag }) => tag.endsWith("_projects")),
  );
  writeFileSync(journal, JSON.stringify({ ...rest, entries: before }));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

test("all that exists belongs to the default project, and who could sign in administers it", async () => {
  const client = new pg.Client({ connectionString: database.url, options: `-c anneal.project=${everyProject}` });
  await client.connect();
  await client.query("drop schema public cascade; drop schema drizzle cascade; create schema public");
  await applyMigrations(drizzle(client), { migrationsFolder: folder });
  const [dataset, version, run, model, upload, teacher, own, child, admin] = Array.from({ length: 9 }, () => newId());
  await client.query(`
    insert into "user" (id, name, email, created_at) values ('u1', 'Ada', 'a@x', '2026-01-01'), ('u2', 'Bob', 'b@x', '2026-02-01');
    insert into datasets (id, name, created_by) values ('${dataset}', 'colours', 'u1');
    insert into dataset_versions (id, dataset_id, number, digest, rows, bytes, format, source_name, path)
      values ('${version}', '${dataset}', 1, 'sha256:1', 1, 1, 'chat', 'a', '/a');
    insert into runs (id, name, spec, dataset_version_id, created_by) values ('${run}', 'r', '{}', '${version}', 'u1');
    insert into run_metrics (run_id, name, step, time, tokens, value, attempt) values ('${run}', 'train/loss', 1, now(), 1, 1, 1);
    insert into models (id, name, ref, source, created_by) values ('${model}', 'm', '/m', 'gguf', 'u1');
    insert into uploads (id, file_name, path, bytes, created_by, expires_at) values ('${upload}', 'f', '/f', 1, 'u1', now());
    insert into teacher_files (id, name, input, dataset_version_id, created_by) values ('${teacher}', 't', '{}', '${version}', 'u1');
    insert into idempotency_keys (scope, key, input_hash, result_id) values ('runs.create user u1', 'k', 'h', '${run}');
    insert into audit (id, actor_kind, actor_id, actor_name, action, subject) values ('${newId()}', 'user', 'u1', 'Ada', 'run.create', '${run}');
    insert into api_tokens (id, name, prefix, hash, permissions, created_by) values
      ('${own}', 'own', 'p', 'h1', '["runs:read"]', 'u2'), ('${admin}', 'machine', 'p', 'h2', '["runs:read","system:admin"]', 'system');
    insert into api_tokens (id, name, prefix, hash, permissions, created_by, parent_id)
      values ('${child}', 'child', 'p', 'h3', '["runs:read"]', '${own}', '${own}')`);
  await client.end();
  await migrate(database.url);
  await migrate(database.url); // a second start changes nothing

  const everywhere = createDatabase(database.url);
  const rowsOf = async (text: string) => (await everywhere.pool.query<Record<string, unknown>>(text)).rows;
  for (const table of ["datasets", "runs", "models", "uploads", "teacher_files", "idempotency_keys", "audit"])
    expect(await rowsOf(`select project_id from ${table}`), table).toEqual([{ project_id: defaultProjectId }]);
  const seen = everywhere.inProject(defaultProjectId);
  for (const table of ["runs", "dataset_versions", "run_metrics"])
    expect((await seen.execute(`select 1 from ${table}`)).rowCount, table).toBe(1);
  expect(await rowsOf("select name, owner_id from projects")).toEqual([{ name: "Default", owner_id: "u1" }]);
  expect(await rowsOf("select user_id, role from project_members order by user_id")).toEqual([
    { user_id: "u1", role: "admin" },
    { user_id: "u2", role: "admin" },
  ]);
  expect(await rowsOf(`select administrator, disabled_at from "user"`)).toEqual(
    Array(2).fill({ administrator: true, disabled_at: null }),
  );
  expect(await rowsOf("select name, project_id, owner_id from api_tokens order by name")).toEqual([
    { name: "child", project_id: defaultProjectId, owner_id: "u2" },
    { name: "machine", project_id: null, owner_id: null },
    { name: "own", project_id: defaultProjectId, owner_id: "u2" },
  ]);
  await everywhere.close();
});
