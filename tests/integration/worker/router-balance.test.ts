import { join } from "node:path";
import type { MetricName, RunDetail, RunSpecInput } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeInflatedModel } from "../../support/inflated-model.ts";
import { eventsOf, twice } from "../../support/killed-run.ts";
import { tinyShape, writeByteTokenizer } from "../../support/tiny-model.ts";
import { type Lab, openLab } from "../../support/worker-lab.ts";

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

test("a dense model has no experts to balance, and is told so at the field", async () => {
  await expect(lab.createRun({ ...common, routerAuxWeight: 0.01 })).rejects.toMatchObject({
    problem: { field: "routerAuxWeight", message: expect.stringContaining("no experts") },
  });
});
