// A run once undisturbed and once with its trainer killed in the middle: both must end with the same weights.
import type { RunDetail, RunEventBody, RunSpecInput } from "@anneal/contracts";
import { runs } from "@anneal/services";
import { expect } from "vitest";
import { endProcess, hasEnded, type Lab, trainedDigests, trainerOf } from "./worker-lab.ts";

const ended = hasEnded("succeeded", "failed", "cancelled");

export async function eventsOf<T extends RunEventBody["type"]>(lab: Lab, id: string, type: T) {
  const events = await runs.events(lab.ctx, { runId: id, types: [type], limit: 1000 });
  return events.flatMap(({ body }) => (body.type === type ? [body as Extract<RunEventBody, { type: T }>] : []));
}

export async function finish(lab: Lab, id: string, seconds?: number): Promise<RunDetail> {
  const run = await lab.until(id, "succeeded", ended, seconds);
  expect(run.problem).toBeNull();
  expect(run.status).toBe("succeeded");
  return run;
}

/** The run once undisturbed, once with its trainer killed after `killAfter` steps. */
export async function twice(lab: Lab, spec: Partial<RunSpecInput>, killAfter: number) {
  const worker = lab.startWorker();
  const calm = await finish(lab, (await lab.createRun(spec)).id);
  const { id } = await lab.createRun(spec);
  await lab.until(id, "under way", (run) => (run.progress?.step ?? 0) >= killAfter || ended(run));
  const pid = trainerOf(worker.pid ?? 0);
  if (pid === null) throw new Error("the trainer had ended before it could be killed; make the run longer");
  process.kill(pid, "SIGKILL");
  const killed = await finish(lab, id);
  expect(killed.attempts).toHaveLength(2);
  expect(await trainedDigests(lab.ctx, id)).toEqual(await trainedDigests(lab.ctx, calm.id));
  await endProcess(worker, "SIGTERM");
  return { calm, killed };
}
