// First answers, then preferences on top of them: these are measured against the model that the second run starts from.
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunSpecInput } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { datasets } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventsOf, finish, twice } from "../../support/killed-run.ts";
import { artifactFile, endProcess, type Lab, openLab } from "../../support/worker-lab.ts";
import { caseFolder } from "./support.ts";

const folder = caseFolder("preferences-from-an-adapter");
let database: TestDatabase;
let lab: Lab;
let answers: Awaited<ReturnType<Lab["createRun"]>>;
let common: Partial<RunSpecInput>;
const versions: Record<string, string> = {};
beforeAll(async () => {
  database = await createTestDatabase();
  lab = await openLab({ databaseUrl: database.url });
  const base = join(lab.home, "models/base");
  cpSync(join(folder, "base"), base, { recursive: true });
  for (const name of ["answers", "pairs"]) {
    const path = join(lab.home, `incoming/${name}.jsonl`);
    cpSync(join(folder, `${name}.jsonl`), path);
    const { uploadId } = await datasets.importPath(lab.ctx, { path });
    versions[name] = (await datasets.commit(lab.ctx, { uploadId, name })).versions[0]?.id ?? "";
  }
  common = {
    base,
    batchRows: 6,
    microBatchTokens: 4096,
    maxSequenceTokens: 512,
    evaluation: { heldOutFraction: 0 },
    samples: { everySteps: 1000, maxNewTokens: 4 },
    checkpoints: { everySteps: 20 },
    export: { gguf: [] },
    schedule: { kind: "cosine", warmupSteps: 2 },
  };
  const worker = lab.startWorker();
  const method = { kind: "lora" as const, rank: 8, alpha: 16 };
  answers = await finish(
    lab,
    (await lab.createRun({ ...common, dataset: versions.answers, method, epochs: 60, learningRate: 0.01 })).id,
  );
  await endProcess(worker, "SIGTERM");
});
afterAll(async () => {
  await lab.close();
  await database.drop();
});

const second = (changes: Partial<RunSpecInput>): Partial<RunSpecInput> => ({
  ...common,
  dataset: versions.pairs,
  method: { kind: "lora", rank: 8, alpha: 16, startFrom: `run:${answers.id}` },
  epochs: 6,
  ...changes,
});
const firstStep = async (id: string) => {
  const [{ values } = { values: {} }] = await eventsOf(lab, id, "metrics");
  return { loss: values["train/loss"], margin: values["train/reward_margin"] };
};

test("DPO starts at ln 2 with nothing rewarded, and a killed trainer keeps the reference of its start", async () => {
  const evaluation = { heldOutFraction: 0.2, everySteps: 50, maxNewTokens: 4 };
  const { calm, killed } = await twice(
    lab,
    second({ objective: { kind: "dpo" }, epochs: 100, evaluation, learningRate: 1e-3 }),
    15,
  );
  for (const { id } of [calm, killed]) {
    const { loss, margin } = await firstStep(id);
    expect(loss).toBeCloseTo(Math.LN2, 5);
    expect(margin).toBeCloseTo(0, 5);
  }
  expect(calm.plan?.memory.referenceBytes).toBe(calm.plan?.memory.adapterBytes);
  // "Before" is the model that the run starts from: nothing is rewarded in it.
  expect(calm.evaluationBefore).toMatchObject({ rewardMargin: 0, rewardAccuracy: null });
  expect(calm.evaluationBefore?.loss).toBeCloseTo(Math.LN2, 6);
  expect(killed.evaluationBefore).toEqual(calm.evaluationBefore);
  const report = calm.artifacts.find(({ id }) => id === calm.reportArtifactId);
  expect(readFileSync(artifactFile(lab, report), "utf8")).toContain("adapter to continue from");
});

test("IPO starts at 25", async () => {
  const worker = lab.startWorker();
  const run = await finish(lab, (await lab.createRun(second({ objective: { kind: "ipo", beta: 0.1 } }))).id);
  expect((await firstStep(run.id)).loss).toBeCloseTo(25, 3);
  await endProcess(worker, "SIGTERM");
});

test("answers that go on from answers are judged against those", async () => {
  const worker = lab.startWorker();
  const evaluation = { heldOutFraction: 0.3, everySteps: 1000, maxNewTokens: 4 };
  const changes = { dataset: versions.answers, evaluation, epochs: 1, learningRate: 1e-6 };
  const on = await finish(lab, (await lab.createRun(second(changes))).id);
  const fresh = await finish(
    lab,
    (await lab.createRun(second({ ...changes, method: { kind: "lora", rank: 8, alpha: 16 } }))).id,
  );
  expect(on.evaluationBefore?.loss).toBeLessThan(0.8 * (fresh.evaluationBefore?.loss ?? 0));
  expect(on.evaluationAfter?.loss).toBeCloseTo(on.evaluationBefore?.loss ?? Number.NaN, 2);
  await endProcess(worker, "SIGTERM");
});
