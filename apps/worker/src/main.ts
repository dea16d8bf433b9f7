import { workers } from "@anneal/services";
import { untilStored } from "./database-retry.ts";
import { readEnv } from "./env.ts";
import { registerWorker, startHeartbeat } from "./heartbeat.ts";
import { createLog } from "./log.ts";
import { startTaking } from "./taking.ts";
import { openContext, type WorkerContext } from "./worker-context.ts";

// The worker process: takes jobs of its roles until it is told to leave; then it hands back what it is at.
const env = readEnv();
const log = createLog(env.logLevel, "worker");
const leaving = new AbortController();
const leave = (why: string) => {
  if (leaving.signal.aborted) return;
  log.info({ why }, "leaving: handing back what is running");
  leaving.abort();
};
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => leave(signal));
process.on("disconnect", () => leave("the supervisor is gone"));

async function main(): Promise<void> {
  const opened = await untilStored(() => openContext(env, log, leaving.signal), {
    log,
    what: "start",
    signal: leaving.signal,
  });
  const workerId = await untilStored(() => registerWorker(opened), { log, what: "start", signal: leaving.signal });
  const context: WorkerContext = { ...opened, workerId };
  const stopHeartbeat = startHeartbeat(context);
  const taking = await startTaking(context);
  log.info({ workerId, roles: env.roles, home: env.home }, "worker ready");
  if (!leaving.signal.aborted)
    await new Promise<void>((resolve) => leaving.signal.addEventListener("abort", () => resolve(), { once: true }));
  await taking.stop();
  await stopHeartbeat();
  await workers.leave(context.services, workerId);
  await context.close();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    log.error({ error }, "the worker ends");
    process.exit(1);
  },
);
