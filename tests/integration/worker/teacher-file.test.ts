import { existsSync, mkdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunDetail, RunSpecInput, TeacherFileSummary } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { datasets, teacherFiles } from "@anneal/services";
import { openTeacherFile } from "@anneal/text";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventsOf, finish, twice } from "../../support/killed-run.ts";
import { tinyShape, writeTinyModel } from "../../support/model-files/tiny-model.ts";
import { artifactFile, endProcess, type Lab, openLab, trainerOf } from "../../support/worker-lab.ts";

// Distillation from a file of what a teacher said: made by a worker, used by a run in whose memory no teacher lies.
const cutAt = 256;
const common: Partial<RunSpecInput> = {
  epochs: 20,
  learningRate: 1e-2,
  precision: "f32",
  microBatchTokens: 512,
  maxSequenceTokens: cutAt,
  evaluation: { heldOutFraction: 0.2, everySteps: 40, maxRows: 16, maxNewTokens: 4, finalMaxRows: 16 },
  samples: { everySteps: 1000, maxNewTokens: 4 },
  export: { gguf: [] },
};

let database: TestDatabase;
let lab: Lab;
let teacher = "";
beforeAll(async () => {
  database = await createTestDatabase();
  lab = await openLab({ databaseUrl: database.url });
  teacher = join(lab.home, "models/teacher");
  mkdirSync(teacher);
  writeTinyModel(teacher, { ...tinyShape, hidden: 96, layers: 3 });
});
afterAll(async () => {
  await lab.close();
  await database.drop();
});

const asked = (changes: Partial<Parameters<typeof teacherFiles.make>[1]> = {}) =>
  teacherFiles.make(lab.ctx, {
    model: teacher,
    dataset: lab.datasetVersion,
    topK: tinyShape.vocabulary,
    maxSequenceTokens: cutAt,
    microBatchTokens: 512,
    precision: "f32",
    ...changes,
  });

async function made(id: string): Promise<TeacherFileSummary> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const found = await teacherFiles.get(lab.ctx, { teacherFileId: id });
    if (found.status === "ready" || found.status === "failed") return found;
    if (Date.now() > deadline) throw new Error(`it is still ${found.status}\n${lab.logs()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const fileOf = (id: string) => join(lab.home, "teachers", id, "best.teacher");
const divergences = async (run: RunDetail) =>
  (await eventsOf(lab, run.id, "metrics")).flatMap(({ values }) => values["train/divergence"] ?? []);
const plain = { kind: "distill" as const, crossEntropyWeight: 0 };

test("a worker makes the file, the same bytes again, also after its trainer was killed", async () => {
  const worker = lab.startWorker();
  const first = await made((await asked({ topK: 8, name: "eight" })).id);
  expect(first).toMatchObject({ status: "ready", name: "eight", topK: 8, rows: 96, problem: null, fraction: 1 });
  const file = openTeacherFile(fileOf(first.id));
  expect(file.rows).toBe(96);
  expect(file.supervisedTokens).toBe(first.supervisedTokens);
  expect(file.facts).toMatchObject({ topK: 8, maxSequenceTokens: cutAt, vocabularySize: tinyShape.vocabulary });
  file.close();
  const { id } = await asked({ topK: 8 });
  // The trainer is killed as soon as it is there: whatever it had done, another one begins anew.
  for (let pid: number | null = null; pid === null; ) {
    pid = trainerOf(worker.pid ?? 0);
    if (pid !== null) process.kill(pid, "SIGKILL");
    else if ((await teacherFiles.get(lab.ctx, { teacherFileId: id })).status === "ready")
      throw new Error("the file was made before its trainer could be killed");
  }
  const second = await made(id);
  expect({ digest: second.digest, bytes: second.bytes }).toEqual({ digest: first.digest, bytes: first.bytes });
  await endProcess(worker, "SIGTERM");
});

test("a run from a file with all tokens learns as from the teacher in memory; killed, it ends alike", async () => {
  const worker = lab.startWorker();
  const whole = await made((await asked()).id);
  expect(whole.status).toBe("ready");
  const inMemory = await finish(lab, (await lab.createRun({ ...common, objective: { ...plain, teacher } })).id);
  await endProcess(worker, "SIGTERM");
  const { calm, killed } = await twice(lab, { ...common, objective: { ...plain, teacherFile: whole.id } }, 40);
  const [mine, theirs] = [await divergences(calm), await divergences(inMemory)];
  expect(Math.abs((mine[0] ?? 0) - (theirs[0] ?? 1))).toBeLessThan(1e-5);
  expect(mine.at(-1)).toBeLessThan((mine[0] ?? 0) * 0.8);
  expect(mine.at(-1)).toBeCloseTo(theirs.at(-1) ?? Number.NaN, 3);
  expect(await divergences(killed)).toEqual(mine);
  // No teacher lies in memory: what the plan counts is what the micro-batches bring.
  expect(calm.plan?.memory.referenceBytes).toBe(2 * 512 * tinyShape.vocabulary * 8);
  expect(inMemory.plan?.memory.referenceBytes).toBeGreaterThan(0);
  const report = calm.artifacts.find(({ id }) => id === calm.reportArtifactId);
  const page = readFileSync(artifactFile(lab, report), "utf8");
  expect(page).toContain(whole.digest);
  expect(page).toContain("teacher best 259");
  await expect(teacherFiles.remove(lab.ctx, { teacherFileId: whole.id })).resolves.toEqual({ removed: true });
  expect(existsSync(fileOf(whole.id))).toBe(false);
});

test("what failed says why and is made again; with its dataset a file goes", async () => {
  const path = join(lab.home, "incoming/gone.jsonl");
  writeFileSync(path, JSON.stringify({ prompt: "one", completion: "two" }));
  const { uploadId } = await datasets.importPath(lab.ctx, { path });
  const dataset = await datasets.commit(lab.ctx, { uploadId, name: "gone" });
  const model = join(lab.home, "models/leaving");
  mkdirSync(model);
  writeTinyModel(model);
  const { id } = await asked({ topK: 4, model, dataset: dataset.versions[0]?.id ?? "" });
  renameSync(model, `${model}-away`);
  const worker = lab.startWorker();
  expect(await made(id)).toMatchObject({ status: "failed", problem: { message: expect.stringContaining("leaving") } });
  renameSync(`${model}-away`, model);
  await teacherFiles.retry(lab.ctx, { teacherFileId: id });
  expect(await made(id)).toMatchObject({ status: "ready", rows: 1, problem: null });
  await expect(teacherFiles.retry(lab.ctx, { teacherFileId: id })).rejects.toMatchObject({
    problem: { code: "PRECONDITION_FAILED" },
  });
  await endProcess(worker, "SIGTERM");
  expect(await teacherFiles.clearLost(lab.ctx)).toBe(0);
  await datasets.remove(lab.ctx, { datasetId: dataset.id });
  expect(await teacherFiles.clearLost(lab.ctx)).toBe(1);
  expect(existsSync(fileOf(id))).toBe(false);
});

test("what does not fit is refused by name", async () => {
  const worker = lab.startWorker();
  const file = await made((await asked({ topK: 4 })).id);
  const refused = (spec: Partial<RunSpecInput>, objective: object = { ...plain, teacherFile: file.id }) =>
    expect(lab.createRun({ ...common, objective: objective as never, ...spec })).rejects;
  const field = "objective.teacherFile";
  await refused({ maxSequenceTokens: 128 }).toMatchObject({
    problem: { field, message: expect.stringContaining("cut at 256 tokens, this run cuts at 128") },
  });
  const path = join(lab.home, "incoming/others.jsonl");
  writeFileSync(path, JSON.stringify({ prompt: "one", completion: "two" }).concat("\n").repeat(1));
  const { uploadId } = await datasets.importPath(lab.ctx, { path });
  const others = (await datasets.commit(lab.ctx, { uploadId, name: "others" })).versions[0]?.id ?? "";
  await refused({ dataset: others }).toMatchObject({ problem: { field, message: expect.stringContaining("dataset") } });
  const larger = join(lab.home, "models/larger");
  mkdirSync(larger);
  writeTinyModel(larger, { ...tinyShape, vocabulary: 300 });
  await refused({ base: larger }).toMatchObject({
    problem: { field, message: expect.stringContaining("259 tokens, the base 300") },
  });
  await refused({}, { ...plain, teacherFile: crypto.randomUUID() }).toMatchObject({
    problem: { code: "NOT_FOUND", field },
  });
  for (const [changes, name] of [
    [{ model: join(lab.home, "models/none") }, "model"],
    [{ base: larger }, "base"],
    [{ topK: 260 }, "topK"],
    [{ dataset: crypto.randomUUID() }, "dataset"],
    [{ maxSequenceTokens: 100_000, microBatchTokens: 100_000 }, "maxSequenceTokens"],
    [{ microBatchTokens: 128 }, "microBatchTokens"],
  ] as const)
    await expect(asked(changes), name).rejects.toMatchObject({ problem: { field: name } });

  // A file that changed on the disk: its size is seen before the run, its digest by the trainer.
  const { id } = file;
  const bytes = readFileSync(fileOf(id));
  const changed = Buffer.from(bytes);
  changed[100] = (changed[100] ?? 0) ^ 1;
  writeFileSync(fileOf(id), changed);
  const run = await lab.createRun({ ...common, objective: { ...plain, teacherFile: id } });
  const failed = await lab.until(run.id, "failed", ({ status }) => status === "failed");
  expect(failed.problem).toMatchObject({ message: expect.stringContaining("has changed: sha256:") });
  truncateSync(fileOf(id), 50);
  await refused({}).toMatchObject({
    problem: { code: "NOT_FOUND", field, message: expect.stringContaining("50 bytes") },
  });
  await endProcess(worker, "SIGTERM");
});
