// A home and database that commit 3702a49 left: all of it is there after the upgrade, and what was under way ends as it would have.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readStoredSpec } from "@anneal/contracts";
import { migrate, schema } from "@anneal/db";
import { datasets, deployments, models, runs, storage, teacherFiles, tokens } from "@anneal/services";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOllamaClient } from "../../../apps/worker/src/ollama-port.ts";
import { type OldHome, openOldHome } from "../../support/old-home.ts";
import { type OllamaStandin, startOllamaStandin } from "../../support/ollama-standin/index.ts";
import { hasEnded, type Lab, openLab, trainedDigests } from "../../support/worker-lab.ts";

const ended = hasEnded("succeeded", "failed", "cancelled");
const isa = process.env.ANNEAL_ISA;
let old: OldHome;
let ollama: OllamaStandin;
let lab: Lab;
beforeAll(async () => {
  // The digests were reached with plain instructions, which every machine has.
  process.env.ANNEAL_ISA = "generic";
  old = await openOldHome("3702a49", 6);
  await migrate(old.databaseUrl);
  ollama = await startOllamaStandin({ models: `${old.home}/ollama-store` });
  const version = rowsOf("dataset_versions").find(({ number }) => number === 1);
  lab = await openLab({
    databaseUrl: old.databaseUrl,
    home: old.home,
    env: { OLLAMA_HOST: ollama.url },
    existing: { datasetVersion: String(version?.id) },
  });
});
afterAll(async () => {
  await lab.close();
  await ollama.stop();
  await old.close();
  if (isa === undefined) delete process.env.ANNEAL_ISA;
  else process.env.ANNEAL_ISA = isa;
});

type Row = Record<string, unknown>;
const rowsOf = (name: string): Row[] =>
  (old.tables.find(({ table }) => table === `"public"."${name}"`)?.rows ?? []).map((row) => JSON.parse(row) as Row);
const sha256 = (path: string) => `sha256:${createHash("sha256").update(readFileSync(path)).digest("hex")}`;

test("runs, their events, series, files and publications are there as they were", async () => {
  const { items } = await runs.list(lab.ctx, {});
  expect(Object.fromEntries(items.map(({ name, status }) => [name, status]))).toEqual({
    done: "succeeded",
    paused: "paused",
    queued: "queued",
    cancelled: "cancelled",
  });
  for (const { id } of items) {
    const detail = await runs.get(lab.ctx, { runId: id });
    const before = rowsOf("runs").find((row) => row.id === id);
    expect(detail.spec).toMatchObject({ ...readStoredSpec(before?.spec as Row), seed: 7, precision: "f32" });
    const told = rowsOf("run_events").filter((row) => row.run_id === id);
    const events = await runs.events(lab.ctx, { runId: id, limit: 1000 });
    expect(events).toHaveLength(told.length);
    const metrics = events.filter(({ body }) => body.type === "metrics");
    const values = metrics.flatMap(({ body }) => (body.type === "metrics" ? Object.values(body.values) : []));
    const points = rowsOf("run_metrics").filter((row) => row.run_id === id);
    expect(values).toHaveLength(points.length);
    const series = await runs.metrics(lab.ctx, { runId: id, buckets: 5000 });
    expect(series.flatMap((one) => one.points)).toHaveLength(points.length);
    expect(detail.attempts).toHaveLength(rowsOf("attempts").filter((row) => row.run_id === id).length);
    expect(detail.checkpoints).toHaveLength(rowsOf("checkpoints").filter((row) => row.run_id === id).length);
    expect(await runs.samples(lab.ctx, { runId: id })).toHaveLength(
      rowsOf("samples").filter((row) => row.run_id === id).length,
    );
    const files = await lab.ctx.db.select().from(schema.artifacts).where(eq(schema.artifacts.runId, id));
    expect(files).toHaveLength(rowsOf("artifacts").filter((row) => row.run_id === id).length);
    for (const { file, digest } of files) expect(sha256(join(lab.home, "runs", id, file))).toBe(digest);
  }
  const published = await deployments.list(lab.ctx, {});
  expect(published.map(({ name, status }) => `${name} ${status}`).sort()).toEqual(
    rowsOf("deployments")
      .map(({ name, status }) => `${name} ${status}`)
      .sort(),
  );
  expect((await createOllamaClient(ollama.url).tags()).map(({ name }) => name)).toContain("colours:latest");
});

test("datasets, models, teacher's files, people, tokens and the audit trail are there", async () => {
  const [dataset, ...others] = await datasets.list(lab.ctx, undefined);
  expect(others).toEqual([]);
  expect(dataset).toMatchObject({ name: "colours", versions: [{ number: 2 }, { number: 1 }] });
  for (const { id, rows } of dataset?.versions ?? [])
    expect((await datasets.rows(lab.ctx, { versionId: id, limit: 200 })).rows).toHaveLength(rows);
  expect((await models.list(lab.ctx, undefined)).find(({ name }) => name === "Tiny")?.supported).toBe(true);
  expect((await teacherFiles.list(lab.ctx, undefined)).map(({ status }) => status)).toEqual(["ready"]);
  expect((await tokens.list(lab.ctx, undefined)).map(({ name }) => name)).toEqual(["robot"]);
  expect((await lab.ctx.db.select().from(schema.user)).map(({ email }) => email)).toEqual(["ada@example.com"]);
  const audit = await lab.ctx.db.select().from(schema.audit);
  const ids = new Set(audit.map(({ id }) => id));
  expect(rowsOf("audit").filter(({ id }) => !ids.has(String(id)))).toEqual([]);
});

test("what lay in folders alone is brought into the store, once, and whole", async () => {
  expect(await storage.adoptFiles(lab.ctx)).toBeGreaterThan(5);
  expect(await storage.adoptFiles(lab.ctx)).toBe(0);
  const { db, files } = lab.ctx;
  const { artifacts, checkpoints, datasetVersions, teacherFiles: teachers } = schema;
  const named = [
    ...(await db.select().from(artifacts)).map(({ digest }) => digest),
    ...(await db.select().from(teachers)).map(({ digest }) => digest ?? ""),
    ...(await db.select().from(datasetVersions)).flatMap(({ files }) =>
      Object.values(files ?? {}).map((f) => f.digest),
    ),
    ...(await db.select().from(checkpoints).where(eq(checkpoints.kept, true))).flatMap(({ files }) =>
      Object.values(files ?? {}).map(({ digest }) => digest),
    ),
  ];
  expect(named.length).toBeGreaterThan(20);
  expect((await storage.namedDigests(lab.ctx, named)).size).toBe(new Set(named).size);
  for (const digest of named) expect(await files.store.damaged(digest), digest).toBe(false);
  // Nothing of it is garbage, however old it is.
  const later = { ...lab.ctx, now: () => new Date(Date.now() + 30 * 86_400_000) };
  const { deleted } = await storage.clearStore(later);
  expect(deleted).toBe(0);
});

test("the paused run goes on, the queued one begins: both end with the bits of the old code", async () => {
  lab.startWorker();
  await runs.resume(lab.ctx, { runId: old.expected.paused.id });
  for (const name of ["paused", "queued"] as const) {
    const { id, trained, artifacts, metrics } = old.expected[name];
    const run = await lab.until(id, "succeeded", ended, 240);
    expect(run.problem).toBeNull();
    expect(run.status).toBe("succeeded");
    expect(await trainedDigests(lab.ctx, id)).toEqual(trained);
    // GGUF files are not compared: a later commit fills up the vocabulary of a base such as this one.
    const weights = (file: string) => file.includes("safetensors");
    expect(
      run.artifacts
        .filter(({ kind }) => kind !== "report")
        .map(({ kind, name: file, digest }) => `${kind} ${file} ${digest}`)
        .filter(weights)
        .sort(),
    ).toEqual(artifacts.filter(weights));
    const series = await runs.metrics(lab.ctx, { runId: id, buckets: 5000 });
    expect(series.flatMap((one) => one.points)).toHaveLength(metrics);
  }
  const queued = await lab.until(
    old.expected.queued.id,
    "published",
    (run) => run.deployments[0]?.status === "live",
    120,
  );
  expect(queued.deployments).toMatchObject([{ name: "colours", status: "live" }]);
});
