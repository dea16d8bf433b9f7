// Work asked over the database and done by workers: answers, refusals, one piece of work for one question, progress, cancel, the death
// of a worker, and what is said where no worker is there.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkerRole, WorkProgress } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { createAsking, datasets, models, runs, type ServiceContext, workers } from "@anneal/services";
import { cancelRequest, claimRequest, endRequest, renewRequest } from "@anneal/services/worker";
import { eq, sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { startAnswering } from "../../../apps/worker/src/work/answering.ts";
import { makeDataset, openWorld, problemOf, silentLog, type World } from "./world.ts";

const { workRequests } = schema;
let world: World;
let console_: ServiceContext; // as the console has it: no engine, no tokenizers
let asking: ReturnType<typeof createAsking>;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  world = await openWorld();
  const { engine: _, text: __, work: ___, ...rest } = world.ctx;
  asking = createAsking({ db: world.db, listener: world.ctx.listener });
  console_ = { ...rest, work: asking };
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
afterAll(async () => {
  asking?.close();
  await world?.close();
});

const state = { freeMemoryBytes: 1e9, diskFreeBytes: 1e9, load: 0, currentRunId: null };
const register = (roles: WorkerRole[]) =>
  workers.register(
    world.ctx,
    { name: "w", host: "h", home: "x", pid: 1, roles, isa: "?", threads: 1, memoryBytes: 1e9 },
    state,
  );
async function startWorker(roles: WorkerRole[] = ["train", "data"]): Promise<string> {
  const workerId = await register(roles);
  const answering = startAnswering({ services: world.ctx, workerId, roles, leaseSeconds: 20, log: silentLog });
  stops.push(async () => {
    await answering.stop();
    await workers.leave(world.ctx, workerId);
  });
  return workerId;
}
const requests = () => world.db.select().from(workRequests).orderBy(workRequests.id);

test("the console's verbs answer as they do in a worker, refusals and their fields too", async () => {
  await startWorker();
  const dataset = await makeDataset(console_, "asked");
  const page = { versionId: dataset, offset: 3, limit: 2 };
  expect(await datasets.rows(console_, page)).toEqual(await datasets.rows(world.ctx, page));
  const check = { versionId: dataset, base: world.model };
  expect(await datasets.check(console_, check)).toEqual(await datasets.check(world.ctx, check));
  expect(await models.list(console_, undefined)).toEqual(await models.list(world.ctx, undefined));
  const made = await runs.create(console_, { spec: { base: world.model, dataset, maxSteps: 2 } });
  expect(made).toMatchObject({ status: "queued", plan: { fits: true } });
  const refused = { spec: { base: "/nowhere/else", dataset } };
  const said = await problemOf(runs.plan(console_, refused));
  expect(said).toEqual(await problemOf(runs.plan(world.ctx, refused)));
  expect(said).toMatchObject({ field: "base", phrases: expect.anything() });
});

test("who ask the same at once share one piece of work; another person has one of its own", async () => {
  const dataset = await makeDataset(world.ctx, "shared");
  const question = { versionId: dataset, base: world.model, examples: 3 };
  const before = (await requests()).length;
  const all = [
    datasets.check(console_, question),
    datasets.check(console_, question),
    datasets.check({ ...console_, actor: { ...console_.actor, id: "u2" } }, question),
  ];
  await vi.waitFor(async () => expect((await requests()).length).toBe(before + 2));
  await startWorker();
  const [first, second, third] = await Promise.all(all);
  expect(second).toEqual(first);
  expect(third).toEqual(first);
});

test("without a worker of the role it is said in words, with a remedy", async () => {
  await startWorker(["data"]);
  expect(await problemOf(models.list(console_, undefined))).toMatchObject({
    code: "UNAVAILABLE",
    message: "no worker with the role train is running",
    remedy: expect.stringContaining("./anneal up"),
  });
}, 30_000);

test("a worker that dies leaves its work to another; what it says later is refused", async () => {
  const dataset = await makeDataset(world.ctx, "inherited");
  const dead = await register(["data"]);
  const answer = datasets.rows(console_, { versionId: dataset });
  const taken = await vi.waitFor(async () => {
    const found = await claimRequest(world.ctx, ["dataset.rows"], { workerId: dead, leaseSeconds: 600 });
    if (!found) throw new Error("not yet asked");
    return found;
  });
  await workers.leave(world.ctx, dead);
  await startWorker();
  expect((await answer).total).toBe(40);
  expect(await renewRequest(world.ctx, taken, 20, null)).toBe("lost");
  expect(await endRequest(world.ctx, taken, { status: "done", output: { rows: [], total: 0 } })).toBe(false);
  const [row] = await world.db.select().from(workRequests).where(eq(workRequests.id, taken.id));
  expect(row).toMatchObject({ status: "done", attempt: 2 });
});

test("work that kills its workers is given up in words", async () => {
  const dataset = await makeDataset(world.ctx, "deadly");
  const dead = await register(["data"]);
  const answer = problemOf(datasets.rows(console_, { versionId: dataset, limit: 7 }));
  await vi.waitFor(async () =>
    expect((await requests()).at(-1)).toMatchObject({ kind: "dataset.rows", status: "waiting" }),
  );
  for (let i = 0; i < 4; i++) {
    await claimRequest(world.ctx, ["dataset.rows"], { workerId: dead, leaseSeconds: 600 });
    await world.db.update(workRequests).set({ leaseExpiresAt: sql`now() - interval '1 second'` });
  }
  expect(await answer).toMatchObject({ code: "INTERNAL", message: "the worker died 3 times while it did this" });
  await workers.leave(world.ctx, dead);
});

const bigFile = () => {
  const path = join(world.dataFolder, "big.jsonl");
  const rows = Array.from({ length: 60_000 }, (_, i) => JSON.stringify({ prompt: `q ${i}`, completion: `a ${i}` }));
  writeFileSync(path, rows.join("\n"));
  return { path, fileName: "big.jsonl", skipBadLines: false };
};

test("an import tells how far it is, is answered again from what was kept, and hands its work back when a worker leaves", async () => {
  const file = bigFile();
  await startWorker();
  const told: WorkProgress[] = [];
  const work = asking.ask(console_, "dataset.import", file, { onProgress: (progress) => told.push(progress) });
  await vi.waitFor(() => expect(told.length).toBeGreaterThan(0), { timeout: 30_000 });
  for (const stop of stops.splice(0)) await stop();
  expect((await requests()).at(-1)).toMatchObject({ status: "waiting", attempt: 0 });
  await startWorker();
  const made = await work;
  expect(made.rows).toBe(60_000);
  const fractions = told.map(({ fraction }) => fraction);
  expect(fractions.every((fraction) => fraction > 0 && fraction <= 1)).toBe(true);
  const before = (await requests()).length;
  expect(await asking.ask(console_, "dataset.import", file)).toEqual(made);
  expect((await requests()).length).toBe(before);
}, 120_000);

test("a person's cancel ends an import in a worker's hands; who waits is told", async () => {
  const file = { ...bigFile(), fileName: "cancelled.jsonl" };
  await startWorker();
  const work = asking.ask(console_, "dataset.import", file, { title: "big" });
  const running = await vi.waitFor(async () => {
    const row = (await requests()).at(-1);
    expect(row).toMatchObject({ title: "big", status: "running", progress: { rows: expect.any(Number) } });
    return row;
  }, 30_000);
  expect(await cancelRequest(world.ctx, running?.id ?? "")).toBe(true);
  expect(await problemOf(work)).toMatchObject({ code: "CONFLICT", message: "the job was cancelled" });
  await vi.waitFor(async () => expect((await requests()).at(-1)).toMatchObject({ status: "cancelled" }));
  expect(await cancelRequest(world.ctx, running?.id ?? "")).toBe(false);
}, 60_000);

test("work that nobody waits for any more is stopped", async () => {
  const file = { ...bigFile(), fileName: "left.jsonl" };
  await startWorker();
  const caller = new AbortController();
  const work = asking.ask({ ...console_, signal: caller.signal }, "dataset.import", file);
  await vi.waitFor(async () => expect((await requests()).at(-1)).toMatchObject({ status: "running" }), 30_000);
  caller.abort();
  await expect(work).rejects.toThrow(/abort/);
  await vi.waitFor(async () => expect((await requests()).at(-1)).toMatchObject({ status: "cancelled" }), 30_000);
}, 60_000);
