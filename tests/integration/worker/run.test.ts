import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import type { RunDetail, RunSpecInput } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { runs } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { faultsOf } from "../../support/run-record.ts";
import {
  artifactFile,
  endProcess,
  hasEnded,
  type Lab,
  openLab,
  trainedDigests,
  trainerOf,
} from "../../support/worker-lab.ts";

// 77 training rows in steps of 8: ten steps an epoch. Progress is told once a second, so a run that is to be caught in the
// middle must take some, on a fast machine too.
const spec: Partial<RunSpecInput> = {
  epochs: 40,
  evaluation: { heldOutFraction: 0.2, everySteps: 40, maxRows: 8, maxNewTokens: 6 },
  checkpoints: { everySteps: 20, keepLast: 2, keepBest: true },
};
const facts = { steps: 400, evaluateEvery: 40 };
const ended = hasEnded("succeeded", "failed", "cancelled");

let database: TestDatabase;
let lab: Lab;
let undisturbed: RunDetail;
let digest: string;
beforeAll(async () => {
  database = await createTestDatabase();
  lab = await openLab({ databaseUrl: database.url });
});
afterAll(async () => {
  await lab.close();
  await database.drop();
});

const reaches = (runId: string, step: number) =>
  lab.until(runId, `at step ${step}`, (run) => (run.progress?.step ?? 0) >= step || ended(run));

function killTrainer(worker: ChildProcess): void {
  const pid = trainerOf(worker.pid ?? 0);
  // A pid of 0 would mean our own process group.
  if (pid === null) throw new Error("the trainer had ended before it could be killed; make the run longer");
  process.kill(pid, "SIGKILL");
}

async function endsLikeUndisturbed(runId: string): Promise<RunDetail> {
  const run = await lab.until(runId, "succeeded", ended);
  expect(run.problem).toBeNull();
  expect(run.status).toBe("succeeded");
  expect(await trainedDigests(lab.ctx, runId)).toEqual([digest]);
  expect(await faultsOf(lab.ctx, run, facts)).toEqual([]);
  const weights = (one: RunDetail) =>
    one.artifacts.filter(({ kind }) => kind !== "report").map(({ kind, name, digest }) => `${kind} ${name} ${digest}`);
  expect(weights(run)).toEqual(weights(undisturbed));
  return run;
}

test("a whole run: every stage, every metric once, files with the digests that were told", async () => {
  const worker = lab.startWorker();
  const created = await lab.createRun(spec);
  undisturbed = await lab.until(created.id, "ended", ended);
  await endProcess(worker, "SIGTERM");
  expect(undisturbed.problem).toBeNull();
  expect(undisturbed.status).toBe("succeeded");
  [digest = ""] = await trainedDigests(lab.ctx, created.id);
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(await faultsOf(lab.ctx, undisturbed, facts)).toEqual([]);
  const text = ["chat_template.jinja", "tokenizer.json", "tokenizer_config.json"]; // what the next program renders rows with
  const named = (of: string) => undisturbed.artifacts.flatMap(({ kind, name }) => (kind === of ? [name] : [])).sort();
  expect(named("adapter")).toEqual(["adapter_config.json", "adapter_model.safetensors", ...text].sort());
  expect(named("merged")).toEqual(["config.json", "generation_config.json", "model.safetensors", ...text].sort());
  expect(
    undisturbed.artifacts
      .map(({ kind }) => kind)
      .filter((kind) => !/adapter|merged/.test(kind))
      .sort(),
  ).toEqual(["gguf", "report", "report"]);
  const events = await runs.events(lab.ctx, { runId: created.id, types: ["stage"], limit: 100 });
  expect(events.map(({ body }) => body.type === "stage" && `${body.stage} ${body.state}`)).toEqual([
    ...["prepare", "train", "evaluate", "export", "benchmark"].flatMap((stage) => [
      `${stage} started`,
      `${stage} finished`,
    ]),
    "publish skipped",
  ]);
  expect(undisturbed.evaluationBefore?.rows).toBe(19);
  expect(undisturbed.evaluationAfter?.loss).toBeLessThan(undisturbed.evaluationBefore?.loss ?? 0);
  expect(undisturbed.checkpoints.filter(({ kept }) => kept).length).toBeLessThanOrEqual(3);
  expect(undisturbed.checkpoints.filter(({ isBest }) => isBest)).toHaveLength(1);
  const report = undisturbed.artifacts.find(({ id }) => id === undisturbed.reportArtifactId);
  expect(readFileSync(artifactFile(lab, report), "utf8")).toContain("Content-Security-Policy");
});

test("pause saves and gives the machine back; resume goes on from there to the same weights", async () => {
  const worker = lab.startWorker();
  const { id } = await lab.createRun(spec);
  await reaches(id, 12);
  await runs.pause(lab.ctx, { runId: id });
  const paused = await lab.until(id, "paused", hasEnded("paused", "succeeded", "failed"));
  expect(paused.status).toBe("paused");
  expect(trainerOf(worker.pid ?? 0)).toBeNull();
  await runs.resume(lab.ctx, { runId: id });
  const run = await endsLikeUndisturbed(id);
  expect(run.attempts.map(({ outcome }) => outcome)).toEqual(["paused", "succeeded"]);
  expect(run.attempts[1]?.resumedFromStep).toBeGreaterThanOrEqual(12);
  await endProcess(worker, "SIGTERM");
});

test("cancel stops between micro-batches; a cancelled run can be taken up again", async () => {
  const worker = lab.startWorker();
  const { id } = await lab.createRun(spec);
  await reaches(id, 12);
  await runs.cancel(lab.ctx, { runId: id });
  const cancelled = await lab.until(id, "cancelled", ended);
  expect(cancelled.status).toBe("cancelled");
  expect(cancelled.finishedAt).not.toBeNull();
  await runs.resume(lab.ctx, { runId: id });
  await endsLikeUndisturbed(id);
  await endProcess(worker, "SIGTERM");
});

test("save makes a checkpoint at once and the run goes on", async () => {
  const worker = lab.startWorker();
  const { id } = await lab.createRun({ ...spec, checkpoints: { everySteps: 1000, keepLast: 2, keepBest: false } });
  await reaches(id, 12);
  await runs.saveCheckpoint(lab.ctx, { runId: id });
  const saved = await lab.until(id, "saved", (run) => run.checkpoints.length > 0);
  expect(saved.checkpoints[0]?.step).toBeGreaterThanOrEqual(12);
  expect(saved.checkpoints[0]?.step).toBeLessThan(facts.steps);
  await endsLikeUndisturbed(id);
  await endProcess(worker, "SIGTERM");
});

test("kill -9 of the trainer: the worker starts another, which goes on", async () => {
  const worker = lab.startWorker();
  const { id } = await lab.createRun(spec);
  await reaches(id, 20);
  killTrainer(worker);
  const run = await endsLikeUndisturbed(id);
  expect(run.attempts.map(({ outcome }) => outcome)).toEqual(["failed", "succeeded"]);
  await endProcess(worker, "SIGTERM");
});

test("kill -9 of the worker: the trainer stops by itself, the next worker goes on", async () => {
  const first = lab.startWorker();
  const { id } = await lab.createRun(spec);
  await reaches(id, 20);
  await endProcess(first, "SIGKILL");
  const second = lab.startWorker();
  const run = await endsLikeUndisturbed(id);
  expect(run.attempts.map(({ outcome }) => outcome)).toEqual(["lost", "succeeded"]);
  await endProcess(second, "SIGTERM");
});

test("a worker told to leave hands its run back; segments cut a long run into attempts", async () => {
  const first = lab.startWorker({ ANNEAL_SEGMENT_SECONDS: "1" });
  const { id } = await lab.createRun({ ...spec, checkpoints: { everySteps: 1000, keepLast: 1, keepBest: false } });
  await reaches(id, 20);
  await endProcess(first, "SIGTERM");
  expect(first.exitCode).toBe(0);
  const left = await runs.get(lab.ctx, { runId: id });
  expect(left.status).toBe("queued");
  const second = lab.startWorker();
  const run = await endsLikeUndisturbed(id);
  expect(run.attempts.length).toBeGreaterThanOrEqual(2);
  await endProcess(second, "SIGTERM");
});

test("no Ollama: the run ends well, its publication says unreachable and how to go on", async () => {
  const worker = lab.startWorker();
  const { id } = await lab.createRun({ epochs: 1, publish: { name: "tiny-colours" } });
  const run = await lab.until(id, "succeeded", ended);
  expect(run.status).toBe("succeeded");
  expect(run.deployments).toHaveLength(1);
  expect(run.deployments[0]?.status).toBe("unreachable");
  expect(run.deployments[0]?.problem?.remedy).toBeTruthy();
  await endProcess(worker, "SIGTERM");
});

test("full fine-tuning: the base is asked before training, since afterwards there is none left", async () => {
  const worker = lab.startWorker();
  const { id } = await lab.createRun({ ...spec, method: { kind: "full" }, export: { gguf: ["F16"] } });
  await reaches(id, 10);
  killTrainer(worker);
  const run = await lab.until(id, "succeeded", ended);
  expect(run.status).toBe("succeeded");
  expect(run.evaluationBefore?.loss).toBeCloseTo(undisturbed.evaluationBefore?.loss ?? 0, 4);
  expect(run.evaluationAfter?.loss).toBeLessThan(run.evaluationBefore?.loss ?? 0);
  expect(run.artifacts.map(({ kind }) => kind).sort()).toEqual(["gguf", "report", "report"]);
  await endProcess(worker, "SIGTERM");
});

test("a base that changed under a paused run is refused, with the reason", async () => {
  const { writeFileSync } = await import("node:fs");
  const worker = lab.startWorker();
  const { id } = await lab.createRun(spec);
  await reaches(id, 12);
  await runs.pause(lab.ctx, { runId: id });
  await lab.until(id, "paused", hasEnded("paused"));
  const path = `${lab.model}/config.json`;
  const kept = readFileSync(path, "utf8");
  writeFileSync(path, `${kept} `);
  try {
    await runs.resume(lab.ctx, { runId: id });
    const run = await lab.until(id, "failed", ended);
    expect(run.status).toBe("failed");
    expect(run.problem?.message).toContain("has changed");
  } finally {
    writeFileSync(path, kept);
  }
  await endProcess(worker, "SIGTERM");
});
