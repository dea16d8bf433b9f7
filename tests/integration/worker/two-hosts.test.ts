import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunDetail, RunSpecInput } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { runs } from "@anneal/services";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { faultsOf } from "../../support/run-record.ts";
import { type S3Server, startS3, testKeys } from "../../support/s3-server.ts";
import { endProcess, hasEnded, type Lab, openLab, trainedDigests } from "../../support/worker-lab.ts";

// One database, two homes: what a host had in its own folders, the other must find in the store.
const spec: Partial<RunSpecInput> = {
  epochs: 80,
  evaluation: { heldOutFraction: 0.2, everySteps: 40, maxRows: 8, maxNewTokens: 6 },
  checkpoints: { everySteps: 20, keepLast: 2, keepBest: true },
};
const facts = { steps: 800, evaluateEvery: 40 };
const ended = hasEnded("succeeded", "failed", "cancelled");
const weights = (run: RunDetail) =>
  run.artifacts.filter(({ kind }) => kind !== "report").map(({ kind, name, digest }) => `${kind} ${name} ${digest}`);

describe.each(["folder", "s3rver"] as const)("a store that both reach: %s", (kind) => {
  let database: TestDatabase;
  let server: S3Server | null = null;
  let lab: Lab;
  const workers: ChildProcess[] = [];
  const start = (env: Record<string, string>) => {
    const worker = lab.startWorker(env);
    workers.push(worker);
    return worker;
  };
  afterEach(async () => {
    for (const worker of workers.splice(0)) await endProcess(worker, "SIGKILL");
  });
  let other: string; // the second host's home
  let shared: Record<string, string>;
  let undisturbed: RunDetail;
  let digest: string | undefined;
  const hosts = () => ({ here: shared, there: { ...shared, ANNEAL_HOME: other } });
  const reaches = (runId: string, step: number) =>
    lab.until(runId, `at step ${step}`, (run) => (run.progress?.step ?? 0) >= step || ended(run));

  beforeAll(async () => {
    database = await createTestDatabase();
    other = mkdtempSync(join(tmpdir(), "anneal-other-"));
    if (kind === "s3rver") server = await startS3();
    const folder = mkdtempSync(join(tmpdir(), "anneal-shared-"));
    const { accessKeyId, secretAccessKey } = testKeys;
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    shared = { ANNEAL_STORE: server?.location ?? folder, ...keys };
    lab = await openLab({ databaseUrl: database.url, env: shared });
    const worker = lab.startWorker();
    const { id } = await lab.createRun(spec);
    undisturbed = await lab.until(id, "ended", ended);
    await endProcess(worker, "SIGTERM");
    expect(undisturbed.problem).toBeNull();
    [digest] = await trainedDigests(lab.ctx, id);
  });
  afterAll(async () => {
    await lab.close();
    await database.drop();
    await server?.close();
    for (const folder of [other, shared.ANNEAL_STORE ?? ""])
      if (existsSync(folder)) rmSync(folder, { recursive: true });
  });

  async function endsLikeUndisturbed(runId: string): Promise<RunDetail> {
    const run = await lab.until(runId, "ended", ended);
    expect(run.problem).toBeNull();
    expect(await trainedDigests(lab.ctx, runId)).toEqual([digest]);
    expect(await faultsOf(lab.ctx, run, facts)).toEqual([]);
    expect(weights(run)).toEqual(weights(undisturbed));
    return run;
  }

  test("a run paused on one host goes on at the other, and back, with the same bits and every metric once", async () => {
    const first = start(hosts().here);
    const { id } = await lab.createRun(spec);
    await reaches(id, 60);
    await runs.pause(lab.ctx, { runId: id });
    const before = await lab.until(id, "paused", (run) => run.status === "paused" || ended(run));
    expect(before.status).toBe("paused");
    await endProcess(first, "SIGTERM");

    const second = start(hosts().there);
    await runs.resume(lab.ctx, { runId: id });
    const further = (before.progress?.step ?? 0) + 30;
    await lab.until(
      id,
      `past step ${further}`,
      (run) => run.attempts.length > 1 && (run.progress?.step ?? 0) >= further,
    );
    await runs.pause(lab.ctx, { runId: id });
    const paused = await lab.until(id, "paused", (run) => run.status === "paused" || ended(run));
    expect(paused.attempts.map(({ resumedFromStep }) => (resumedFromStep ?? 0) > 0).sort()).toEqual([false, true]);
    await endProcess(second, "SIGTERM");

    const third = start(hosts().here);
    await runs.resume(lab.ctx, { runId: id });
    const run = await endsLikeUndisturbed(id);
    expect(run.attempts).toHaveLength(3);
    await endProcess(third, "SIGTERM");
    const report = run.artifacts.find(({ id }) => id === run.reportArtifactId);
    const page = readFileSync(join(lab.home, "runs", id, report?.file ?? ""), "utf8");
    const whole = undisturbed.artifacts.find(({ id }) => id === undisturbed.reportArtifactId);
    const plain = readFileSync(join(lab.home, "runs", undisturbed.id, whole?.file ?? ""), "utf8");
    const points = (html: string) => html.match(/<polyline|<path/g)?.length;
    expect(points(page)).toBe(points(plain)); // the curves begin at step 1 on both
  });

  test("a host that is cut off loses nothing: the other takes the run over", async () => {
    const first = start(hosts().here);
    const { id } = await lab.createRun(spec);
    await reaches(id, 90);
    await endProcess(first, "SIGKILL");
    const second = start({ ...hosts().there, ANNEAL_WORKER_NAME: "other" });
    const run = await endsLikeUndisturbed(id);
    expect(run.attempts.some(({ workerName }) => workerName === "other")).toBe(true);
    await endProcess(second, "SIGTERM");
  });

  test("a worker of another store leaves the run alone and says so; a file of the cache that was altered is fetched anew", async () => {
    const { id } = await lab.createRun(spec);
    const stranger = mkdtempSync(join(tmpdir(), "anneal-stranger-"));
    const worker = start({ ...hosts().there, ANNEAL_STORE: stranger, ANNEAL_WORKER_NAME: "stranger" });
    try {
      for (const end = Date.now() + 60_000; ; ) {
        expect(Date.now(), lab.logs()).toBeLessThan(end);
        const told = await runs.events(lab.ctx, { runId: id, types: ["log"] });
        const words = told.map(({ body }) => (body.type === "log" ? body.message : ""));
        if (words.some((text) => /worker stranger leaves this run alone: its files lie in store/.test(text))) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect((await runs.get(lab.ctx, { runId: id })).status).toBe("queued");
    } finally {
      await endProcess(worker, "SIGTERM");
      rmSync(stranger, { recursive: true, force: true });
    }
    const cache = join(other, "cache/objects");
    for (const name of kind === "folder" ? [] : readdirSync(cache))
      if (statSync(join(cache, name)).size > 0) writeFileSync(join(cache, name), "altered");
    const right = start(hosts().there);
    await endsLikeUndisturbed(id);
    await endProcess(right, "SIGTERM");
  });
});
