// Machines that join, and what an administrator asks of them.
import { annealVersion, workerProtocolVersion } from "@anneal/contracts";
import { dataJobs, workers } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorld, problemOf, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

const facts = { name: "gpu box", version: annealVersion, protocol: workerProtocolVersion };
const register = (home = "x") =>
  workers.register(
    world.ctx,
    {
      name: "w",
      host: "h",
      home,
      pid: 1,
      roles: ["train"],
      isa: "?",
      threads: 1,
      memoryBytes: 1e9,
      labels: { gpu: "a100" },
    },
    { freeMemoryBytes: 1e9, diskFreeBytes: 1e9, load: 0, currentRunId: null },
  );

test("a token lets one machine join, once, within its hour", async () => {
  const { ctx, clock } = world;
  const { token } = await workers.invite(ctx, undefined);
  expect(await workers.join(ctx, { ...facts, token })).toEqual({ invitedBy: "u1" });
  expect(await problemOf(workers.join(ctx, { ...facts, token }))).toMatchObject({
    code: "UNAUTHENTICATED",
    field: "token",
  });
  const late = await workers.invite(ctx, undefined);
  clock.now = new Date(clock.now.getTime() + 3_700_000);
  expect(await problemOf(workers.join(ctx, { ...facts, token: late.token }))).toMatchObject({
    code: "UNAUTHENTICATED",
  });
  expect(await problemOf(workers.join(ctx, { ...facts, token: "anj_guess" }))).toMatchObject({
    code: "UNAUTHENTICATED",
  });
  expect(await problemOf(workers.invite(world.as("system:read"), undefined))).toMatchObject({ code: "FORBIDDEN" });
});

test("a machine of another version is told apart, and its token is not spent", async () => {
  const { ctx } = world;
  const { token } = await workers.invite(ctx, undefined);
  const other = { ...facts, version: "9.9.9", protocol: workerProtocolVersion + 1, token };
  expect(await problemOf(workers.join(ctx, other))).toMatchObject({
    code: "PRECONDITION_FAILED",
    message: expect.stringContaining("Anneal 9.9.9"),
    remedy: expect.stringContaining("same version"),
  });
  await workers.join(ctx, { ...facts, token });
});

test("cordoned, drained, let in again; removed once it is gone", async () => {
  const { ctx } = world;
  world.clock.now = new Date();
  const workerId = await register();
  expect((await workers.list(ctx, undefined))[0]).toMatchObject({ state: "taking", labels: { gpu: "a100" } });
  expect(await workers.cordon(ctx, { workerId })).toMatchObject({ state: "cordoned" });
  expect(await workers.standing(ctx, workerId)).toEqual({ cordoned: true, drained: false });
  expect(await workers.drain(ctx, { workerId })).toMatchObject({ state: "drained" });
  expect(await workers.uncordon(ctx, { workerId })).toMatchObject({ state: "taking" });
  expect(await problemOf(workers.remove(ctx, { workerId }))).toMatchObject({ code: "PRECONDITION_FAILED" });
  await workers.leave(ctx, workerId);
  expect(await workers.remove(ctx, { workerId })).toEqual({ removed: true });
  expect(await workers.list(ctx, undefined)).toEqual([]);
});

test("a job that is none of the listed ones cannot be cancelled", async () => {
  const jobId = "01a22d63-0000-7000-8000-0000000000b2";
  expect(await problemOf(dataJobs.cancel(world.ctx, { jobId }))).toMatchObject({ code: "NOT_FOUND", field: "jobId" });
});
