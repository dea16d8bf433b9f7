import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { startEmbeddedPostgres } from "./embedded.ts";
import { migrate } from "./migrate.ts";

const home = mkdtempSync(join(tmpdir(), "anneal-embedded-"));
const options = { dataDir: join(home, "postgres"), logFile: join(home, "log") };

async function query(url: string, text: string) {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

afterAll(async () => {
  await (await startEmbeddedPostgres(options)).stop();
  rmSync(home, { recursive: true, force: true });
});

test("two starters at once share one server; the password is private", async () => {
  const [a, b] = await Promise.all([startEmbeddedPostgres(options), startEmbeddedPostgres(options)]);
  expect(a.pid).toBe(b.pid);
  expect([a.started, b.started].sort()).toEqual([false, true]);
  expect(statSync(`${options.dataDir}.json`).mode & 0o777).toBe(0o600);
});

test("two migrations at once give one schema; the audit trail refuses changes", async () => {
  const server = await startEmbeddedPostgres(options);
  await Promise.all([migrate(server.url()), migrate(server.url())]);
  await query(
    server.url(),
    "insert into audit (id, actor_kind, actor_id, actor_name, action, subject) values (gen_random_uuid(), 'user', '1', 'a', 'b', 'c')",
  );
  await expect(query(server.url(), "update audit set action = 'x'")).rejects.toThrow("append-only");
  await expect(query(server.url(), "delete from audit")).rejects.toThrow("append-only");
  await expect(query(server.url(), "truncate audit")).rejects.toThrow("append-only");
});

test("comes back on the same port after kill -9, with everything that was committed", async () => {
  const before = await startEmbeddedPostgres(options);
  await query(before.url(), "create table kept as select 42 as answer");
  process.kill(before.pid, "SIGKILL");
  const after = await startEmbeddedPostgres(options);
  expect(after.pid).not.toBe(before.pid);
  expect(after.port).toBe(before.port);
  expect(await query(after.url(), "select answer from kept")).toEqual([{ answer: 42 }]);
});

test("a stale pid file that names a stranger does not stop it", async () => {
  const server = await startEmbeddedPostgres(options);
  const pidFile = join(options.dataDir, "postmaster.pid");
  const text = readFileSync(pidFile, "utf8");
  process.kill(server.pid, "SIGKILL");
  writeFileSync(pidFile, text.replace(/^\d+/, String(process.pid)));
  const again = await startEmbeddedPostgres(options);
  expect(again.started).toBe(true);
});
