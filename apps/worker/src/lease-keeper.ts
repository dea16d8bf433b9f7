import { type AttemptEnd, ServiceError } from "@anneal/contracts";
import { channels } from "@anneal/db";
import { runs } from "@anneal/services";
import { isDatabaseAway } from "./database-retry.ts";
import type { WorkerContext } from "./worker-context.ts";

type Claim = Parameters<typeof runs.execution.renewLease>[1];
/** Why the work must stop; "failed": the job has run longer than it may. */
export type LeaseEnd = Extract<AttemptEnd, "cancelled" | "paused" | "yielded" | "lost" | "failed">;

/** Keeps a run's lease while the worker itself works on it (publishing); aborts the work when it must stop. */
export function keepLease(context: WorkerContext, claim: Claim) {
  const { services, env, log, leaving } = context;
  const stop = new AbortController();
  let reason: LeaseEnd | null = null;
  const end = (why: LeaseEnd) => {
    reason ??= why;
    stop.abort();
  };
  async function renew(): Promise<void> {
    try {
      const { control, controlNumber, overLimit } = await runs.execution.renewLease(services, claim, env.leaseSeconds);
      if (overLimit) end("failed");
      else if (control === "cancel") end("cancelled");
      else if (control === "pause") end("paused");
      // The model is finished: there is nothing left to save.
      else if (control === "save") await runs.execution.clearControl(services, claim, controlNumber);
    } catch (error) {
      if (error instanceof ServiceError && error.code === "STALE_ATTEMPT") end("lost");
      else if (!isDatabaseAway(error)) log.error({ error, runId: claim.id }, "could not keep the lease");
    }
  }
  const leave = () => end("yielded");
  const timer = setInterval(() => void renew(), (env.leaseSeconds * 1000) / 4);
  const unsubscribe = services.listener.subscribe(channels.control, (runId) => {
    if (runId === null || runId === claim.id) void renew();
  });
  if (leaving.aborted) leave();
  leaving.addEventListener("abort", leave);
  return {
    signal: stop.signal,
    ended: (): LeaseEnd | null => reason,
    release() {
      clearInterval(timer);
      unsubscribe();
      leaving.removeEventListener("abort", leave);
    },
  };
}
