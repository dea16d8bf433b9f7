import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { adapterMetric, type MetricName, type RunDetail, type RunSpecInput } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { datasets, runs } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventsOf, finish, twice } from "../../support/killed-run.ts";
import { writeInflatedModel } from "../../support/model-files/inflated-model.ts";
import { tinyShape, writeByteTokenizer } from "../../support/model-files/tiny-model.ts";
import { artifactFile, endProcess, type Lab, openLab } from "../../support/worker-lab.ts";

// A mixture of experts through the product, its routers balanced: the run tells how evenly, and a killed trainer changes no bit.
let database: TestDatabase;
let lab: Lab;
let base = "";
beforeAll(async () => {
  database = await createTestDatabase();
  lab = await openLab({ databaseUrl: database.url });
  base = join(lab.home, "models/experts");
  writeInflatedModel(base, "qwen3_moe", 1, tinyShape.vocabulary);
  writeByteTokenizer(base);
});
afterAll(async () => {
  await lab.close();
  await database.drop();
});

const common: Partial<RunSpecInput> = {
  method: { kind: "full" },
  precision: "f32",
  epochs: 12,
  learningRate: 3e-3,
  microBatchTokens: 512, // several micro-batches a step
  evaluation: { heldOutFraction: 0.2, everySteps: 40, maxRows: 8, maxNewTokens: 4, finalMaxRows: 8 },
  samples: { everySteps: 1000, maxNewTokens: 4 },
  export: { gguf: [] },
};
const seriesOf = async (run: RunDetail, name: MetricName) =>
  (await eventsOf(lab, run.id, "metrics")).flatMap(({ values }) => values[name] ?? []);

test("the load-balancing loss falls, is told with the experts' load, and outlives a killed trainer", async () => {
  const { calm, killed } = await twice(lab, { ...common, base, routerAuxWeight: 0.5 }, 10);
  const aux = await seriesOf(calm, "train/router_aux");
  expect(aux.length).toBeGreaterThan(20);
  expect(aux.at(-1)).toBeLessThan(aux[0] ?? 0);
  const busiest = await seriesOf(calm, "train/expert_load_max");
  expect(Math.min(...busiest)).toBeGreaterThanOrEqual(1);
  expect(Math.max(...(await seriesOf(calm, "train/expert_load_min")))).toBeLessThanOrEqual(1);
  expect(busiest).toHaveLength(aux.length);
  expect(await seriesOf(killed, "train/router_aux")).toEqual(aux);
});

test("adapters side by side on the experts, each balancing over its own tokens, end with the bits of runs alone", async () => {
  const share = 1024; // a whole step of one adapter
  const adapters = [{ name: "slow" }, { name: "quick", rank: 4, alpha: 4, learningRate: 1e-2 }];
  const method = { kind: "lora" as const, rank: 2, alpha: 8, targets: ["all-linear"] };
  const spec = { ...common, base, method, routerAuxWeight: 0.05, epochs: 4 };
  const { calm, killed } = await twice(lab, { ...spec, adapters, microBatchTokens: 2 * share }, 6);
  const weights = (run: RunDetail, name: string) =>
    readFileSync(
      artifactFile(
        lab,
        run.artifacts.find((one) => one.kind === "adapter" && one.name === name),
      ),
    );
  const worker = lab.startWorker();
  for (const { name, rank = 2, alpha = 8, learningRate = 3e-3 } of adapters) {
    const file = `${name}/adapter_model.safetensors`;
    expect(weights(killed, file).equals(weights(calm, file)), name).toBe(true);
    const changes = { method: { ...method, rank, alpha }, learningRate, microBatchTokens: share };
    const alone = await finish(lab, (await lab.createRun({ ...spec, ...changes })).id);
    expect(weights(alone, "adapter_model.safetensors").equals(weights(calm, file)), name).toBe(true);
    const aux = await seriesOf(alone, "train/router_aux");
    expect(Math.min(...aux), name).toBeGreaterThan(0);
    expect(await seriesOf(calm, adapterMetric("train/router_aux", name)), name).toEqual(aux);
    expect(await seriesOf(killed, adapterMetric("train/router_aux", name)), name).toEqual(aux);
    const onward = { ...changes, epochs: 1, method: { ...changes.method, startFrom: `run:${calm.id}/${name}` } };
    const { id } = await lab.createRun({ ...spec, ...onward });
    await runs.cancel(lab.ctx, { runId: id }); // an adapter on experts can be gone on from
  }
  await endProcess(worker, "SIGTERM");
});

test("preferences: the series goes along with their margin", async () => {
  const path = join(lab.home, "incoming/pairs.jsonl");
  const pairs = Array.from({ length: 40 }, (_, i) => ({ prompt: `thing ${i}`, chosen: "red", rejected: "blue" }));
  writeFileSync(path, pairs.map((row) => JSON.stringify(row)).join("\n"));
  const { uploadId } = await datasets.importPath(lab.ctx, { path });
  const dataset = (await datasets.commit(lab.ctx, { uploadId, name: "pairs" })).versions[0]?.id;
  const worker = lab.startWorker();
  const spec = { ...common, base, dataset, objective: { kind: "dpo" as const }, routerAuxWeight: 0.5, epochs: 4 };
  const run = await finish(lab, (await lab.createRun(spec)).id);
  const aux = await seriesOf(run, "train/router_aux");
  expect(aux.length).toBeGreaterThan(5);
  expect(aux).toHaveLength((await seriesOf(run, "train/reward_margin")).length);
  expect(aux.at(-1)).toBeLessThan(aux[0] ?? 0);
  await endProcess(worker, "SIGTERM");
});

test("a dense model has no experts to balance, and is told so at the field", async () => {
  await expect(lab.createRun({ ...common, routerAuxWeight: 0.01 })).rejects.toMatchObject({
    problem: { field: "routerAuxWeight", message: expect.stringContaining("no experts") },
  });
});
