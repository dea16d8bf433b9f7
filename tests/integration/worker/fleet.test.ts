// Two workers of one home: a cordoned one takes nothing, a drained one hands its run to the other, which ends with the same bits.
import { createTestDatabase } from "@anneal/db/testing";
import { workers } from "@anneal/services";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { endProcess, type Lab, openLab, trainedDigests } from "../../support/worker-lab.ts";

let lab: Lab;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await createTestDatabase();
  drop = database.drop;
  lab = await openLab({ databaseUrl: database.url });
});
afterAll(async () => {
  await lab?.close();
  await drop?.();
});

const ended = ({ status }: { status: string }) => status === "succeeded" || status === "failed";
const byName = async (name: string) => {
  const found = (await workers.list(lab.ctx, undefined)).find((one) => one.name === name);
  if (!found) throw new Error(`no worker ${name}`);
  return found;
};

test("runs go round a cordoned worker and on from a drained one", async () => {
  const spec = { maxSteps: 400 };
  const first = lab.startWorker({ ANNEAL_WORKER_NAME: "first", ANNEAL_WORKER_LABELS: "rack=1" });
  const alone = await lab.createRun(spec);
  await lab.until(alone.id, "ended undisturbed", ended);
  const { id: workerId, ...standing } = await byName("first");
  expect(standing).toMatchObject({ state: "taking", labels: { rack: "1" }, alive: true });

  const second = lab.startWorker({ ANNEAL_WORKER_NAME: "second" });
  const other = (await vi.waitFor(() => byName("second"), 20_000)).id;
  await workers.cordon(lab.ctx, { workerId: other });
  const moved = await lab.createRun(spec);
  await lab.until(
    moved.id,
    "trains at the first",
    ({ status, progress }) => status === "running" && (progress?.step ?? 0) > 2,
  );
  await workers.uncordon(lab.ctx, { workerId: other });
  await workers.drain(lab.ctx, { workerId });
  const done = await lab.until(moved.id, "ended at the second", ended);
  expect(done.status).toBe("succeeded");
  expect(done.attempts.map(({ workerName }) => workerName)).toEqual(["first", "second"]);
  expect(await trainedDigests(lab.ctx, moved.id)).toEqual(await trainedDigests(lab.ctx, alone.id));
  await vi.waitFor(async () => expect(await byName("first")).toMatchObject({ state: "drained" }), 20_000);

  await workers.cordon(lab.ctx, { workerId: other });
  await workers.uncordon(lab.ctx, { workerId });
  const back = await lab.createRun({ maxSteps: 2 });
  const last = await lab.until(back.id, "ended at the first again", ended);
  expect(last.attempts.map(({ workerName }) => workerName)).toEqual(["first"]);
  for (const worker of [first, second]) await endProcess(worker, "SIGTERM");
}, 240_000);
