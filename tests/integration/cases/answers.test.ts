import { readFileSync } from "node:fs";
import { inWords, type RunSpecInput, reportIn } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { runs } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bringCase } from "../../support/cases.ts";
import { eventsOf, finish } from "../../support/killed-run.ts";
import { artifactFile, type Lab, openLab } from "../../support/worker-lab.ts";

const patience = 300; // seconds

// What a model answers, from its own tokens to the figures of the run.
let database: TestDatabase;
let lab: Lab;
beforeAll(async () => {
  database = await createTestDatabase();
  lab = await openLab({ databaseUrl: database.url });
  lab.startWorker();
});
afterAll(async () => {
  await lab.close();
  await database.drop();
});

test("a model that says the zero byte at once still comes to its end", async () => {
  const { base, versions } = await bringCase(lab, "answer-with-a-zero-byte");
  const { id } = await lab.createRun({
    base,
    dataset: versions.train ?? "",
    method: { kind: "lora", rank: 4, alpha: 8 },
    maxSteps: 1,
    evaluation: { heldOutFraction: 0.2 },
    export: { gguf: ["F16"] },
  });
  const run = await finish(lab, id, patience);
  expect(run.attempts).toHaveLength(1);
  const answers = (await runs.samples(lab.ctx, { runId: id })).map(({ answer }) => answer);
  expect(answers.join("")).toContain("\u2400");
});

// As the cases' folders say: all six rows learned by heart, five of them asked.
const byHeart = (versions: Record<string, string>): Partial<RunSpecInput> => ({
  dataset: versions.train ?? "",
  method: { kind: "full" },
  precision: "f32",
  batchRows: 6,
  epochs: 250,
  learningRate: 0.003,
  schedule: { kind: "cosine", warmupSteps: 20 },
  microBatchTokens: 2048,
  maxSequenceTokens: 1024,
  checkpoints: { everySteps: 250 },
  samples: { everySteps: 250, maxNewTokens: 48 },
  export: { gguf: [] },
});

test("what the template puts around an answer is no part of it", async () => {
  const { base, versions } = await bringCase(lab, "template-wraps-answers");
  const evaluation = { dataset: versions.test ?? "", everySteps: 250 };
  const run = await finish(lab, (await lab.createRun({ ...byHeart(versions), base, evaluation })).id, patience);
  expect(run.evaluationAfter).toMatchObject({ rows: 5, exactMatches: 5, exactMatch: 1 });
  // All five are trained as well, which is said and counted.
  expect(run.evaluationAfter?.unseen).toMatchObject({ seenRows: 5, rows: 0, exactMatch: null, loss: null });
  const logs = (await eventsOf(lab, run.id, "log")).map(({ message }) => message);
  expect(logs.filter((line) => line.includes("held-out rows that are trained as well: 5 of 5"))).toHaveLength(1);
  expect(run.plan?.warnings.map(({ message }) => message).join()).toContain("trained as well: 5 of 5 (5 as they are");
  expect(run.evaluationAfter?.verdict?.outcome).toBe("better");
  expect(run.evaluationAfter?.answers).toMatchObject({ asked: 5, judged: 5, cut: 0, tooLong: 0, thoughts: 0 });
  const answers = (await runs.samples(lab.ctx, { runId: run.id })).filter(({ step }) => step === 250);
  expect(answers).toHaveLength(3);
  for (const { answer, expected, thought } of answers) expect([answer, thought]).toEqual([expected, null]);
});

test("answers longer than a cap are not judged by it; without a cap of its own a run follows the longest", async () => {
  const { base, versions } = await bringCase(lab, "answers-longer-than-the-cap");
  const evaluation = { dataset: versions.test ?? "", everySteps: 250 };
  const spec = { ...byHeart(versions), base };
  const free = await finish(lab, (await lab.createRun({ ...spec, evaluation })).id, patience);
  expect(free.evaluationAfter).toMatchObject({ exactMatches: 5, answers: { asked: 5, judged: 5, cut: 0 } });
  expect(free.evaluationAfter?.answers?.cap).toBeGreaterThan(85);

  const cut = await finish(
    lab,
    (await lab.createRun({ ...spec, evaluation: { ...evaluation, maxNewTokens: 32 } })).id,
    patience,
  );
  expect(cut.evaluationAfter).toMatchObject({ exactMatch: null, exactMatches: null });
  expect(cut.evaluationAfter?.answers).toMatchObject({ cap: 32, asked: 5, judged: 0, cut: 5, tooLong: 5 });
  expect(cut.evaluationAfter?.loss).toBeLessThan(0.1);
  expect(cut.evaluationAfter?.verdict).toMatchObject({ outcome: "better" });
  const said = [...(cut.evaluationAfter?.verdict?.limits ?? [])].map((limit) => inWords(limit));
  expect(said).toContain("5 of 5 answers were cut at 32 tokens");
  for (const language of ["en", "zh-CN"]) {
    const report = reportIn(cut.artifacts, language);
    const page = readFileSync(artifactFile(lab, report), "utf8");
    expect(page).toContain(`<html lang="${language}">`);
    expect(page).toContain(
      language === "en" ? "5 of 5 answers were cut at 32 tokens" : "5 个回答中有 5 个在 32 个 token 处被截断",
    );
    expect(page).not.toContain("ruled out");
  }
});
