import { plainJob } from "@anneal/contracts";
import { newId, schema } from "@anneal/db";
import { deployments, jobs, runs, teacherFiles, tendJobs } from "@anneal/services";
import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { tinyRows } from "../../support/model-files/tiny-model.ts";
import { makeDataset, openWorld, problemOf, type World } from "./world.ts";

let world: World;
let versionId = "";
beforeAll(async () => {
  world = await openWorld();
  versionId = await makeDataset(world.ctx, "colours", tinyRows(20));
});
afterAll(() => world.close());
beforeEach(async () => {
  for (const table of [schema.deployments, schema.runs, schema.teacherFiles]) await world.db.delete(table);
});

const insertRun = (id: string, values = {}) =>
  world.db.insert(schema.runs).values({
    id,
    name: "run",
    spec: { base: world.model, dataset: versionId } as never,
    datasetVersionId: versionId,
    createdBy: "u1",
    ...values,
  });

// Every table of jobs, and the least row of it. One type for them all: what is tested is the same.
const leasesOf = <T extends jobs.JobTable>(kind: jobs.JobKind<T>) =>
  jobs.leases(kind as unknown as jobs.JobKind<typeof schema.runs>);
const kinds = {
  runs: {
    leases: leasesOf(runs.execution.runKind),
    table: schema.runs,
    insert: insertRun,
  },
  deployments: {
    leases: leasesOf(deployments.execution.deploymentKind),
    table: schema.deployments,
    insert: async (id: string, values = {}) => {
      const runId = newId();
      await insertRun(runId, { status: "succeeded" });
      await world.db.insert(schema.deployments).values({ id, runId, name: "colours", gguf: "F16", ...values });
    },
  },
  "teacher files": {
    leases: leasesOf(teacherFiles.execution.teacherKind),
    table: schema.teacherFiles,
    insert: (id: string, options = {}) =>
      world.db.insert(schema.teacherFiles).values({
        id,
        name: "teacher",
        input: {} as never,
        datasetVersionId: versionId,
        createdBy: "u1",
        ...options,
      }),
  },
};
const options = (fenced = true) => ({
  workerId: newId(),
  leaseSeconds: 60,
  retry: { attempts: 3, waitSeconds: 0 },
  fenced,
});

describe.each(Object.entries(kinds))("%s", (_, { leases, table, insert }) => {
  const opened = async (values = {}) => {
    const id = newId();
    await insert(id, values);
    return id;
  };
  const rowOf = async (id: string) => (await world.db.select().from(table).where(eq(table.id, id)))[0];
  const endLease = (id: string) =>
    world.db.update(table).set({ leaseExpiresAt: sql`now() - interval '1 second'` }).where(eq(table.id, id));
  const claim = async (id: string, fenced = true) => {
    const taken = await leases.claim(world.ctx, id, options(fenced));
    if (!taken) throw new Error("nothing to claim");
    return taken.claim;
  };

  it("are held by one worker; a lease that is over lets the next one in and shuts the first one out", async () => {
    const id = await opened();
    const first = await claim(id);
    expect(await leases.claim(world.ctx, id, options())).toBeNull();
    expect(await leases.claimNext(world.ctx, options())).toBeNull();
    await endLease(id);
    const second = await claim(id);
    expect(second.attempt).toBe(first.attempt + 1);
    const release = () =>
      world.db.transaction((tx) => leases.release(world.ctx, tx, first, { status: leases.kind.waiting }));
    for (const write of [
      () => leases.extend(world.db, first, 60),
      () => world.db.transaction((tx) => leases.lock(tx, first)),
      release,
    ])
      expect(await problemOf(write())).toMatchObject({ code: "STALE_ATTEMPT" });
    await leases.extend(world.db, second, 60);
  });

  it("negative control: without the fence the former holder writes", async () => {
    const id = await opened();
    const first = await claim(id, false);
    await endLease(id);
    await claim(id, false);
    await expect(leases.extend(world.db, first, 60)).resolves.toMatchObject({ overLimit: false });
  });

  it("are sent for again when their message or their worker is lost, and not while a worker holds them", async () => {
    const id = await opened(table === schema.deployments ? { origin: "person" } : {});
    expect(await leases.requeue(world.ctx)).toEqual([id]);
    await claim(id);
    expect(await leases.requeue(world.ctx)).toEqual([]);
    await endLease(id);
    expect(await leases.requeue(world.ctx)).toEqual([id]);
  });

  it("are given up when their workers are lost again and again; the job's own retry policy counts", async () => {
    const id = await opened({ retry: { attempts: 2, waitSeconds: 1 } });
    for (let i = 0; i < 2; i++) {
      await claim(id);
      await endLease(id);
    }
    expect(await leases.claim(world.ctx, id, options())).toBeNull();
    expect(await rowOf(id)).toMatchObject({
      status: "failed",
      problem: { message: expect.stringMatching(/2 times in a row/) },
    });
  });

  it("are served by priority, then by when they came", async () => {
    const at = (second: number) => ({ queuedAt: new Date(Date.UTC(2026, 0, 1, 0, 0, second)) });
    const late = await opened(at(3));
    const early = await opened(at(1));
    const urgent = await opened({ ...at(4), priority: 5 });
    const last = await opened({ ...at(0), priority: -1 });
    const backingOff = await opened({ ...at(0), priority: 9, notBefore: new Date(Date.now() + 3_600_000) });
    expect(await leases.requeue(world.ctx)).toEqual([urgent, early, late, last]);
    const served: string[] = [];
    for (
      let taken = await leases.claimNext(world.ctx, options());
      taken;
      taken = await leases.claimNext(world.ctx, options())
    )
      served.push(taken.row.id);
    expect(served).toEqual([urgent, early, late, last]);
    expect(served).not.toContain(backingOff);
  });

  it("fail when they wait longer than they may, with and without a worker", async () => {
    const past = { queuedAt: new Date(Date.now() - 60_000), waitingLimitSeconds: 30 };
    const swept = await opened(past);
    const patient = await opened({ ...past, waitingLimitSeconds: 3600 });
    await tendJobs(world.ctx, "a home");
    expect(await rowOf(swept)).toMatchObject({ status: "failed", problem: { field: "waitingLimitSeconds" } });
    expect(await rowOf(patient)).toMatchObject({ status: leases.kind.waiting });
    const claimed = await opened(past);
    expect(await leases.claim(world.ctx, claimed, options())).toBeNull();
    expect(await rowOf(claimed)).toMatchObject({ status: "failed" });
  });

  it("say when they run longer than they may, over all attempts, and count the time in workers' hands", async () => {
    const id = await opened({ runningLimitSeconds: 100, workedSeconds: 90 });
    const held = await claim(id);
    expect(await leases.extend(world.db, held, 60)).toMatchObject({ overLimit: false });
    await world.db.update(table).set({ claimedAt: sql`now() - interval '20 seconds'` }).where(eq(table.id, id));
    expect(await leases.extend(world.db, held, 60)).toMatchObject({ overLimit: true });
    await world.db.transaction((tx) => leases.release(world.ctx, tx, held, { status: leases.kind.waiting }));
    const { workedSeconds, claimedAt } = (await rowOf(id)) ?? {};
    expect(workedSeconds).toBeGreaterThanOrEqual(110);
    expect(workedSeconds).toBeLessThan(115);
    expect(claimedAt).toBeNull();
  });

  it("are one under one key, until they have failed or are removed", async () => {
    const key = jobs.idempotencyKey(world.ctx, "test", `nightly-${newId()}`, { a: 1, b: 2 });
    const open = (input = key) => {
      const id = newId();
      return world.db.transaction((tx) =>
        jobs.openJob(world.ctx, tx, leases.kind, { id, key: input, options: plainJob }, async (values) => {
          await insert(id, values);
        }),
      );
    };
    const first = await open();
    expect(await open()).toEqual({ id: first.id, replaces: null });
    const same = jobs.idempotencyKey(world.ctx, "test", key?.key, { b: 2, a: 1 });
    expect(await open(same)).toEqual({ id: first.id, replaces: null });
    const other = jobs.idempotencyKey(world.ctx, "test", key?.key, { a: 2, b: 2 });
    expect(await problemOf(open(other))).toMatchObject({ code: "CONFLICT", field: "idempotencyKey" });
    await world.db.update(table).set({ status: "failed" }).where(eq(table.id, first.id));
    const second = await open();
    expect(second).toEqual({ id: expect.not.stringMatching(first.id), replaces: { id: first.id, status: "failed" } });
    await world.db.transaction(async (tx) => {
      await jobs.freeKey(tx, second.id);
      await tx.delete(table).where(eq(table.id, second.id));
    });
    expect(await open(other)).toMatchObject({ replaces: null });
  });
});
