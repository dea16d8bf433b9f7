import { createTestDatabase } from "@anneal/db/testing";
import { runs } from "@anneal/services";
import { endProcess, openLab } from "../support/worker-lab.ts";
import type { BenchRow } from "./types.ts";

const samples = 40;
const limits = { p50: 10, p99: 50 }; // milliseconds

/** From the moment a run is stored to the moment a warm worker has it, by the times of the two events. */
export async function* run(): AsyncGenerator<BenchRow> {
  const database = await createTestDatabase();
  const lab = await openLab({ databaseUrl: database.url });
  const worker = lab.startWorker();
  try {
    const waits: number[] = [];
    for (let i = 0; i <= samples; i++) {
      const { id } = await lab.createRun({ maxSteps: 100_000 });
      await lab.until(id, "runs", ({ status }) => status === "running");
      await runs.cancel(lab.ctx, { runId: id });
      await lab.until(id, "is cancelled", ({ status }) => status === "cancelled");
      const told = await runs.events(lab.ctx, { runId: id, types: ["status"] });
      const at = (wanted: string) =>
        Date.parse(told.find(({ body }) => body.type === "status" && body.status === wanted)?.time ?? "");
      if (i > 0) waits.push(at("running") - at("queued")); // the first finds the worker cold
    }
    waits.sort((a, b) => a - b);
    const value = (share: number) =>
      waits[Math.min(waits.length - 1, Math.ceil(share * waits.length) - 1)] ?? Number.NaN;
    for (const [name, share, limit] of [
      ["submit to running, p50", 0.5, limits.p50],
      ["submit to running, p99", 0.99, limits.p99],
    ] as const)
      yield { name, value: value(share), unit: "ms", peer: "limit", peerValue: limit, ratio: limit / value(share) };
  } finally {
    await endProcess(worker, "SIGTERM");
    await lab.close();
    await database.drop();
  }
}
