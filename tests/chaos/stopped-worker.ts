import type { RunDetail } from "@anneal/contracts";
import type { CaseResult } from "../support/suite-result.ts";
import { endProcess, type Lab, trainerOf } from "../support/worker-lab.ts";
import { chaosSpec, ended, facts, type Stage } from "./stage.ts";
import { differences, type Reference } from "./verify.ts";

const stopAtStep = 20;

/**
 * A worker and its trainer are stopped (SIGSTOP) until another worker has taken the run over and is past that step; then they
 * wake up and go on as if nothing had happened. With the fence they find themselves shut out.
 */
async function stoppedWorkerWakes(lab: Lab, fence: "on" | "off"): Promise<RunDetail> {
  const env = { ANNEAL_TEST_FENCE: fence };
  const first = lab.startWorker({ ...env, ANNEAL_WORKER_NAME: "stopped" });
  const { id } = await lab.createRun(chaosSpec);
  await lab.until(id, "under way", (run) => (run.progress?.step ?? 0) >= stopAtStep || ended(run));
  const trainer = trainerOf(first.pid ?? 0);
  if (trainer === null) throw new Error("the first worker has no trainer to stop");
  first.kill("SIGSTOP");
  process.kill(trainer, "SIGSTOP");
  const second = lab.startWorker({ ...env, ANNEAL_WORKER_NAME: "successor" });
  const takenOver = (run: RunDetail) => run.attempts.length >= 2 && (run.progress?.step ?? 0) > stopAtStep + 10;
  await lab.until(id, "taken over", (run) => ended(run) || takenOver(run), 120);
  process.kill(trainer, "SIGCONT");
  first.kill("SIGCONT");
  await lab.until(id, "ended", ended, 120);
  // The woken pair must have had its say before the record is looked at.
  await endsByItself(() => trainerOf(first.pid ?? 0) === null);
  await endProcess(first, "SIGTERM");
  await endProcess(second, "SIGTERM");
  return lab.until(id, "ended", ended);
}

async function endsByItself(isOver: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!isOver()) {
    if (Date.now() > deadline) throw new Error("the woken trainer does not end");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The scene with the check (must go well), and its negative control without (must go wrong). */
export async function stoppedWorkerCase(o: {
  stage: Stage;
  reference: Reference;
  fence: "on" | "off";
  report: (result: CaseResult) => void;
}): Promise<void> {
  const { stage, reference, fence, report } = o;
  const scene = async (check: "on" | "off") =>
    differences(stage.lab, await stoppedWorkerWakes(stage.lab, check), reference, facts, stage.ollamaNames);
  const faults = await scene(fence);
  report({
    name: `a worker stopped past its lease wakes up (fence ${fence})`,
    status: faults.length === 0 ? "passed" : "failed",
    detail: faults.slice(0, 8).join("; "),
  });
  if (fence === "off") return;
  // The woken pair harms the record only if it gets a word in while its successor is under way; a fast machine may need another try.
  let uncontrolled: string[] = [];
  for (let attempt = 0; attempt < 4 && uncontrolled.length === 0; attempt++)
    // A run that falls back into the queue after it had succeeded never ends again: that too is the harm the check prevents.
    uncontrolled = await scene("off").catch((error: Error) => [error.message.split("\n")[0] ?? "failed"]);
  report({
    name: "negative control: without the fence the same scene goes wrong",
    status: uncontrolled.length > 0 ? "passed" : "failed",
    detail: uncontrolled[0] ?? "nothing went wrong",
  });
}
