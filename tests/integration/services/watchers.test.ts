import { type JournalLine, type RunEvent, RunSpec } from "@anneal/contracts";
import { homeId, runs, type ServiceContext } from "@anneal/services";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { tinyRows } from "../../support/model-files/tiny-model.ts";
import { makeDataset, openWorld, type World } from "./world.ts";

const { claimRun, settleRun, storeJournal } = runs.execution;
const watchers = 200;
let world: World;
let dataset = "";
let runId = "";
// Watchers have a pool of their own, so that its queries are theirs alone.
let watching: World["db"];
let ctx: ServiceContext;
let queries = 0;

beforeAll(async () => {
  world = await openWorld();
  dataset = await makeDataset(world.ctx, "colours", tinyRows(20));
  const { createDatabase } = await import("@anneal/db");
  watching = createDatabase(world.db.url, { maxConnections: 4 });
  watching.pool.on("acquire", () => queries++);
  ctx = { ...world.ctx, db: watching };
});
afterAll(async () => {
  await watching.close();
  await world.close();
});
beforeEach(async () => {
  const spec = RunSpec.parse({ base: world.model, dataset, maxSequenceTokens: 64, microBatchTokens: 256, threads: 1 });
  runId = (await runs.create(world.ctx, { spec })).id;
});

const lines = (from: number, to: number): JournalLine[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    number: from + i,
    time: new Date(1_700_000_000_000 + (from + i) * 1000).toISOString(),
    body: { type: "metrics", step: from + i, tokens: 1, values: { "train/loss": 1 } },
  }));
async function claimed() {
  const worker = {
    workerId: crypto.randomUUID(),
    workerName: "a",
    store: homeId(world.home),
    leaseSeconds: 60,
    retry: { attempts: 3, waitSeconds: 0 },
    fenced: true,
  };
  const taken = await claimRun(world.ctx, runId, worker);
  if (!taken) throw new Error("the run could not be claimed");
  return taken.claim;
}

/** Watches to the run's end; `onSeen` hears every event. */
async function follow(lastEventId: string | null, onSeen: (event: RunEvent) => void = () => undefined) {
  const seen: number[] = [];
  for await (const event of runs.watch(ctx, { runId, lastEventId })) {
    seen.push(event.seq);
    onSeen(event);
  }
  return seen;
}

test("a change is read once for all who watch, and each gets every event once", async () => {
  const claim = await claimed(); // events 0 and 1
  // A step is written when all have the one before: what a change costs is counted, not how long it takes.
  let heard = 0;
  let all: () => void = () => undefined;
  const everybody = () => new Promise<void>((resolve) => (all = resolve));
  const onSeen = () => {
    if (++heard % watchers === 0) all();
  };
  let told = everybody();
  const following = Array.from({ length: watchers }, () => follow("0", onSeen));
  await told; // event 1
  const before = queries;
  const changes = 20;
  for (let step = 1; step <= changes; step++) {
    told = everybody();
    await storeJournal(world.ctx, claim, lines(step, step));
    await told;
  }
  const spent = queries - before;
  await settleRun(world.ctx, claim, { end: "succeeded" });
  const seen = await Promise.all(following);
  const expected = Array.from({ length: changes + 2 }, (_, i) => i + 1);
  for (const one of seen) expect(one).toEqual(expected);
  // Two queries a change, and the clock's looks; one of 200 watchers asking for itself would be 4,000.
  expect(spent).toBeLessThan(changes * 8);
});

test("who comes late, comes back, or is far behind gets the same events", async () => {
  const claim = await claimed();
  const first = follow(null);
  for (let from = 1; from <= 3000; from += 100) await storeJournal(world.ctx, claim, lines(from, from + 99));
  const late = [follow(null), follow("2999"), follow("1500"), follow("999999")];
  await settleRun(world.ctx, claim, { end: "succeeded" });
  const all = await first;
  expect(all).toEqual(Array.from({ length: 3003 }, (_, seq) => seq));
  const [whole, near, middle, beyond] = await Promise.all(late);
  expect(whole).toEqual(all);
  expect(near).toEqual(all.slice(3000));
  expect(middle).toEqual(all.slice(1501));
  expect(beyond?.every((seq) => seq > 3001)).toBe(true); // from where the run stood when it came
});

test("lists of runs are read once for all who watch them", async () => {
  const leave = new AbortController();
  const listCtx = { ...ctx, signal: leave.signal };
  let begun = 0;
  let heard = 0;
  let ready: () => void = () => undefined;
  let done: () => void = () => undefined;
  const allReady = new Promise<void>((resolve) => (ready = resolve));
  const allDone = new Promise<void>((resolve) => (done = resolve));
  const following = Array.from({ length: watchers }, async () => {
    for await (const summary of runs.watchAll(listCtx, undefined)) {
      if (summary.id !== runId) continue;
      if (summary.status === "queued" && ++begun === watchers) ready();
      if (summary.status === "cancelled" && ++heard === watchers) done();
    }
  });
  const before = queries;
  await allReady;
  await runs.cancel(world.ctx, { runId });
  await allDone;
  leave.abort();
  await Promise.all(following);
  expect(queries - before).toBeLessThan(20);
});
