import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { api, RunSpec, type RunSpecInput } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { datasets, models, runs, system } from "@anneal/services";
import { workHere } from "@anneal/services/worker";
import { count, eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRunIn, prepareRun } from "../../../packages/services/src/runs/create-run-in.ts";
import { tinyRows, writeTinyModel } from "../../support/model-files/tiny-model.ts";
import { makeDataset, openWorld, problemOf, type World } from "./world.ts";

let world: World;
let dataset = "";
beforeAll(async () => {
  world = await openWorld();
  dataset = await makeDataset(world.ctx, "colours", tinyRows(40));
});
afterAll(() => world.close());

const spec = (changes: Partial<RunSpecInput> = {}): RunSpec =>
  RunSpec.parse({
    base: world.model,
    dataset,
    maxSequenceTokens: 128,
    microBatchTokens: 512,
    batchRows: 8,
    precision: "f32",
    threads: 1,
    ...changes,
  });
const jobs = async (): Promise<number> => {
  const answer = await world.db.execute<{ jobs: number }>(
    sql`select count(*)::int as jobs from pgboss.job where name = 'run.advance'`,
  );
  return answer.rows[0]?.jobs ?? 0;
};
const rowCount = async () => (await world.db.select({ n: count() }).from(schema.runs))[0]?.n ?? 0;

test("a run made in another's transaction is there exactly when that ends well", async () => {
  const prepared = await prepareRun(world.ctx, spec());
  const [rows, queued] = [await rowCount(), await jobs()];
  const broken = world.db.transaction(async (tx) => {
    await createRunIn(tx, world.ctx, prepared);
    throw new Error("the rest did not work");
  });
  await expect(broken).rejects.toThrow("the rest did not work");
  expect([await rowCount(), await jobs()]).toEqual([rows, queued]);
  const { id } = await world.db.transaction((tx) => createRunIn(tx, world.ctx, prepared));
  expect([await rowCount(), await jobs()]).toEqual([rows + 1, queued + 1]);
  const detail = await runs.get(world.ctx, { runId: id });
  expect(detail).toMatchObject({ status: "queued", spec: spec(), inputs: prepared.inputs });
  const audit = await world.db.select().from(schema.audit).where(eq(schema.audit.subject, id));
  expect(audit.map(({ action }) => action)).toEqual(["run.create"]);
});

test("every preset is a valid change to a spec", async () => {
  const presets = api.runs.presets.output.parse(await runs.presets(world.ctx, undefined));
  expect(presets.map(({ name }) => name).sort()).toEqual([
    "balanced",
    "continued-pretraining",
    "distillation",
    "full-fine-tune",
    "preference-tuning",
    "quick-look",
    "small-memory",
    "thorough",
  ]);
  for (const { name, spec: change } of presets) {
    // Whom to learn from is the person's to name.
    const named =
      name === "distillation" ? { objective: Object.assign({ teacher: world.model }, change.objective) } : {};
    expect(() => RunSpec.parse({ base: world.model, dataset, ...change, ...named })).not.toThrow();
  }
});

test("a plan tells bytes by part, steps, disk, data, and a measured speed that is remembered", async () => {
  const plan = api.runs.plan.output.parse(await runs.plan(world.ctx, { spec: spec({ epochs: 2 }) }));
  expect(plan).toMatchObject({
    fits: true,
    problems: [],
    suggestions: [],
    steps: 10,
    data: { rows: 40, zeroTargetRows: 0 },
  });
  const { totalBytes, ...parts } = plan.memory;
  expect(Object.values(parts).reduce((a, b) => a + b, 0)).toBe(totalBytes);
  expect(plan.tokensPerStep).toBeCloseTo((plan.data.tokens / 40) * 8, 6);
  expect(plan.diskBytes).toBeGreaterThan(0);
  expect(plan.diskFreeBytes).toBeGreaterThan(plan.diskBytes);
  expect(plan.secondsPerStep).toBeGreaterThan(0);
  const { time } = plan;
  expect(time).toMatchObject({ source: "probe", runName: null });
  expect(Object.values(time?.parts ?? {}).reduce((a, b) => a + b, 0)).toBeCloseTo(plan.totalSeconds ?? 0, 9);
  expect(time?.parts.before).toBeGreaterThan(0);
  expect(time?.lowSeconds).toBeLessThan(plan.totalSeconds ?? 0);
  expect(time?.highSeconds).toBeGreaterThan(plan.totalSeconds ?? 0);
  const again = await runs.plan(world.ctx, { spec: spec({ epochs: 2 }) });
  expect(again.secondsPerStep).toBe(plan.secondsPerStep);
  const unable = {
    ...world.ctx,
    engine: { ...world.ctx.engine, probeSpeed: undefined },
    paths: { ...world.ctx.paths, home: `${world.home}/x` },
  };
  const none = { ...unable, work: workHere(unable) };
  expect((await runs.plan(none, { spec: spec() })).secondsPerStep).toBeNull();
});

test("what does not fit is refused with the nearest settings that do, and they do", async () => {
  const { ctx } = world;
  const big = spec({ microBatchTokens: 4096, method: { kind: "lora", rank: 32 } });
  const plan = await runs.plan(ctx, { spec: big });
  const tight = { ...big, memoryBudgetBytes: Math.floor(plan.memory.totalBytes * 0.93) };
  const refused = await runs.plan(ctx, { spec: tight });
  expect(refused.fits).toBe(false);
  expect(refused.suggestions).toHaveLength(3);
  expect(refused.problems[0]).toMatchObject({
    code: "DOES_NOT_FIT",
    remedy: expect.stringContaining(refused.suggestions[0]?.words ?? "?"),
  });
  for (const { change, totalBytes, words } of refused.suggestions) {
    expect(words).not.toBe("");
    const mended = await runs.plan(ctx, { spec: { ...tight, ...change } as RunSpec });
    expect(mended).toMatchObject({ fits: true, problems: [], memory: { totalBytes } });
  }
  const { fastest } = refused;
  expect(fastest?.relativeSeconds).toBeGreaterThan(0);
  expect(await runs.plan(ctx, { spec: { ...tight, ...fastest?.change } as RunSpec })).toMatchObject({
    fits: true,
    memory: { totalBytes: fastest?.totalBytes },
  });
  expect(await problemOf(runs.create(ctx, { spec: tight }))).toMatchObject({
    code: "DOES_NOT_FIT",
    field: "microBatchTokens",
    details: { suggestions: refused.suggestions },
  });
  const hopeless = await runs.plan(ctx, { spec: { ...big, memoryBudgetBytes: 1000 } });
  expect(hopeless).toMatchObject({ fits: false, suggestions: [], fastest: null });
});

test("each setting that the model or the data cannot take is refused at its field, by plan and create alike", async () => {
  const { ctx } = world;
  const untrained = await makeDataset(
    ctx,
    "untrained",
    // So long that every answer is cut off.
    `${JSON.stringify({
      messages: [
        { role: "user", content: "a ".repeat(9000) },
        { role: "assistant", content: "b" },
      ],
    })}\n`.repeat(3),
  );
  // llama.cpp runs yarn with bounds of its own: found before a run, not at its export.
  const odd = join(dirname(world.model), "odd");
  mkdirSync(odd);
  writeTinyModel(odd);
  const config: object = JSON.parse(readFileSync(join(odd, "config.json"), "utf8"));
  const rope_scaling = { rope_type: "yarn", factor: 2, beta_fast: 16 };
  writeFileSync(join(odd, "config.json"), JSON.stringify({ ...config, rope_scaling }));
  const cases: [Partial<RunSpecInput>, object][] = [
    [
      { base: odd },
      { code: "INVALID_INPUT", field: "export.gguf", message: expect.stringContaining("beta_fast: llama.cpp") },
    ],
    [{ dataset: untrained }, { code: "NOTHING_TO_TRAIN", field: "dataset" }],
    [
      { maxSequenceTokens: 16 },
      { code: "NOTHING_TO_TRAIN", field: "dataset", remedy: expect.stringContaining("maxSequenceTokens") },
    ],
    [
      { maxSequenceTokens: 100_000, microBatchTokens: 100_000 },
      { code: "INVALID_INPUT", field: "maxSequenceTokens" },
    ],
    [{ method: { kind: "lora", rank: 1000 } }, { code: "INVALID_INPUT", field: "method.rank" }],
    [{ method: { kind: "lora", targets: ["q_proj", "q_proj"] } }, { code: "INVALID_INPUT", field: "method.targets" }],
    [{ method: { kind: "lora", targets: ["kv_b_proj"] } }, { code: "INVALID_INPUT", field: "method.targets" }],
    [{ method: { kind: "lora", startFrom: `run:${crypto.randomUUID()}` } }, { field: "method.startFrom" }],
    [{ method: { kind: "lora", startFrom: "/etc" } }, { code: "INVALID_INPUT", field: "method.startFrom" }],
    [{ objective: { kind: "dpo" } }, { code: "INVALID_INPUT", field: "objective.kind" }],
    [
      { routerAuxWeight: 0.1 },
      { code: "INVALID_INPUT", field: "routerAuxWeight", message: expect.stringContaining("no experts") },
    ],
    [{ threads: 1000 }, { code: "INVALID_INPUT", field: "threads" }],
    [{ base: "ollama:nothing" }, { code: "NOT_FOUND", field: "base" }],
    [{ base: "/etc/passwd" }, { code: "INVALID_INPUT", field: "base" }],
    [{ dataset: crypto.randomUUID() }, { code: "NOT_FOUND", field: "dataset" }],
    [{ evaluation: { dataset: crypto.randomUUID() } }, { code: "NOT_FOUND", field: "evaluation.dataset" }],
    [{ evaluation: { dataset } }, { code: "INVALID_INPUT", field: "evaluation.dataset" }],
  ];
  const before = [await rowCount(), await jobs()];
  for (const [changes, expected] of cases) {
    const words = JSON.stringify(changes);
    expect(await problemOf(runs.create(ctx, { spec: spec(changes) })), words).toMatchObject(expected);
    const planned = await runs.plan(ctx, { spec: spec(changes) }).then(
      ({ problems }) => problems[0],
      (error: { problem: unknown }) => error.problem,
    );
    expect(planned, words).toMatchObject(expected);
  }
  expect([await rowCount(), await jobs()]).toEqual(before);
});

test("one key makes one run, however often and at once it is sent; another spec under it is refused", async () => {
  const { ctx } = world;
  const before = [await rowCount(), await jobs()];
  const input = { spec: spec({ name: "keyed" }), idempotencyKey: "form-0001" };
  const answers = await Promise.all(Array.from({ length: 12 }, () => runs.create(ctx, input)));
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  expect([await rowCount(), await jobs()]).toEqual([(before[0] ?? 0) + 1, (before[1] ?? 0) + 1]);
  const [made] = answers;
  expect(api.runs.create.output.parse(made)).toMatchObject({
    name: "keyed",
    status: "queued",
    datasetName: "colours",
    plan: { fits: true },
  });
  // The order in which a spec's keys are written does not matter.
  const reordered = Object.fromEntries(Object.entries(input.spec).reverse()) as RunSpec;
  expect((await runs.create(ctx, { ...input, spec: reordered })).id).toBe(made?.id);
  expect(await problemOf(runs.create(ctx, { ...input, spec: spec({ name: "keyed", seed: 7 }) }))).toMatchObject({
    code: "CONFLICT",
    field: "idempotencyKey",
  });
  // A key belongs to who sent it; without a key every request is a run (negative control).
  const other = { ...ctx, actor: { ...ctx.actor, id: "u2" } };
  expect((await runs.create(other, input)).id).not.toBe(made?.id);
  const two = await Promise.all([runs.create(ctx, { spec: input.spec }), runs.create(ctx, { spec: input.spec })]);
  expect(two[0]?.id).not.toBe(two[1]?.id);
  const trail = await system.auditTrail(ctx, {});
  expect(trail.items.filter(({ action, subject }) => action === "run.create" && subject === made?.id)).toHaveLength(1);
  expect(await runs.events(ctx, { runId: made?.id ?? "" })).toMatchObject([
    { seq: 0, body: { type: "status", status: "queued" } },
  ]);
});

test("pages of runs hold each run once, newest first", async () => {
  const { ctx } = world;
  for (let i = 0; i < 5; i++) await runs.create(ctx, { spec: spec({ name: `page ${i}` }) });
  const total = await rowCount();
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await runs.list(ctx, { limit: 2, cursor });
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  expect(seen).toHaveLength(total);
  expect(new Set(seen).size).toBe(total);
  expect([...seen].sort().reverse()).toEqual(seen);
  const queued = await runs.list(ctx, { status: ["queued"] });
  expect(queued.items.map(({ queuePosition }) => queuePosition).sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual(
    Array.from({ length: queued.items.length }, (_, i) => i + 1),
  );
  expect((await runs.list(ctx, { status: ["failed"] })).items).toEqual([]);
});

test("what a finished run exported is a base for the next one", async () => {
  const { ctx, db } = world;
  const { id: runId } = await runs.create(ctx, { spec: spec({ name: "parent" }) });
  const path = join(ctx.paths.runs, runId, "export", "parent-Q8_0.gguf");
  const digest = `sha256:${"a".repeat(64)}`;
  const artifact = {
    runId,
    kind: "gguf" as const,
    name: "parent-Q8_0.gguf",
    ggufType: "Q8_0",
    digest,
    bytes: 1,
    file: "export/parent-Q8_0.gguf",
  };
  await db.insert(schema.artifacts).values(artifact);
  const offered = async () => (await models.list(ctx, undefined)).find((model) => model.runId === runId);
  expect(await offered()).toBeUndefined(); // not before it has finished
  await db.update(schema.runs).set({ status: "succeeded" }).where(eq(schema.runs.id, runId));
  expect(await offered()).toMatchObject({ name: "parent (Q8_0)", source: "run", ref: path, supported: false }); // no such file here
});

test("a queued run can pause, resume, cancel and be removed; its dataset only goes after it", async () => {
  const { ctx } = world;
  const own = await makeDataset(ctx, "own", tinyRows(17));
  const { id: runId, name } = await runs.create(ctx, { spec: spec({ dataset: own }) });
  expect(name).toBe("tiny on own");
  const owner = (await datasets.list(ctx, undefined)).find((d) => d.name === "own");
  expect(await problemOf(datasets.remove(ctx, { datasetId: owner?.id ?? "" }))).toMatchObject({
    code: "PRECONDITION_FAILED",
  });
  expect(await runs.pause(ctx, { runId })).toMatchObject({ status: "paused" });
  expect(await problemOf(runs.saveCheckpoint(ctx, { runId }))).toMatchObject({ code: "PRECONDITION_FAILED" });
  expect(await runs.resume(ctx, { runId })).toMatchObject({ status: "queued" });
  expect(await problemOf(runs.remove(ctx, { runId }))).toMatchObject({ code: "PRECONDITION_FAILED" });
  expect(await runs.cancel(ctx, { runId })).toMatchObject({ status: "cancelled" });
  expect(await runs.cancel(ctx, { runId })).toMatchObject({ status: "cancelled" }); // twice is no error
  expect((await runs.get(ctx, { runId })).status).toBe("cancelled");
  expect(await runs.remove(ctx, { runId })).toEqual({ removed: true });
  expect(await problemOf(runs.get(ctx, { runId }))).toMatchObject({ code: "NOT_FOUND" });
  expect(await datasets.remove(ctx, { datasetId: owner?.id ?? "" })).toEqual({ removed: true });
});
