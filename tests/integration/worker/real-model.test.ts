// A short run on a real model and real questions; needs the big reference data beside the repository.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestDatabase } from "@anneal/db/testing";
import { datasets } from "@anneal/services";
import { expect, test } from "vitest";
import { mapping, realFiles } from "../../real/real-files.ts";
import { endProcess, hasEnded, openLab } from "../../support/worker-lab.ts";

const files = realFiles();
if (!files) console.log("skipped: SmolLM2 and BANKING77 are not there (../shared or ANNEAL_SHARED)");

test.skipIf(!files)("SmolLM2 learns from BANKING77 within a few steps", async () => {
  if (!files) return;
  const database = await createTestDatabase();
  const lab = await openLab({ databaseUrl: database.url });
  try {
    const base = join(lab.home, "models/smollm2.gguf");
    copyFileSync(files.model, base);
    const file = join(lab.home, "incoming/questions.csv");
    writeFileSync(file, readFileSync(files.train, "utf8").split("\n").slice(0, 121).join("\n"));
    const { uploadId } = await datasets.importPath(lab.ctx, { path: file, mapping });
    const { versions } = await datasets.commit(lab.ctx, { uploadId, name: "banking", mapping });
    const worker = lab.startWorker();
    const { id } = await lab.createRun({
      base,
      dataset: versions.at(-1)?.id ?? "",
      precision: "bf16",
      method: { kind: "lora", rank: 8, alpha: 16 },
      learningRate: 2e-3,
      schedule: { kind: "constant", warmupSteps: 0 },
      batchRows: 16,
      maxSteps: 5,
      microBatchTokens: 1024,
      maxSequenceTokens: 256,
      evaluation: { heldOutFraction: 0.1, everySteps: 5, maxRows: 4, finalMaxRows: 8, maxNewTokens: 8 },
      checkpoints: { everySteps: 5 },
      samples: { everySteps: 5, prompts: ["Where is my card?"], maxNewTokens: 8 },
      export: { gguf: ["Q8_0"] },
    });
    const run = await lab.until(id, "ended", hasEnded("succeeded", "failed", "cancelled"), 280);
    expect(run.problem).toBeNull();
    expect(run.status).toBe("succeeded");
    // All the questions are of one intent: what there is to learn is its name and to stop after it.
    expect(run.evaluationAfter?.loss).toBeLessThan((run.evaluationBefore?.loss ?? 0) / 2);
    const kinds = [...Array(5).fill("adapter"), "gguf", "report", "report"]; // an adapter's folder holds its tokenizer
    expect(run.artifacts.map(({ kind }) => kind).sort()).toEqual(kinds);
    await endProcess(worker, "SIGTERM");
  } finally {
    await lab.close();
    await database.drop();
  }
});
