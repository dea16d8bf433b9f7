import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultProjectId } from "@anneal/contracts";
import { everyProject, migrate, newId } from "@anneal/db";
import { type EmbeddedPostgres, grantToApp, makeRoles, startEmbeddedPostgres } from "@anneal/db/embedded";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installQueue, startQueue } from "../../apps/worker/src/queue.ts";
import { SupervisedPostgres } from "../../apps/worker/src/supervisor/postgres.ts";
import { silentLog } from "./services/world.ts";

const settings = ["fsync=off", "synchronous_commit=off"];
const homes: string[] = [];
const servers: { stop(): Promise<void> }[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});
function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), "anneal-roles-"));
  mkdirSync(join(home, "logs"));
  homes.push(home);
  return home;
}
async function query(url: string, ...texts: string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, options: `-c anneal.project=${everyProject}` });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const text of texts) rows = (await client.query(text)).rows;
    return rows;
  } finally {
    await client.end();
  }
}
const audited = `insert into audit (id, actor_kind, actor_id, actor_name, action, subject)
  values (gen_random_uuid(), 'user', '1', 'a', 'b', 'c')`;

/** What an app must not be able to do, however it comes to send it. */
const refused = [
  "create table x (a int)",
  "create temporary table x (a int)",
  "create schema x",
  "drop table runs",
  "alter table runs disable row level security",
  "alter table runs no force row level security",
  "alter table runs add column x int",
  "alter table audit disable trigger all",
  "create or replace function audit_refuse_change() returns trigger language plpgsql as 'begin return new; end'",
  "set session_replication_role = replica",
  "update audit set action = 'x'",
  "delete from audit",
  "truncate audit",
  "truncate runs",
  "create role x superuser",
  "alter role anneal_app superuser",
  "alter role anneal_owner password 'x'",
  "set role anneal_owner",
  "set role anneal",
  "select pg_read_file('/etc/passwd')",
  "select lo_import('/etc/passwd')",
  "copy (select 1) to '/tmp/anneal-probe'",
  "copy runs from program 'id'",
  "alter system set log_min_messages = 'panic'",
  "create extension dblink",
  "drop table pgboss.job",
  "insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 1)",
];

describe("a new home", () => {
  let server: SupervisedPostgres;
  let superuser = "";
  beforeAll(async () => {
    const home = newHome();
    server = await SupervisedPostgres.start({ home, settings, say: () => undefined, onNewUrl: () => undefined });
    servers.push(server);
    await server.prepare();
    superuser = (await startEmbeddedPostgres({ dataDir: join(home, "postgres") })).url();
  });

  test("the app's role reads and writes rows, and adds to the audit trail", async () => {
    await query(server.url, audited);
    expect(await query(server.url, "select action from audit")).toEqual([{ action: "b" }]);
    const id = newId();
    await query(
      server.url,
      `insert into datasets (id, project_id, name, created_by) values ('${id}', '${defaultProjectId}', 'd', 'u')`,
    );
    await query(server.url, `update datasets set name = 'e' where id = '${id}'`);
    expect(await query(server.url, `delete from datasets where id = '${id}' returning name`)).toEqual([{ name: "e" }]);
    const queue = await startQueue({ databaseUrl: server.url, log: silentLog, consume: true });
    const sent = await queue.boss.send("system.reconcile", {});
    expect((await queue.boss.fetch("system.reconcile")).map(({ id }) => id)).toEqual([sent]);
    await queue.stop();
  });

  test.each(refused)("the app's role may not: %s", async (text) => {
    await expect(query(server.url, text)).rejects.toThrow(/permission denied|must be owner|not permitted|must have/i);
  });

  test("control: a superuser may switch the trail's triggers off", async () => {
    const gone = await query(
      superuser,
      "begin",
      "set local session_replication_role = replica",
      "delete from audit returning action",
      "rollback",
      "select count(*)::int as kept from audit",
    );
    expect(gone).toEqual([{ kept: 1 }]);
    await query(superuser, "begin", "alter table audit disable trigger all", "rollback");
  });

  test("preparing again changes nothing, and what comes later is granted too", async () => {
    await server.prepare();
    expect(await query(server.url, "select action from audit")).toEqual([{ action: "b" }]);
    await expect(query(server.url, "delete from audit")).rejects.toThrow(/permission denied/);
  });
});

test("a home of an older version, where one superuser owned all, is taken over in place", async () => {
  const home = newHome();
  const dataDir = join(home, "postgres");
  let server: EmbeddedPostgres = await startEmbeddedPostgres({ dataDir, settings });
  await migrate(server.url());
  await installQueue(server.url());
  await query(
    server.url(),
    audited,
    `insert into datasets (id, project_id, name, created_by) values ('${newId()}', '${defaultProjectId}', 'kept', 'u')`,
  );
  await server.stop();
  // As the older version wrote it: the superuser's password alone.
  const { port, password } = JSON.parse(readFileSync(`${dataDir}.json`, "utf8")) as Record<string, unknown>;
  writeFileSync(`${dataDir}.json`, JSON.stringify({ port, password }));

  server = await startEmbeddedPostgres({ dataDir, settings });
  servers.push(server);
  const [owner, app] = [server.roleUrl("owner"), server.roleUrl("app")];
  await makeRoles(server.url(), server.passwords);
  await migrate(owner);
  await installQueue(owner);
  await grantToApp(owner);
  expect(await query(app, "select name from datasets")).toEqual([{ name: "kept" }]);
  await query(app, audited);
  await expect(query(app, "delete from audit")).rejects.toThrow(/permission denied/);
  expect(
    await query(
      server.url(),
      `select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname in ('public', 'drizzle', 'pgboss') and c.relowner <> 'anneal_owner'::regrole
       union all select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname in ('public', 'drizzle', 'pgboss') and p.proowner <> 'anneal_owner'::regrole`,
    ),
  ).toEqual([]);
  // The next version's migration: the owner changes the schema, and what it adds is granted at the next start.
  await query(owner, "alter table runs add column probe int", "create table later (a int)");
  await grantToApp(owner);
  await query(app, "insert into later values (1)");
  const again = await startEmbeddedPostgres({ dataDir, settings });
  expect(again.roleUrl("app")).toBe(app);
});
