import type { RunningAnneal } from "../../apps/worker/src/supervisor/start.ts";
import { trainerOf } from "../support/worker-lab.ts";

export const targets = ["trainer", "worker", "postgres"] as const;
export type Target = (typeof targets)[number];

export const chooseTarget = (random: () => number): Target =>
  targets[Math.floor(random() * targets.length)] ?? "trainer";

function pidOf(anneal: RunningAnneal, target: Target): number | null {
  const { worker, postgres } = anneal.pids();
  if (target === "postgres") return postgres;
  if (target === "worker") return worker;
  return worker === null ? null : trainerOf(worker);
}

/** kill -9. False when there is no such process at this moment. */
export function killTarget(anneal: RunningAnneal, target: Target): boolean {
  const pid = pidOf(anneal, target);
  if (pid === null) return false;
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false; // it ended by itself meanwhile
    throw error;
  }
}
