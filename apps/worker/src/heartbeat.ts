import { loadavg, totalmem } from "node:os";
import { annealVersion } from "@anneal/contracts";
import { releaseDeadWorkers, runs, tendJobs, workers } from "@anneal/services";
import { isDatabaseAway } from "./database-retry.ts";
import { availableMemoryBytes, diskFreeBytes } from "./machine.ts";
import { isAlive } from "./process-alive.ts";
import type { WorkerContext } from "./worker-context.ts";

const beatMilliseconds = 5000;
const reconcileMilliseconds = 60_000;

const stateOf = (context: Omit<WorkerContext, "workerId">) => ({
  freeMemoryBytes: availableMemoryBytes(),
  diskFreeBytes: diskFreeBytes(context.env.home),
  load: loadavg()[0] ?? 0,
  currentRunId: context.current.runId,
});

/** The worker's row; and the leases of workers of this machine that died are over at once. */
export async function registerWorker(context: Omit<WorkerContext, "workerId">): Promise<string> {
  const { env, services } = context;
  const freed = await releaseDeadWorkers(services, env.host, isAlive);
  if (freed > 0) context.log.info({ freed }, "took over from workers of this machine that are gone");
  const { isa, threads } = services.engine.engineInfo();
  return workers.register(
    services,
    {
      name: env.workerName,
      host: env.host,
      home: context.home,
      store: context.store,
      pid: process.pid,
      roles: env.roles,
      isa,
      threads,
      memoryBytes: totalmem(),
      devices: ["cpu"], // a device that computes is added by its backend
      labels: env.labels,
      version: annealVersion,
    },
    stateOf(context),
  );
}

/** The regular small work: say that we live, and send again what the queue owes. Returns a stop function. */
export function startHeartbeat(context: WorkerContext): () => Promise<void> {
  const { env, services, log, queue } = context;
  let busy: Promise<void> | null = null;
  let reconciledAt = 0;
  async function beat(): Promise<void> {
    try {
      await workers.beat(services, context.workerId, stateOf(context));
      await releaseDeadWorkers(services, env.host, isAlive);
      await tendJobs(services, context.store);
      const resumed = await runs.execution.resumeWhereRoom(services, context.store);
      if (resumed.length > 0) log.info({ resumed }, "the disk has room again; runs go on");
      const now = Date.now();
      if (env.roles.includes("serve") && now - reconciledAt >= reconcileMilliseconds) {
        reconciledAt = now;
        await services.db.transaction((tx) => queue.enqueue(tx, "system.reconcile", {}));
      }
    } catch (error) {
      if (isDatabaseAway(error)) log.warn({ error: String(error) }, "heartbeat: the database is away");
      else log.error({ error }, "heartbeat failed");
    }
  }
  const tick = () => {
    busy ??= beat().finally(() => {
      busy = null;
    });
  };
  tick();
  const timer = setInterval(tick, Math.min(beatMilliseconds, (env.leaseSeconds * 1000) / 2));
  return async () => {
    clearInterval(timer);
    await busy;
  };
}
