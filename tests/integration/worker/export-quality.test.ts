// What an exported file's record says of its rounding, against the files themselves: their weights, and a run that starts from one.
import { copyFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { RunDetail, RunSpecInput } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { type BaseSource, openSession } from "@anneal/engine";
import { afterAll, beforeAll, expect, test } from "vitest";
import { artifactFile, hasEnded, type Lab, openLab } from "../../support/worker-lab.ts";

const types = ["F16", "Q8_0", "Q4_0"] as const;
const spec: Partial<RunSpecInput> = {
  evaluation: { heldOutFraction: 0.2, everySteps: 20, maxRows: 64, maxNewTokens: 2 },
  export: { gguf: [...types], merged: true },
};

let database: TestDatabase;
let lab: Lab;
beforeAll(async () => {
  database = await createTestDatabase();
  lab = await openLab({ databaseUrl: database.url });
});
afterAll(async () => {
  await lab.close();
  await database.drop();
});

async function finished(changes: Partial<RunSpecInput>): Promise<RunDetail> {
  const { id } = await lab.createRun({ ...spec, ...changes });
  const run = await lab.until(id, "succeeded", hasEnded("succeeded", "failed"), 120);
  expect(run.problem).toBeNull();
  return run;
}

async function weightsOf(base: BaseSource): Promise<Map<string, Float32Array>> {
  const session = await openSession({
    base,
    precision: "f32",
    seed: 0,
    method: { kind: "full" },
    optimizer: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: 8,
    maxSequenceTokens: 8,
  });
  try {
    const weights = new Map<string, Float32Array>();
    for (const name of session.trainableNames()) weights.set(name, (await session.weights(name)).values);
    return weights;
  } finally {
    await session.close();
  }
}

/** Over tensors of the same name in both, together. */
function relativeRmse(exact: [string, Float32Array][], rounded: Map<string, Float32Array>): number {
  let difference = 0;
  let size = 0;
  for (const [name, values] of exact) {
    const other = rounded.get(name) ?? new Float32Array();
    for (const [i, value] of values.entries()) {
      difference += (value - (other[i] ?? Number.NaN)) ** 2;
      size += value ** 2;
    }
  }
  return Math.sqrt(difference / size);
}

test("a file's rounding error and perplexity are those of its weights", async () => {
  lab.startWorker();
  const run = await finished({});
  const fileOf = (type: string) => {
    const artifact = run.artifacts.find(({ ggufType }) => ggufType === type);
    if (!artifact?.quantisation?.perplexity) throw new Error(`${type} has no record of its rounding`);
    return {
      path: artifactFile(lab, artifact),
      ...artifact.quantisation,
      perplexity: artifact.quantisation.perplexity,
    };
  };
  const merged = run.artifacts.find(({ name }) => name === "model.safetensors");
  const exact = await weightsOf({ kind: "hf", dir: dirname(artifactFile(lab, merged)) });
  const perplexities: number[] = [];
  for (const [i, type] of types.entries()) {
    const file = fileOf(type);
    const rounded = await weightsOf({ kind: "gguf", path: file.path });
    expect([...rounded.keys()]).toEqual([...exact.keys()]);
    const matrices = [...exact].filter(([name]) => !name.includes("norm"));
    expect(file.relativeRmse).toBeCloseTo(relativeRmse(matrices, rounded), 6);
    const apart = matrices.map((one) => relativeRmse([one], rounded));
    expect(file.worst?.relativeRmse ?? 0).toBeCloseTo(Math.max(...apart), 6);
    expect(file.perplexity.tuned).toBeCloseTo(Math.exp(run.evaluationAfter?.loss ?? Number.NaN), 4);
    expect(file.perplexity.rows).toBe(run.evaluationAfter?.rows);

    // A run that starts from the file measures it on the same held-out rows before it trains.
    const base = join(lab.home, "models", `rounded-${i}.gguf`);
    copyFileSync(file.path, base);
    const next = await finished({ name: type, base, epochs: 1, export: { gguf: [], merged: false } });
    expect(file.perplexity.file).toBeCloseTo(Math.exp(next.evaluationBefore?.loss ?? Number.NaN), 3);
    perplexities.push(file.perplexity.file);
  }
  expect(fileOf("F16").relativeRmse).toBeGreaterThan(1e-6);
  expect(fileOf("Q8_0").relativeRmse).toBeGreaterThan(4 * fileOf("F16").relativeRmse);
  expect(fileOf("Q4_0").relativeRmse).toBeGreaterThan(4 * fileOf("Q8_0").relativeRmse);
  expect(new Set(perplexities).size).toBe(types.length);
});
