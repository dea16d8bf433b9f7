import { existsSync, readFileSync } from "node:fs";
import type { RunDetail } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { runs } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endProcess, hasEnded, type Lab, openLab } from "../../support/worker-lab.ts";

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

test("a whole run: every stage, every metric once, files with the digests that were told", async () => {
  const worker = lab.startWorker();
  const created = await lab.createRun();
  const run = await lab.until(created.id, "ended", hasEnded("succeeded", "failed", "cancelled"), 120);
  expect(run.problem).toBeNull();
  expect(run.status).toBe("succeeded");
  await endProcess(worker, "SIGTERM");
});
