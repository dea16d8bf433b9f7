import { type RunDetail, RunSpec, type RunStatus } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { homeId, runs, workers } from "@anneal/services";
import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { tinyRows } from "../../support/model-files/tiny-model.ts";
import { makeDataset, openWorld, problemOf, type World } from "./world.ts";

const { claimNextRun, requeueRuns, settleRun } = runs.execution;
let world: World;
let dataset = "";
beforeAll(async () => {
  world = await openWorld();
  dataset = await makeDataset(world.ctx, "colours", tinyRows(20));
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.db.delete(schema.runs);
  await world.db.execute(sql`delete from pgboss.job`);
});

const spec = () =>
  RunSpec.parse({ base: world.model, dataset, maxSequenceTokens: 64, microBatchTokens: 256, threads: 1 });
const create = (idempotencyKey?: string) => {
  world.clock.now = new Date(world.clock.now.getTime() + 1000);
  return runs.create(world.ctx, { spec: spec(), idempotencyKey });
};
const claimNext = (store = homeId(world.home)) =>
  claimNextRun(world.ctx, {
    workerId: crypto.randomUUID(),
    workerName: "w",
    store,
    leaseSeconds: 60,
    retry: { attempts: 3, waitSeconds: 0 },
    fenced: true,
  });
const messages = async () => {
  const found = await world.db.execute<{ id: string }>(
    sql`select data->>'runId' as id from pgboss.job where name = 'run.advance' and state = 'created'`,
  );
  return found.rows.map(({ id }) => id).sort();
};
const shownOrder = async () =>
  (await runs.list(world.ctx, { status: ["queued"], limit: 200 })).items
    .sort((a, b) => (a.queuePosition ?? 0) - (b.queuePosition ?? 0))
    .map(({ id }) => id);

test("a queued run that is cancelled, paused or removed takes its message with it", async () => {
  const [a, b, c, d] = [await create(), await create(), await create(), await create()];
  await runs.cancel(world.ctx, { runId: a.id });
  await runs.pause(world.ctx, { runId: b.id });
  await runs.pause(world.ctx, { runId: c.id });
  await runs.remove(world.ctx, { runId: c.id });
  expect(await messages()).toEqual([d.id]);
  await runs.resume(world.ctx, { runId: b.id });
  expect(await messages()).toEqual([b.id, d.id].sort());
});

test("runs are served in the order that is shown, whatever the order of their messages", async () => {
  const made: RunDetail[] = [];
  for (let i = 0; i < 6; i++) made.push(await create());
  const [first, , third] = made;
  // To the end of the queue: paused and resumed, so their rows say later though their runs are older.
  for (const run of [third, first]) {
    await runs.pause(world.ctx, { runId: run?.id ?? "" });
    world.clock.now = new Date(world.clock.now.getTime() + 1000);
    await runs.resume(world.ctx, { runId: run?.id ?? "" });
  }
  // Messages of an older version, of dead runs and in another order.
  const dead = await create();
  await runs.cancel(world.ctx, { runId: dead.id });
  await world.db.execute(sql`delete from pgboss.job`);
  await world.db.transaction(async (tx) => {
    for (const { id } of [dead, ...[...made].reverse()])
      await world.ctx.queue.enqueue(tx, "run.advance", { runId: id });
  });
  const shown = await shownOrder();
  expect(shown.slice(-2)).toEqual([third?.id, first?.id]);
  const served: string[] = [];
  for (let taken = await claimNext(); taken; taken = await claimNext()) served.push(taken.run.id);
  expect(served).toEqual(shown);
});

test("a worker of another store takes no run whose files it cannot see; its summary says whether any worker is there", async () => {
  const { id: runId } = await create();
  const noWorker = async () => (await runs.get(world.ctx, { runId })).noWorker;
  const state = { freeMemoryBytes: 1, diskFreeBytes: 1, load: 0, currentRunId: null };
  const facts = { name: "w", host: "h", pid: 1, roles: ["train" as const], isa: "x", threads: 1, memoryBytes: 1 };
  expect(await noWorker()).toBe(true);
  const elsewhere = await workers.register(world.ctx, { ...facts, home: "another", store: "another" }, state);
  const other = await workers.register(
    world.ctx,
    { ...facts, roles: ["serve"], home: homeId(world.home), store: homeId(world.home) },
    state,
  );
  expect(await noWorker()).toBe(true);
  expect(await claimNext("another")).toBeNull();
  expect(await requeueRuns(world.ctx, "another")).toEqual([]);
  expect(await runs.execution.runsElsewhere(world.ctx, runId, "another")).toBe(true);
  const here = await workers.register(
    world.ctx,
    { ...facts, home: homeId(world.home), store: homeId(world.home) },
    state,
  );
  expect(await noWorker()).toBe(false);
  await world.db.execute(sql`update workers set last_seen_at = now() - interval '1 minute' where id = ${here}`);
  expect(await noWorker()).toBe(true);
  expect((await claimNext())?.run.id).toBe(runId);
  expect(await noWorker()).toBe(false); // it has its worker
  for (const id of [elsewhere, other, here]) await workers.leave(world.ctx, id);
});

const setStatus = (runId: string, status: RunStatus) =>
  world.db.update(schema.runs).set({ status }).where(eq(schema.runs.id, runId));

test("a key answers with a run that waits, trains or ended well, and starts a new one where that was cancelled or failed", async () => {
  const key = "nightly-0001";
  let run = await create(key);
  for (const status of ["queued", "running", "pausing", "paused", "succeeded"] as const) {
    await setStatus(run.id, status);
    expect(await create(key), status).toMatchObject({ id: run.id, replaces: null });
  }
  for (const status of ["cancelled", "failed", "cancelling"] as const) {
    await setStatus(run.id, status);
    const answers = await Promise.all([create(key), create(key), create(key)]);
    const [next] = new Set(answers.map(({ id }) => id));
    expect(new Set(answers.map(({ id }) => id)).size, status).toBe(1); // asked at once: one new run
    expect(next).not.toBe(run.id);
    expect(answers.map(({ replaces }) => replaces).filter((one) => one !== null)).toEqual([{ runId: run.id, status }]);
    run = await runs.create(world.ctx, { spec: spec(), idempotencyKey: key });
    expect(run).toMatchObject({ id: next, status: "queued" });
  }
  // Another spec under the key stays refused, until the run is removed: then the key is free for any.
  const other = { spec: { ...spec(), seed: 8 }, idempotencyKey: key };
  expect(await problemOf(runs.create(world.ctx, other))).toMatchObject({ code: "CONFLICT", field: "idempotencyKey" });
  await runs.cancel(world.ctx, { runId: run.id });
  await runs.remove(world.ctx, { runId: run.id });
  expect(await runs.create(world.ctx, other)).toMatchObject({ status: "queued", replaces: null });
});

test("a key that an older version left behind a removed run is free", async () => {
  const run = await create("nightly-0002");
  await world.db.delete(schema.runs).where(eq(schema.runs.id, run.id));
  expect((await create("nightly-0002")).id).not.toBe(run.id);
});

test("a run whose time has not come is not taken, and a resume by hand does not wait", async () => {
  const { id: runId } = await create();
  const taken = await claimNext();
  const problem = { code: "INTERNAL" as const, field: null, message: "it broke", remedy: null };
  if (!taken) throw new Error("nothing to claim");
  await world.db.execute(sql`delete from pgboss.job`); // the worker took it
  const broken = { end: "failed" as const, problem, permanent: false, retry: { attempts: 3, waitSeconds: 60 } };
  expect(await settleRun(world.ctx, taken.claim, broken)).toBe("queued");
  expect(await messages()).toEqual([]);
  expect(await requeueRuns(world.ctx, homeId(world.home))).toEqual([]);
  expect(await claimNext()).toBeNull();
  await runs.resume(world.ctx, { runId });
  expect(await messages()).toEqual([runId]);
  expect((await claimNext())?.run.id).toBe(runId);
});
