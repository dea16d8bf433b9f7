import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bestAdapter, type RunDetail, type RunSpecInput } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { runs } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventsOf, finish, twice } from "../../support/killed-run.ts";
import { openSafetensors } from "../../support/model-files/safetensors.ts";
import { artifactFile, endProcess, type Lab, openLab } from "../../support/worker-lab.ts";

// Several adapters over one base in one run: each must come out as if it had trained alone.
const targets = ["q_proj", "v_proj", "down_proj"];
const adapters = [
  { name: "plain" },
  { name: "quick", rank: 8, alpha: 8, learningRate: 1e-2 },
  { name: "other-order", seed: 11, learningRate: 6e-3 },
];
const share = 512; // tokens of a micro-batch that are each adapter's: a whole step, so that its head has more rows than products treat as few
let spec: Partial<RunSpecInput>;
let database: TestDatabase;
let lab: Lab;
beforeAll(async () => {
  database = await createTestDatabase();
  lab = await openLab({ databaseUrl: database.url });
  spec = {
    adapters,
    method: { kind: "lora", rank: 4, alpha: 8, dropout: 0.1, targets },
    microBatchTokens: 3 * share,
    maxSequenceTokens: 128,
    epochs: 6,
    evaluation: { heldOutFraction: 0.2, everySteps: 12, maxRows: 8, maxNewTokens: 4, finalMaxRows: 12 },
    samples: { everySteps: 12, maxNewTokens: 4 },
  };
});
afterAll(async () => {
  await lab.close();
  await database.drop();
});

const fileOf = (run: RunDetail, name: string): string => {
  const found = run.artifacts.find((artifact) => artifact.kind === "adapter" && artifact.name === name);
  if (!found) throw new Error(`no ${name} among ${run.artifacts.map((artifact) => artifact.name).join(", ")}`);
  return artifactFile(lab, found);
};
const weights = (run: RunDetail, name: string) => readFileSync(fileOf(run, `${name}/adapter_model.safetensors`));

let together: RunDetail;
test("a killed trainer changes no bit of any adapter; each has its curves, files and line in the report", async () => {
  const { calm, killed } = await twice(lab, spec, 15);
  together = calm;
  for (const { name } of adapters) expect(weights(killed, name).equals(weights(calm, name)), name).toBe(true);
  expect(killed.evaluationAfter).toEqual(calm.evaluationAfter);

  const { adapter, adapters: results = [], loss } = calm.evaluationAfter ?? {};
  expect(results.map(({ name }) => name)).toEqual(adapters.map(({ name }) => name));
  const best = bestAdapter(results);
  expect(best).toMatchObject({ name: adapter, loss });
  expect(calm.evaluationBefore?.adapters).toEqual([]);
  for (const one of results) expect(one.loss, one.name).toBeLessThan(calm.evaluationBefore?.loss ?? 0);
  expect(new Set(results.map((one) => one.loss)).size).toBe(3);

  const series = await runs.metrics(lab.ctx, { runId: killed.id, buckets: 4000 });
  const steps = calm.progress?.totalSteps ?? 0;
  for (const { name } of adapters) {
    const points = (of: string) => series.find((one) => one.name === `${of}@${name}`)?.points ?? [];
    expect(points("train/loss").map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    expect(points("eval/loss").map(({ step }) => step)).toEqual([12, 24, 36, 48, 60].filter((step) => step <= steps));
    expect(
      points("optim/learning_rate")
        .map(({ max }) => max)
        .reduce((a, b) => Math.max(a, b)),
    ).toBeCloseTo(adapters.find((one) => one.name === name)?.learningRate ?? 3e-3, 4);
  }
  const lossAt = (name: string) => series.find((one) => one.name === name)?.points.map(({ mean }) => mean) ?? [];
  const own = adapters.map(({ name }) => lossAt(`train/loss@${name}`));
  lossAt("train/loss").forEach((mean, step) => {
    expect(mean).toBeCloseTo(own.reduce((sum, losses) => sum + (losses[step] ?? Number.NaN), 0) / 3, 9);
  });

  // Each answer says whose it is: before the first evaluation the first one's, then that of the best so far.
  const evaluated = await eventsOf(lab, killed.id, "evaluation");
  const bestAt = new Map(evaluated.map(({ which, step, result }) => [which === "during" ? step : -1, result.adapter]));
  const answers = await runs.samples(lab.ctx, { runId: killed.id });
  expect(new Set(answers.map(({ step }) => step))).toEqual(
    new Set([0, 12, 24, 36, 48, 60].filter((at) => at <= steps)),
  );
  for (const one of answers) expect(one.adapter).toBe(one.step === 0 ? adapters[0]?.name : bestAt.get(one.step));

  const report = readFileSync(
    artifactFile(
      lab,
      calm.artifacts.find(({ id }) => id === calm.reportArtifactId),
    ),
    "utf8",
  );
  expect(report).toContain("Adapters trained side by side");
  for (const { name } of adapters) expect(report).toContain(name);
  expect(report).toContain("lowest loss");
});

test("each adapter ends with the bits of training alone", async () => {
  const worker = lab.startWorker();
  // The same rows are held out by the run's seed: adapters of that seed can be compared with runs of their own.
  for (const { name, rank = 4, alpha = 8, learningRate = 3e-3, seed } of adapters) {
    if (seed !== undefined) continue;
    const method = { kind: "lora" as const, rank, alpha, dropout: 0.1, targets };
    const changes = { adapters: [], method, learningRate, microBatchTokens: share, export: { gguf: [] } };
    const alone = await finish(lab, (await lab.createRun({ ...spec, ...changes })).id);
    const mine = weights(together, name);
    const theirs = readFileSync(fileOf(alone, "adapter_model.safetensors"));
    expect(mine.equals(theirs), name).toBe(true);
    const evaluation = together.evaluationAfter?.adapters.find((one) => one.name === name);
    expect(evaluation).toMatchObject({
      loss: alone.evaluationAfter?.loss,
      exactMatch: alone.evaluationAfter?.exactMatch,
    });
  }
  await endProcess(worker, "SIGTERM");
});

test("another seed is another start and another order; the folders are PEFT's", async () => {
  const folder = join(fileOf(together, "other-order/adapter_model.safetensors"), "..");
  expect(JSON.parse(readFileSync(join(folder, "adapter_config.json"), "utf8"))).toMatchObject({ r: 4, lora_alpha: 8 });
  const [plain, other] = ["plain", "other-order"].map((name) =>
    openSafetensors(fileOf(together, `${name}/adapter_model.safetensors`)),
  );
  expect(other?.names).toEqual(plain?.names);
  expect(weights(together, "plain").equals(weights(together, "other-order"))).toBe(false);
  const quick = fileOf(together, "quick/adapter_config.json");
  expect(JSON.parse(readFileSync(quick, "utf8"))).toMatchObject({ r: 8, lora_alpha: 8 });
});

test("the adapter that is named goes into the files, and another run goes on from it", async () => {
  const worker = lab.startWorker();
  const names = together.evaluationAfter?.adapters.map(({ name }) => name) ?? [];
  const named = names.find((name) => name !== together.evaluationAfter?.adapter) ?? "";
  const changes = { epochs: 4, export: { adapter: named, gguf: ["F16" as const], merged: true } };
  const run = await finish(lab, (await lab.createRun({ ...spec, ...changes })).id);
  expect(run.evaluationAfter?.adapter).toBe(named);
  expect(run.artifacts.find(({ kind }) => kind === "adapter")?.name).toContain(`${named}/`);
  expect(run.artifacts.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["gguf", "merged", "report"]));
  const [trained] = await eventsOf(lab, run.id, "trained");
  expect(trained?.step).toBeGreaterThan(0);
  for (const { file } of run.artifacts) expect(existsSync(join(lab.home, "runs", run.id, file)), file).toBe(true);

  const { rank = 4, alpha = 8 } = adapters.find(({ name }) => name === named) ?? {};
  const method = { kind: "lora" as const, rank, alpha, targets, startFrom: `run:${run.id}` };
  const next = await finish(
    lab,
    (await lab.createRun({ ...spec, epochs: 1, adapters: [], method, export: { gguf: [] } })).id,
  );
  const first = (await eventsOf(lab, next.id, "metrics"))[0]?.values["train/loss"] ?? Number.NaN;
  const [before, after] = [run.evaluationBefore?.loss ?? Number.NaN, run.evaluationAfter?.loss ?? Number.NaN];
  expect(first).toBeLessThan((before + after) / 2); // it begins where the adapter stood
  await endProcess(worker, "SIGTERM");
});

test("each of several goes on from an adapter of its own, with the bits of going on alone", async () => {
  const worker = lab.startWorker();
  const starts = adapters
    .filter(({ seed }) => seed === undefined)
    .map((one) => ({ ...one, name: `more-${one.name}`, startFrom: `run:${together.id}/${one.name}` }));
  const more = { ...spec, epochs: 4, microBatchTokens: 2 * share, export: { gguf: [] } };
  const run = await finish(lab, (await lab.createRun({ ...more, adapters: starts })).id);
  const loss = together.evaluationBefore?.loss ?? Number.NaN; // of the bare base
  expect(run.evaluationBefore?.loss).toBeLessThan(loss); // "before" is what the run starts from
  for (const { name, rank = 4, alpha = 8, learningRate = 3e-3, startFrom } of starts) {
    const method = { kind: "lora" as const, rank, alpha, dropout: 0.1, targets, startFrom };
    const changes = { adapters: [], method, learningRate, microBatchTokens: share };
    const alone = await finish(lab, (await lab.createRun({ ...more, ...changes })).id);
    expect(weights(run, name).equals(readFileSync(fileOf(alone, "adapter_model.safetensors"))), name).toBe(true);
    const [first] = await eventsOf(lab, alone.id, "metrics");
    expect(first?.values["train/loss"]).toBeLessThan(loss); // it begins where the adapter stood
  }
  await endProcess(worker, "SIGTERM");

  const wrong = (change: object) =>
    lab.createRun({ ...more, adapters: starts.map((one, i) => (i === 1 ? { ...one, ...change } : one)) });
  await expect(wrong({ rank: 4 })).rejects.toMatchObject({ problem: { field: "adapters.1.rank" } });
  await expect(wrong({ alpha: 9 })).rejects.toMatchObject({ problem: { field: "adapters.1.alpha" } });
  const nobody = `run:${together.id}/nobody`;
  await expect(wrong({ startFrom: nobody })).rejects.toMatchObject({ problem: { field: "adapters.1.startFrom" } });
  const elsewhere = { method: { kind: "lora" as const, rank: 4, alpha: 8, targets: ["q_proj"] } };
  await expect(lab.createRun({ ...more, ...elsewhere, adapters: starts })).rejects.toMatchObject({
    problem: { field: "method.targets" },
  });
});

test("a run can go on from any of them by its name", async () => {
  const method = { kind: "lora" as const, rank: 8, alpha: 8, targets };
  const from = (name: string) =>
    lab.createRun({ ...spec, adapters: [], method: { ...method, startFrom: `run:${together.id}/${name}` } });
  await runs.cancel(lab.ctx, { runId: (await from("quick")).id });
  await expect(from("plain")).rejects.toMatchObject({ problem: { field: "method.rank" } });
  await expect(from("nobody")).rejects.toMatchObject({ problem: { field: "method.startFrom" } });
});

test("the plan counts every adapter, and what does not go with them is refused by name", async () => {
  const alone = await lab.createRun({ ...spec, adapters: [] });
  const many = await lab.createRun(spec);
  const grown = (part: "adapterBytes" | "weightBytes") =>
    (many.plan?.memory[part] ?? 0) / (alone.plan?.memory[part] ?? Number.NaN);
  expect(grown("adapterBytes")).toBeGreaterThan(3.5); // ranks 4, 8 and 4 against 4
  expect(grown("adapterBytes")).toBeLessThan(4.5);
  expect(grown("weightBytes")).toBe(1);
  expect((many.plan?.tokensPerStep ?? 0) / (alone.plan?.tokensPerStep ?? Number.NaN)).toBeCloseTo(3, 9);
  for (const { id } of [alone, many]) await runs.cancel(lab.ctx, { runId: id });
  const tooWide = lab.createRun({ ...spec, adapters: [{ name: "a", rank: 1000 }, { name: "b" }] });
  await expect(tooWide).rejects.toMatchObject({ problem: { field: "adapters" } });
});
