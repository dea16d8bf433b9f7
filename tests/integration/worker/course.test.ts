import type { RunSpecInput } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventsOf, finish, twice } from "../../support/killed-run.ts";
import { endProcess, type Lab, openLab } from "../../support/worker-lab.ts";

// What makes a run end otherwise than at its last step, or leave out a batch: each undisturbed and with its trainer killed
// in the middle, to the same weights and the same events.
const common: Partial<RunSpecInput> = {
  epochs: 40,
  evaluation: { heldOutFraction: 0.2, everySteps: 20, maxRows: 8, maxNewTokens: 2, finalMaxRows: 8 },
  samples: { everySteps: 1000, maxNewTokens: 2 },
  export: { gguf: [] },
};

let database: TestDatabase;
let lab: Lab;
beforeAll(async () => {
  database = await createTestDatabase();
  lab = await openLab({ databaseUrl: database.url });
});
afterAll(async () => {
  await lab.close();
  await database.drop();
});

test("the held-out loss stops the run early, and the best checkpoint is what comes out", async () => {
  const spec: Partial<RunSpecInput> = {
    ...common,
    schedule: { kind: "plateau", warmupSteps: 4, patience: 0, factor: 0.5, threshold: 0.05 },
    earlyStopping: { patience: 3, minDelta: 0.3 },
    checkpoints: { everySteps: 30, keepLast: 1, keepBest: true, restoreBest: true },
  };
  const { calm, killed } = await twice(lab, spec, 25);
  for (const { id, checkpoints } of [calm, killed]) {
    const evaluations = (await eventsOf(lab, id, "evaluation")).filter(({ which }) => which === "during");
    const last = evaluations.at(-1)?.step ?? 0;
    expect(last).toBeLessThan(400);
    const best = evaluations.reduce((a, b) => ((b.result.loss ?? 9) < (a.result.loss ?? 9) ? b : a));
    expect((await eventsOf(lab, id, "trained")).map(({ step }) => step)).toEqual([best.step]);
    expect(checkpoints.find(({ isBest }) => isBest)?.step).toBe(best.step);
    const points = (await eventsOf(lab, id, "metrics")).flatMap(({ values }) => values["optim/learning_rate"] ?? []);
    expect(points).toHaveLength(last);
    expect(points.at(-1)).toBeLessThan(points[10] ?? 0); // the plateau lowered it
  }
});

test("poisoned batches are left out, the weights go back, and every attempt comes to the same", async () => {
  const spec: Partial<RunSpecInput> = {
    ...common,
    learningRate: 1e-4, // hardly anything is learned, so that losses scatter about their mean
    guards: { spikeFactor: 1.002, maxRollbacks: 100 },
    checkpoints: { everySteps: 9, keepLast: 1, keepBest: false },
    schedule: { kind: "constant", warmupSteps: 4 },
  };
  const { calm, killed } = await twice(lab, spec, 60);
  const [first, second] = [await eventsOf(lab, calm.id, "guard"), await eventsOf(lab, killed.id, "guard")];
  expect(second).toEqual(first);
  expect(new Set(first.map(({ action }) => action))).toEqual(new Set(["skipped", "rolled_back"]));
  const [one] = first;
  expect(one?.rows.length).toBeGreaterThan(0);
  expect(one?.rows.every((row) => row >= 0 && row < 96)).toBe(true);
  const back = first.find(({ action }) => action === "rolled_back");
  expect(back?.backToStep).toBeLessThan(back?.step ?? 0);
});

test("other methods, optimizers and numbers come through a kill to the same weights", async () => {
  const { calm } = await twice(
    lab,
    {
      ...common,
      precision: "f16",
      optimizer: { kind: "adamw8bit" },
      method: { kind: "lora", rank: 4, alpha: 8, dora: true, loraPlusRatio: 4, targets: ["all-linear"] },
      objective: { kind: "sft", labelSmoothing: 0.05, zLoss: 1e-4 },
      neftuneAlpha: 5,
    },
    60,
  );
  expect(calm.evaluationAfter?.loss).toBeLessThan((calm.evaluationBefore?.loss ?? 0) - 0.3);
});

test("a run goes on from the adapter of another, and only in its shape", async () => {
  const worker = lab.startWorker();
  const first = await finish(lab, (await lab.createRun({ ...common, epochs: 4 })).id);
  const method = { kind: "lora" as const, rank: 4, alpha: 8, targets: ["q_proj", "v_proj", "down_proj"] };
  const startFrom = `run:${first.id}`;
  await expect(lab.createRun({ ...common, method: { ...method, rank: 8, startFrom } })).rejects.toMatchObject({
    problem: { field: "method.rank", remedy: "set method.rank to 4" },
  });
  const next = await finish(
    lab,
    (await lab.createRun({ ...common, epochs: 1, learningRate: 1e-6, method: { ...method, startFrom } })).id,
  );
  expect(next.evaluationAfter?.loss).toBeCloseTo(first.evaluationAfter?.loss ?? 0, 2);
  expect(next.evaluationBefore?.loss).toBeCloseTo(first.evaluationAfter?.loss ?? 0, 4); // the model that it starts from
  await endProcess(worker, "SIGTERM");
});
