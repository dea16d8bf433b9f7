import { ServiceError } from "@anneal/contracts";
import { channels } from "@anneal/db";
import { runs } from "@anneal/services";
import { isDatabaseAway } from "./database-retry.ts";
import type { WorkerContext } from "./worker-context.ts";

type Claim = Parameters<typeof runs.execution.renewLease>[1];
export type LeaseEnd = "cancel" | "pause" | "stale" | "handBack";

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
      const { control, controlNumber } = await runs.execution.renewLease(services, claim, env.leaseSeconds);
      if (control === "cancel" || control === "pause") end(control);
      // The model is finished: there is nothing left to save.
      else if (control === "save") await runs.execution.clearControl(services, claim, controlNumber);
    } catch (error) {
      if (error instanceof ServiceError && error.code === "STALE_ATTEMPT") end("stale");
      else if (!isDatabaseAway(error)) log.error({ error, runId: claim.runId }, "could not keep the lease");
    }
  }
  const leave = () => end("handBack");
  const timer = setInterval(() => void renew(), (env.leaseSeconds * 1000) / 4);
  const unsubscribe = services.listener.subscribe(channels.control, (runId) => {
    if (runId === null || runId === claim.runId) void renew();
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
