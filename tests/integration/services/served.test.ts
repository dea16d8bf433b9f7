import { api, RunSpec, type RunSummary } from "@anneal/contracts";
import { newId, schema } from "@anneal/db";
import { datasets, deployments, models, runs, system } from "@anneal/services";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tinyRows } from "../../support/model-files/tiny-model.ts";
import { makeDataset, openWorld, type World } from "./world.ts";

const { claimDeployment, finishRollback, updateDeployment } = deployments.execution;
let world: World;
let versionId = "";
beforeAll(async () => {
  world = await openWorld();
  versionId = await makeDataset(world.ctx, "colours");
});
afterAll(() => world.close());

const makeRun = async (name: string, changes: Record<string, unknown> = {}): Promise<string> => {
  const spec = RunSpec.parse({
    name,
    base: world.model,
    dataset: versionId,
    maxSequenceTokens: 128,
    microBatchTokens: 512,
    batchRows: 8,
    precision: "f32",
    threads: 1,
    ...changes,
  });
  return (await runs.create(world.ctx, { spec })).id;
};
const finishedRun = async (name: string) => {
  const runId = await makeRun(name);
  await world.db.update(schema.runs).set({ status: "succeeded" }).where(eq(schema.runs.id, runId));
  await world.db.insert(schema.artifacts).values({
    runId,
    kind: "gguf",
    name: `${name}-Q8_0.gguf`,
    ggufType: "Q8_0",
    digest: `sha256:${"a".repeat(64)}`,
    bytes: 10,
    file: `exports/${name}.gguf`,
  });
  return runId;
};
const goLive = async (deploymentId: string, ollamaDigest: string, previousDigest: string | null) => {
  const taken = await claimDeployment(world.ctx, deploymentId, {
    workerId: crypto.randomUUID(),
    leaseSeconds: 60,
    retry: { attempts: 3, waitSeconds: 0 },
    fenced: true,
  });
  if (!taken) throw new Error("it could not be claimed");
  await updateDeployment(world.ctx, taken.claim, { status: "live", ollamaDigest, previousDigest }, 60);
};
const statusOf = async (deploymentId: string) =>
  (await deployments.list(world.ctx, undefined)).find(({ id }) => id === deploymentId);

test("after a rollback the older publication is live, whatever way its name is written, and says what it serves", async () => {
  const [first, second] = [await finishedRun("first"), await finishedRun("second")];
  const older = await deployments.publish(world.ctx, { runId: first, name: "served" });
  await goLive(older.id, "d1", null);
  const newer = await deployments.publish(world.ctx, { runId: second, name: "Served:latest" });
  await goLive(newer.id, "d2", "d1");
  expect((await statusOf(older.id))?.status).toBe("superseded");

  const told: RunSummary[] = [];
  const stop = new AbortController();
  const watching = (async () => {
    for await (const summary of runs.watchAll({ ...world.ctx, signal: stop.signal }, undefined)) {
      told.push(summary);
      const now = (id: string) => told.findLast((run) => run.id === id)?.publications[0]?.status;
      if (now(first) === "live" && now(second) === "rolled_back") stop.abort();
    }
  })();
  const since = new Date(world.clock.now.getTime() + 60_000);
  world.clock.now = since;
  expect(await deployments.rollback(world.ctx, { deploymentId: newer.id })).toMatchObject({ status: "pending" });
  const taken = await claimDeployment(world.ctx, newer.id, {
    workerId: crypto.randomUUID(),
    leaseSeconds: 60,
    retry: { attempts: 3, waitSeconds: 0 },
    fenced: true,
  });
  if (!taken) throw new Error("it could not be claimed");
  await finishRollback(world.ctx, taken.claim, { digest: "d1", previousDigest: "d2" });
  await watching; // the watchers of both finished runs hear of it

  const all = api.deployments.list.output.parse(await deployments.list(world.ctx, undefined));
  expect(all.find(({ id }) => id === older.id)).toMatchObject({
    status: "live",
    runName: "first",
    step: null,
    gguf: "Q8_0",
    file: { name: "first-Q8_0.gguf" },
    publishedBy: "Ada",
    previousDigest: "d2",
    finishedAt: since.toISOString(),
  });
  expect(all.find(({ id }) => id === newer.id)).toMatchObject({ status: "rolled_back", runName: "second" });
  // A worker that was shut out meanwhile writes nothing.
  await expect(
    finishRollback(world.ctx, { ...taken.claim, attempt: 0 }, { digest: "d2", previousDigest: "d1" }),
  ).rejects.toMatchObject({ code: "STALE_ATTEMPT" });
});

test("rolled back to a model that was not published from here: nothing of ours is live", async () => {
  const runId = await finishedRun("third");
  const made = await deployments.publish(world.ctx, { runId, name: "foreign" });
  await goLive(made.id, "d3", "of somebody else");
  await deployments.rollback(world.ctx, { deploymentId: made.id });
  const taken = await claimDeployment(world.ctx, made.id, {
    workerId: crypto.randomUUID(),
    leaseSeconds: 60,
    retry: { attempts: 3, waitSeconds: 0 },
    fenced: true,
  });
  if (!taken) throw new Error("it could not be claimed");
  await finishRollback(world.ctx, taken.claim, { digest: "of somebody else", previousDigest: "d3" });
  const under = (await deployments.list(world.ctx, undefined)).filter(({ name }) => name === "foreign");
  expect(under.map(({ status }) => status)).toEqual(["rolled_back"]);
});

test("runs are found by name, base, dataset, method and published name, by an id's beginning, and counted over all", async () => {
  const base = (await models.register(world.ctx, { ref: world.model, name: "Small Talk" })).ref;
  const ids = new Map<string, string>();
  for (const seed of [16, 17, 38]) ids.set(`seed ${seed}`, await makeRun(`seed ${seed}`, { base }));
  ids.set("all_of_it", await makeRun("all_of_it", { publish: { name: "bank-intents" } }));
  const found = async (search: string, more: object = {}) =>
    (await runs.list(world.ctx, { search, ...more })).items.map(({ name }) => name).sort();
  expect(await found("seed 17")).toEqual(["seed 17"]);
  expect(await found("SEED")).toEqual(["seed 16", "seed 17", "seed 38"]);
  expect(await found("talk small seed")).toEqual(["seed 16", "seed 17", "seed 38"]);
  expect(await found("l_o")).toEqual(["all_of_it"]);
  expect(await found("a%t")).toEqual([]);
  expect(await found("bank-int")).toEqual(["all_of_it"]);
  expect(await found("colours v1 f32 lora seed 38")).toEqual(["seed 38"]);
  const id = ids.get("seed 17") ?? "";
  expect(await found(id)).toEqual(["seed 17"]);
  expect(await found(id.slice(4))).toEqual([]);
  expect(await found("no such run")).toEqual([]);

  // Pages and counts are those of the search, not of the rows that were loaded.
  const page = api.runs.list.output.parse(await runs.list(world.ctx, { search: "seed", limit: 2, status: ["queued"] }));
  expect(page).toMatchObject({ items: [{ baseName: "Small Talk" }, {}], counts: { queued: 3 } });
  const rest = await runs.list(world.ctx, { search: "seed", limit: 2, cursor: page.nextCursor ?? undefined });
  expect(rest.items).toHaveLength(1);
  expect((await runs.list(world.ctx, { status: ["paused"] })).counts).toMatchObject({ queued: 4, succeeded: 3 });
});

test("a run names what its settings refer to; the audit trail names its subjects", async () => {
  const heldOut = await makeDataset(world.ctx, "held out", tinyRows(7));
  const origin = await makeRun("origin");
  const runId = await makeRun("named", { evaluation: { dataset: heldOut } });
  await world.db
    .update(schema.runs)
    .set({
      spec: RunSpec.parse({
        ...(await runs.get(world.ctx, { runId })).spec,
        method: { kind: "lora", startFrom: `run:${origin}` },
      }),
    })
    .where(eq(schema.runs.id, runId));
  const { names } = api.runs.get.output.parse(await runs.get(world.ctx, { runId }));
  // A dataset says how many runs stand in the way of its removal, those it only evaluates included.
  const using = new Map((await datasets.list(world.ctx, undefined)).map(({ name, runs: count }) => [name, count]));
  expect(using.get("held out")).toBe(1);
  expect(using.get("colours")).toBe((await runs.list(world.ctx, { limit: 200 })).items.length);
  await makeDataset(world.ctx, "unused", tinyRows(9));
  expect((await datasets.list(world.ctx, undefined)).find(({ name }) => name === "unused")?.runs).toBe(0);
  expect((await runs.list(world.ctx, { search: "held out" })).items.map(({ name }) => name)).toEqual(["named"]);
  expect(names).toMatchObject({ [heldOut]: "held out v1", [versionId]: "colours v1", [origin]: "origin" });
  const trail = api.system.audit.output.parse(await system.auditTrail(world.ctx, { limit: 200 }));
  const named = (action: string) => trail.items.filter((row) => row.action === action).map((row) => row.names);
  expect(named("run.create").map((one) => Object.values(one))).toContainEqual(expect.arrayContaining(["named"]));
  expect(named("deployment.publish").map((one) => Object.values(one).sort())).toContainEqual(["first", "served"]);
  expect(named("model.register").flatMap((one) => Object.values(one))).toEqual(["Small Talk"]);
  // What is gone has no name, and disturbs nobody.
  expect(Object.keys(names)).not.toContain(newId());
});
