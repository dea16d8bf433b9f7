import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { deployments, type ServiceContext } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOllamaClient } from "../../../apps/worker/src/ollama-port.ts";
import { type OllamaStandin, startOllamaStandin } from "../../support/ollama-standin/index.ts";
import { endProcess, hasEnded, type Lab, openLab } from "../../support/worker-lab.ts";

const ended = hasEnded("succeeded", "failed", "cancelled");
let database: TestDatabase;
let ollama: OllamaStandin;
let lab: Lab;
let ctx: ServiceContext;
beforeAll(async () => {
  database = await createTestDatabase();
  ollama = await startOllamaStandin();
  lab = await openLab({ databaseUrl: database.url, env: { OLLAMA_HOST: ollama.url } });
  ({ ctx } = lab);
});
afterAll(async () => {
  await lab.close();
  await ollama.stop();
  await database.drop();
});

const served = async () => (await createOllamaClient(ollama.url).tags()).map(({ name }) => name).sort();
const deploymentIs = (runId: string, deploymentId: string, ...statuses: string[]) =>
  lab.until(runId, `a deployment ${statuses.join(" or ")}`, (run) =>
    run.deployments.some(({ id, status }) => id === deploymentId && statuses.includes(status)),
  );

let runId: string;
test("a run publishes its model under its name, once, and tells how far it is", async () => {
  const worker = lab.startWorker();
  const created = await lab.createRun({ epochs: 2, publish: { name: "colours" } });
  runId = created.id;
  const run = await lab.until(runId, "succeeded", ended, 120);
  expect(run.status).toBe("succeeded");
  expect(run.deployments).toMatchObject([{ name: "colours", status: "live", fraction: 1, problem: null }]);
  expect(await served()).toEqual(["colours:latest"]);
  await endProcess(worker, "SIGTERM");
});

test("publish this one: a checkpoint is exported and replaces what the name stood for; rollback brings that back", async () => {
  const worker = lab.startWorker();
  const before = await lab.until(runId, "there", () => true);
  const checkpoint = before.checkpoints.find(({ kept }) => kept);
  const made = await deployments.publish(ctx, { runId, checkpointId: checkpoint?.id, name: "colours", gguf: "F16" });
  const live = await deploymentIs(runId, made.id, "live", "failed", "unreachable");
  const mine = live.deployments.find(({ id }) => id === made.id);
  expect(mine?.problem).toBeNull();
  expect(mine?.status).toBe("live");
  expect(live.deployments.find(({ id }) => id !== made.id)?.status).toBe("superseded");
  expect(mine?.previousDigest).toBe(live.deployments.find(({ id }) => id !== made.id)?.ollamaDigest);
  expect(live.artifacts.find(({ ggufType }) => ggufType === "F16")?.name).toContain(`step-${checkpoint?.step}`);

  await deployments.rollback(ctx, { deploymentId: made.id });
  const after = await lab.until(runId, "rolled back", (run) =>
    run.deployments.some(({ id, status }) => id === made.id && status === "rolled_back"),
  );
  // The older one is served again, from now on, and the way back to the newer one is open.
  expect(after.deployments.find(({ id }) => id !== made.id)).toMatchObject({
    status: "live",
    ollamaDigest: mine?.previousDigest,
    previousDigest: mine?.ollamaDigest,
    step: null,
  });
  expect(after.stages.find(({ stage }) => stage === "publish")?.state).toBe("finished");
  await endProcess(worker, "SIGTERM");
});

test("a rollback that Ollama refuses leaves live what was live, and says so", async () => {
  const worker = lab.startWorker();
  const before = (await lab.until(runId, "there", () => true)).deployments.find(({ status }) => status === "live");
  ollama.faults.add("POST /api/copy=500");
  await deployments.rollback(ctx, { deploymentId: before?.id ?? "" });
  const refused = await lab.until(runId, "refused", (run) =>
    run.deployments.some(({ id, status, problem }) => id === before?.id && status === "live" && problem !== null),
  );
  ollama.faults.clear();
  expect(refused.deployments.find(({ id }) => id === before?.id)?.finishedAt).toBe(before?.finishedAt);
  await endProcess(worker, "SIGTERM");
});

test("Ollama fails in the middle: the deployment says so, and publish again succeeds", async () => {
  const worker = lab.startWorker();
  ollama.faults.add("POST /api/create=500");
  const made = await deployments.publish(ctx, { runId, name: "again", gguf: "Q8_0" });
  const failed = await deploymentIs(runId, made.id, "live", "failed", "unreachable");
  const mine = failed.deployments.find(({ id }) => id === made.id);
  expect(mine?.status).toBe("failed");
  expect(mine?.problem?.message).toContain("create of again");
  ollama.faults.clear();
  await deployments.retry(ctx, { deploymentId: made.id });
  await deploymentIs(runId, made.id, "live");
  expect(await served()).toContain("again:latest");
  await endProcess(worker, "SIGTERM");
});

test("a worker killed in the middle of a run's publication: the next one finishes it, and it stays one", async () => {
  // The server hangs in create, so the kill surely comes in the middle.
  ollama.faults.add("POST /api/create#1=hang");
  const first = lab.startWorker();
  const { id } = await lab.createRun({ epochs: 1, publish: { name: "cut" } });
  await lab.until(id, "creating", (run) => run.deployments.some(({ phase }) => phase === "create"), 120);
  await endProcess(first, "SIGKILL");
  ollama.faults.clear();
  const second = lab.startWorker();
  const run = await lab.until(id, "succeeded", ended, 120);
  expect(run.status).toBe("succeeded");
  expect(run.deployments).toMatchObject([{ name: "cut", status: "live" }]);
  expect((await served()).filter((name) => name.startsWith("cut"))).toEqual(["cut:latest"]);
  await endProcess(second, "SIGTERM");
});

test("a model taken out of Ollama by someone else is found and shown as drifted", async () => {
  await createOllamaClient(ollama.url).delete("again");
  const worker = lab.startWorker(); // its first heartbeat asks for a reconciliation
  const run = await lab.until(runId, "drifted", (one) => one.deployments.some(({ status }) => status === "drifted"));
  expect(run.deployments.find(({ status }) => status === "drifted")).toMatchObject({
    name: "again",
    problem: { code: "NOT_FOUND" },
  });
  await endProcess(worker, "SIGTERM");
});
