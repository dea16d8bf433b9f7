// What Postgres itself keeps apart: each table of the schema, seen and written by a connection of another project.
import { createDatabase, type Database, newId, sql, tenancy } from "@anneal/db";
import { acrossProjects } from "@anneal/db/across-projects";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

let database: TestDatabase;
let everywhere: Database;
const [mine, other] = [newId(), newId()];
const runId = newId();
const datasetId = newId();
const tenants = Object.entries(tenancy).filter(([, { by }]) => by !== "installation");

type Column = { name: string; type: string; given: boolean };
const values: Record<string, unknown> = {
  uuid: newId(),
  text: "x",
  integer: 1,
  smallint: 1,
  bigint: 1,
  "double precision": 1,
  boolean: true,
  jsonb: "{}",
  "timestamp with time zone": new Date().toISOString(),
};

/** One row with the fewest values that the table takes. */
async function plant(db: Database, table: string, own: Record<string, unknown>): Promise<void> {
  const { rows } = await everywhere.execute<Column>(sql`
    select column_name as name, data_type as type, (is_nullable = 'YES' or column_default is not null) as given
    from information_schema.columns where table_schema = 'public' and table_name = ${table}`);
  const chosen = rows.filter(({ name, given }) => name in own || !given);
  const texts = chosen.map(({ name, type }) => sql`${name in own ? own[name] : values[type]}`);
  const names = chosen.map(({ name }) => sql.identifier(name));
  await db.execute(
    sql`insert into ${sql.identifier(table)} (${sql.join(names, sql`, `)}) values (${sql.join(texts, sql`, `)})`,
  );
}

const countIn = async (db: Pick<Database, "execute">, table: string) => {
  const { rows } = await db.execute<{ n: number }>(sql`select count(*)::int as n from ${sql.identifier(table)}`);
  return rows[0]?.n;
};

const messageOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    return `${error} ${error instanceof Error ? error.cause : ""}`;
  }
  return "it was not refused";
};

const versionId = newId();
const ownOf = (table: string): Record<string, unknown> => ({
  ...(table === "runs" ? { id: runId, dataset_version_id: versionId } : { run_id: runId }),
  ...(table === "datasets" ? { id: datasetId } : { dataset_id: datasetId }),
  ...(table === "dataset_versions" ? { id: versionId } : {}),
  ...(table === "teacher_files" ? { dataset_version_id: versionId } : {}),
  ...(table === "audit" || table === "api_tokens" ? { project_id: mine } : {}),
});

beforeAll(async () => {
  database = await createTestDatabase();
  everywhere = createDatabase(database.url);
  for (const [id, name] of [
    [mine, "mine"],
    [other, "other"],
  ])
    await everywhere.execute(sql`insert into projects (id, name, created_by) values (${id}, ${name}, 'test')`);
  const first = ["datasets", "dataset_versions", "runs"];
  for (const table of [...first, ...tenants.map(([name]) => name).filter((name) => !first.includes(name))])
    await plant(everywhere.inProject(mine), table, ownOf(table));
});
afterAll(async () => {
  await everywhere.close();
  await database.drop();
});

test("every table of the database is in the list, and those of projects are bound for their owner too", async () => {
  const { rows } = await everywhere.execute<{ name: string; forced: boolean }>(sql`
    select c.relname as name, c.relrowsecurity and c.relforcerowsecurity
      and exists (select 1 from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname) as forced
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind = 'r'`);
  expect(Object.fromEntries(rows.map(({ name, forced }) => [name, forced]))).toEqual(
    Object.fromEntries(Object.entries(tenancy).map(([name, { by }]) => [name, by !== "installation"])),
  );
});

describe.each(tenants.map(([name]) => name))("%s", (table) => {
  test("is read by its own project alone", async () => {
    expect(await countIn(everywhere.inProject(mine), table)).toBe(1);
    expect(await countIn(everywhere.inProject(other), table)).toBe(0);
    expect(await countIn(everywhere, table)).toBe(1); // control: it is there
  });
  test("is neither changed nor removed by another's", async () => {
    const there = sql.identifier(table);
    const { rows } = await everywhere.execute<{ name: string }>(
      sql`select column_name as name from information_schema.columns where table_schema = 'public' and table_name = ${table} limit 1`,
    );
    const column = sql.identifier(rows[0]?.name ?? "");
    const theirs = everywhere.inProject(other);
    expect((await theirs.execute(sql`update ${there} set ${column} = ${column}`)).rowCount).toBe(0);
    expect((await theirs.execute(sql`delete from ${there}`)).rowCount).toBe(0);
    expect(await countIn(everywhere, table)).toBe(1);
  });
  test("takes no row from another project", async () => {
    const smuggled = { ...ownOf(table), project_id: mine, id: newId() };
    expect(await messageOf(plant(everywhere.inProject(other), table, smuggled))).toMatch(/row-level security/);
  });
});

test("a connection that was told no project shows nothing, and one that goes from hand to hand shows each its own", async () => {
  const narrow = createDatabase(database.url, { maxConnections: 1 });
  try {
    for (let turn = 0; turn < 3; turn++) {
      expect(await countIn(narrow.inProject(mine), "runs")).toBe(1);
      expect(await countIn(narrow.inProject(other), "runs")).toBe(0);
      expect(await countIn(narrow.inProject("00000000-0000-0000-0000-000000000000"), "runs")).toBe(0);
      await narrow.inProject(other).transaction(async (tx) => expect(await countIn(tx, "runs")).toBe(0));
    }
    await expect(countIn(narrow.inProject(""), "runs")).resolves.toBe(0);
  } finally {
    await narrow.close();
  }
});

test("a look across projects ends with the look, also where it fails", async () => {
  await everywhere.inProject(other).transaction(async (tx) => {
    expect(await acrossProjects(tx, (all) => countIn(all, "runs"))).toBe(1);
    expect(await countIn(tx, "runs")).toBe(0);
    await expect(acrossProjects(tx, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(await countIn(tx, "runs")).toBe(0);
  });
});

test("control: without its policy another project reads a table", async () => {
  await everywhere.execute(sql`alter table samples disable row level security`);
  expect(await countIn(everywhere.inProject(other), "samples")).toBe(1);
  await everywhere.execute(sql`alter table samples enable row level security`);
});
