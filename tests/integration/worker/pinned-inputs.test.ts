// What a spec's names stood for is found once, when the run is planned: the trainer starts from that, and refuses other bytes.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { newId, schema } from "@anneal/db";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { models } from "@anneal/services";
import { and, eq, like } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasEnded, type Lab, openLab } from "../../support/worker-lab.ts";

const ended = hasEnded("succeeded", "failed", "cancelled");
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

const short = { epochs: 1, evaluation: { heldOutFraction: 0.2, maxRows: 4, maxNewTokens: 2 }, export: { gguf: [] } };

/** Another byte in the weights' last number. */
function alter(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

test("a base whose bytes changed after the plan is refused in words; what a name stood for then is what trains", async () => {
  const copy = join(lab.home, "models/copy");
  cpSync(lab.model, copy, { recursive: true });
  const changed = await lab.createRun({ ...short, base: copy });
  expect(changed.inputs).toMatchObject({
    base: { name: "copy", source: { kind: "hf", dir: copy }, digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
    dataset: { id: lab.datasetVersion, rows: 96 },
    evaluation: null,
    adapterDigest: null,
    teacher: null,
  });
  // The same files again: known without hashing, and the same.
  const again = await lab.createRun({ ...short, base: copy });
  expect(again.inputs?.base).toEqual(changed.inputs?.base);

  // A name of the registry that is gone when the run starts: it is not asked again.
  const { id } = await models.register(lab.ctx, { ref: lab.model, name: "Tiny" });
  const named = await lab.createRun({ ...short, base: `model:${id}` });
  await lab.ctx.db.delete(schema.models).where(eq(schema.models.id, id ?? newId()));

  alter(join(copy, "model.safetensors"));
  lab.startWorker();
  const refused = await lab.until(changed.id, "failed", ended, 120);
  expect(refused.status).toBe("failed");
  expect(refused.problem).toMatchObject({ code: "CONFLICT" });
  expect(refused.problem?.message).toContain("the base model copy has changed");
  expect(refused.problem?.message).toContain(changed.inputs?.base.digest);
  const trained = await lab.until(named.id, "succeeded", ended, 120);
  expect(trained.problem).toBeNull();
  expect(trained.status).toBe("succeeded");

  // An adapter to go on from is held to its bytes in the same way.
  const folder = join(lab.home, "models/adapter");
  const [file] = await lab.ctx.db
    .select()
    .from(schema.artifacts)
    .where(and(eq(schema.artifacts.runId, named.id), like(schema.artifacts.file, "%adapter_config.json")));
  cpSync(dirname(join(lab.home, "runs", named.id, file?.file ?? "")), folder, { recursive: true });
  const { method } = trained.spec;
  if (method.kind !== "lora") throw new Error("the run has no adapter");
  const busy = await lab.createRun({ ...short, epochs: 30 });
  const continued = await lab.createRun({ ...short, method: { ...method, startFrom: folder } });
  expect(continued.inputs?.adapterDigest).toMatch(/^sha256:/);
  await lab.until(busy.id, "running", (run) => run.status !== "queued", 120);
  alter(join(folder, "adapter_model.safetensors"));
  const other = await lab.until(continued.id, "failed", ended, 240);
  expect(other.problem?.message).toContain("the adapter to continue from has changed");
});
