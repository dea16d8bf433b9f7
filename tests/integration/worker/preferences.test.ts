import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunDetail, RunSpecInput } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { datasets } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventsOf, finish, twice } from "../../support/killed-run.ts";
import { tinyShape, writeTinyModel } from "../../support/model-files/tiny-model.ts";
import { artifactFile, endProcess, type Lab, openLab } from "../../support/worker-lab.ts";

// Runs that learn from something else than answers to imitate: pairs, marks, a teacher.
const colours = ["red", "green", "blue", "white"];
const pairs = Array.from({ length: 80 }, (_, i) => ({
  prompt: `${colours[i % 4]} thing ${i}`,
  chosen: colours[i % 4],
  rejected: colours[(i + 1 + (i % 3)) % 4],
}));
const marks = pairs.map(({ prompt, chosen, rejected }, i) => ({
  prompt,
  completion: i % 2 ? chosen : rejected,
  label: i % 2 === 1,
}));
const common: Partial<RunSpecInput> = {
  epochs: 15,
  learningRate: 1e-2,
  microBatchTokens: 512,
  evaluation: { heldOutFraction: 0.2, everySteps: 40, maxRows: 16, maxNewTokens: 4, finalMaxRows: 16 },
  samples: { everySteps: 1000, maxNewTokens: 4 },
  export: { gguf: [] },
};

let database: TestDatabase;
let lab: Lab;
const versions: Record<string, string> = {};
beforeAll(async () => {
  database = await createTestDatabase();
  lab = await openLab({ databaseUrl: database.url });
  for (const [name, rows] of Object.entries({ pairs, marks })) {
    const path = join(lab.home, `incoming/${name}.jsonl`);
    writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    const { uploadId } = await datasets.importPath(lab.ctx, { path });
    versions[name] = (await datasets.commit(lab.ctx, { uploadId, name })).versions[0]?.id ?? "";
  }
});
afterAll(async () => {
  await lab.close();
  await database.drop();
});

const seriesOf = async (run: RunDetail, name: "train/reward_margin" | "eval/reward_margin" | "train/divergence") =>
  (await eventsOf(lab, run.id, "metrics")).flatMap(({ values }) => values[name] ?? []);

test("DPO: the margin grows, the report says so, and a killed trainer changes no bit", async () => {
  const spec = { ...common, dataset: versions.pairs, objective: { kind: "dpo" as const } };
  const { calm, killed } = await twice(lab, spec, 30);
  const margins = await seriesOf(calm, "train/reward_margin");
  expect(margins).toHaveLength(120);
  expect(margins[0]).toBe(0);
  expect(margins.at(-1)).toBeGreaterThan(0.5);
  expect(await seriesOf(killed, "train/reward_margin")).toEqual(margins);
  const held = await seriesOf(calm, "eval/reward_margin");
  expect(held.at(-1)).toBeGreaterThan(held[0] ?? 9);
  expect(calm.evaluationBefore).toMatchObject({ rows: 16, rewardMargin: 0, rewardAccuracy: null, exactMatch: null });
  expect(calm.evaluationBefore?.loss).toBeCloseTo(Math.LN2, 6);
  expect(calm.evaluationAfter?.rewardAccuracy).toBeGreaterThan(0.7);
  expect(killed.evaluationAfter).toEqual(calm.evaluationAfter);
  const report = calm.artifacts.find(({ id }) => id === calm.reportArtifactId);
  expect(readFileSync(artifactFile(lab, report), "utf8")).toContain("Preferences on held-out rows");
});

test("KTO: what is liked is rewarded above what is not", async () => {
  const worker = lab.startWorker();
  const objective = { kind: "kto" as const, beta: 0.5 };
  const run = await finish(lab, (await lab.createRun({ ...common, dataset: versions.marks, objective })).id);
  expect(run.evaluationAfter?.rewardMargin).toBeGreaterThan(0.1);
  expect(run.evaluationAfter?.loss).toBeLessThan(run.evaluationBefore?.loss ?? 0);
  await endProcess(worker, "SIGTERM");
});

test("distillation: the student comes nearer to its teacher, killed or not", async () => {
  const teacher = join(lab.home, "models/teacher");
  mkdirSync(teacher);
  writeTinyModel(teacher, { ...tinyShape, hidden: 96, layers: 3 });
  const objective = { kind: "distill" as const, teacher, crossEntropyWeight: 0 };
  const { calm } = await twice(lab, { ...common, epochs: 20, objective }, 40);
  const divergences = await seriesOf(calm, "train/divergence");
  expect(divergences.at(-1)).toBeLessThan((divergences[0] ?? 0) * 0.8);
  // The teacher lies in memory, too, and is planned for.
  const alone = await lab.createRun(common);
  expect(calm.plan?.memory.referenceBytes).toBeGreaterThan(alone.plan?.memory.weightBytes ?? 0);
  expect(alone.plan?.memory.referenceBytes).toBe(0);
});

test("what does not go together is refused by name", async () => {
  const refused = (spec: Partial<RunSpecInput>) => lab.createRun({ ...common, ...spec });
  await expect(refused({ objective: { kind: "dpo" } })).rejects.toMatchObject({
    problem: { field: "objective.kind", remedy: expect.stringContaining("sft or distill") },
  });
  await expect(refused({ dataset: versions.marks })).rejects.toMatchObject({
    problem: { field: "objective.kind", remedy: expect.stringContaining("kto") },
  });
  const evaluation = { ...common.evaluation, dataset: versions.marks };
  await expect(refused({ dataset: versions.pairs, objective: { kind: "simpo" }, evaluation })).rejects.toMatchObject({
    problem: { field: "evaluation.dataset" },
  });
  const other = join(lab.home, "models/other");
  mkdirSync(other);
  writeTinyModel(other, { ...tinyShape, vocabulary: 300 });
  await expect(refused({ objective: { kind: "distill", teacher: other } })).rejects.toMatchObject({
    problem: { field: "objective.teacher", message: expect.stringContaining("300 tokens, the base 259") },
  });
  await expect(
    refused({ objective: { kind: "distill", teacher: join(lab.home, "models/none") } }),
  ).rejects.toMatchObject({ problem: { field: "objective.teacher" } });
  await expect(refused({ sourceWeights: { forum: 2 } })).rejects.toMatchObject({ problem: { field: "sourceWeights" } });
});
