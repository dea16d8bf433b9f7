import { rmSync } from "node:fs";
import { schema, sql } from "@anneal/db";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { runs } from "@anneal/services";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasEnded, type Lab, openLab } from "../../support/worker-lab.ts";

let database: TestDatabase;
let lab: Lab;
beforeEach(async () => {
  database = await createTestDatabase();
  lab = await openLab({ databaseUrl: database.url, rows: 16 });
});
afterEach(async () => {
  await lab.close();
  await database.drop();
});

const ended = hasEnded("succeeded", "failed", "cancelled");
const short = {
  maxSteps: 1,
  evaluation: { heldOutFraction: 0.2, maxRows: 1, maxNewTokens: 1 },
  export: { gguf: [], merged: false },
};

/** Copies of a queued run, each with its message, as that many requests would have made them. */
async function copies(runId: string, count: number): Promise<string[]> {
  const { db, queue } = lab.ctx;
  const made = await db.execute<{ id: string }>(sql`
    insert into runs (id, project_id, name, spec, inputs, plan, dataset_version_id, store, created_by, last_seq)
    select gen_random_uuid(), project_id, name, spec, inputs, plan, dataset_version_id, store, created_by, -1
    from runs, generate_series(1, ${count}) where id = ${runId} returning id`);
  const ids = made.rows.map(({ id }) => id);
  await db.transaction(async (tx) => {
    for (const id of ids) await queue.enqueue(tx, "run.advance", { runId: id });
  });
  return ids;
}

test("after a thousand cancelled runs the next one starts at once", async () => {
  const { db, queue } = lab.ctx;
  const first = await lab.createRun(short);
  const ids = [first.id, ...(await copies(first.id, 999))];
  for (const runId of ids) await runs.cancel(lab.ctx, { runId });
  const left = await db.execute(sql`select 1 from pgboss.job where name = 'run.advance' and state = 'created'`);
  expect(left.rows).toHaveLength(0);
  // And where the messages of dead runs are still there, as an older version leaves them.
  await db.transaction(async (tx) => {
    for (const runId of ids) await queue.enqueue(tx, "run.advance", { runId });
  });
  const live = await lab.createRun(short);
  lab.startWorker();
  const run = await lab.until(live.id, "ended", ended, 120);
  expect(run.status).toBe("succeeded");
  const [worker] = await db.select().from(schema.workers);
  const waited = (Date.parse(run.startedAt ?? "") - (worker?.startedAt.getTime() ?? Number.NaN)) / 1000;
  expect(waited).toBeLessThan(5); // a second on a machine of its own; 79 minutes before
});

test("live queued runs follow each other without a pause, in the order of the queue", async () => {
  const made = [];
  for (let i = 0; i < 5; i++) made.push(await lab.createRun(short));
  lab.startWorker();
  const attempts = [];
  for (const { id } of made) {
    const run = await lab.until(id, "ended", ended, 120);
    expect(run.status).toBe("succeeded");
    attempts.push(...run.attempts);
  }
  expect(attempts).toHaveLength(5);
  const gaps = attempts
    .slice(1)
    .map(({ startedAt }, i) => (Date.parse(startedAt) - Date.parse(attempts[i]?.endedAt ?? "")) / 1000);
  console.log(`pauses between runs: ${gaps.join(", ")} s`);
  for (const gap of gaps) {
    expect(gap).toBeGreaterThanOrEqual(0);
    expect(gap).toBeLessThan(2); // a tenth of a second where nothing else works; 4 s before
  }
});

test("a run whose shards are in the cache goes its way though the file of its dataset is gone", async () => {
  const first = await lab.createRun(short);
  const second = await lab.createRun({ ...short, name: "again" });
  await runs.pause(lab.ctx, { runId: second.id });
  lab.startWorker();
  expect((await lab.until(first.id, "ended", ended, 120)).status).toBe("succeeded");
  rmSync(lab.ctx.paths.datasets, { recursive: true });
  await runs.resume(lab.ctx, { runId: second.id });
  const run = await lab.until(second.id, "ended", ended, 120);
  expect(run).toMatchObject({ status: "succeeded", problem: null });
  expect(run.attempts).toHaveLength(1);
});
