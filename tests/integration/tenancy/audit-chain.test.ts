import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { sql } from "@anneal/db";
import { auditing, datasets, openAuditKey, projects, sealTrail, systemActor, tokens } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, openWorld, type World } from "../services/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
  // What was told before there was a chain.
  for (let i = 0; i < 3; i++) await tokens.create(world.ctx, { name: `old ${i}`, permissions: ["runs:read"] });
  mkdirSync(world.home, { recursive: true });
  openAuditKey(world.home, { make: true });
  await sealTrail(world.everywhere);
});
afterAll(() => world.close());

const check = (head?: { number: number; mac: string }) => auditing.verify(world.ctx, { head });
/** As somebody who owns the database and switches its triggers off. */
const asOwner = (...changes: ReturnType<typeof sql>[]) =>
  world.everywhere.transaction(async (tx) => {
    await tx.execute(sql`set local session_replication_role = replica`);
    for (const change of changes) await tx.execute(change);
  });

test("the key lies in the home, for its owner alone; rows of before are taken over", async () => {
  expect(statSync(join(world.home, "secrets/audit.key")).mode & 0o777).toBe(0o600);
  expect(await check()).toMatchObject({ ok: true, rows: 3, adopted: 3, waiting: 0 });
});

test("many verbs at once make one chain, each linked when it answers", async () => {
  const made = await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const { summary } = await tokens.create(world.ctx, { name: `t ${i}`, permissions: ["runs:read"] });
      const { rows } = await world.everywhere.execute(sql`select 1 from audit a join audit_seals s on s.audit_id = a.id
        where a.subject = ${summary.id}`);
      return rows.length;
    }),
  );
  expect(made).toEqual(Array(40).fill(1));
  expect(await check()).toMatchObject({ ok: true, rows: 43, waiting: 0, head: { number: 43 } });
});

test("a verb whose service tells nothing is told by its name", async () => {
  const { uploadId } = await datasets.receiveUpload(world.ctx, {
    fileName: "a.jsonl",
    body: bodyOf(`{"prompt":"a","completion":"b"}\n`),
  });
  await datasets.inspect(world.ctx, { uploadId });
  const { rows } = await world.everywhere.execute(sql`select action, subject from audit order by id desc limit 1`);
  expect(rows).toEqual([{ action: "datasets.inspect", subject: uploadId }]);
});

test("what was done in one project is in the same chain, and seen in that project alone", async () => {
  const admin = { ...world.ctx, actor: { ...systemActor, kind: "user" as const, id: "u1", name: "Ada" } };
  const project = await projects.create(admin, { name: "another" });
  const there = { ...admin, projectId: project.id, db: world.everywhere.inProject(project.id) };
  await projects.invite(there, { role: "viewer" });
  const seen = await there.db.execute(sql`select action from audit`);
  expect(seen.rows).toEqual([{ action: "project.invite" }]);
  expect(await check()).toMatchObject({ ok: true, waiting: 0 });
});

test("tampering in the database is found, a cut end by an exported head", async () => {
  const head = await auditing.head(world.ctx, undefined);
  const attempts = [
    sql`update audit set action = 'nothing' where subject = (select subject from audit order by id desc limit 1)`,
    sql`update audit set time = time - interval '1 day' where id = (select id from audit order by id limit 1)`,
    sql`delete from audit where id = (select id from audit order by id desc limit 1 offset 2)`,
    sql`insert into audit select gen_random_uuid(), time, actor_kind, actor_id, actor_name, action, subject, details, project_id, mac from audit limit 1`,
    sql`delete from audit_seals`,
    sql`with gone as (delete from audit_seals where number > ${head.number - 2} returning audit_id) delete from audit where id in (select audit_id from gone)`,
  ];
  await world.everywhere.execute(sql`create table audit_kept as table audit`);
  await world.everywhere.execute(sql`create table seals_kept as table audit_seals`);
  for (const [i, change] of attempts.entries()) {
    await asOwner(change);
    expect(await check(head), `${i}`).toMatchObject({ ok: false });
    const empty = [sql`delete from audit`, sql`delete from audit_seals`];
    await asOwner(
      ...empty,
      sql`insert into audit select * from audit_kept`,
      sql`insert into audit_seals select * from seals_kept`,
    );
  }
  expect(await check(head)).toMatchObject({ ok: true }); // control: what is put back as it was is whole
});
